//! Targets that take octets as text: events, records, lists, addresses.

use std::io::Cursor;
use std::path::PathBuf;

use sigscan::enrich::events::{NoFiles, detect, input};

/// A file that only this process writes, where a reader wants a path.
fn file(octets: &[u8], extension: &str) -> PathBuf {
    let folder = if std::path::Path::new("/dev/shm").is_dir() { "/dev/shm".into() } else { std::env::temp_dir() };
    let path = folder.join(format!("sigscan-fuzz-{}{extension}", std::process::id()));
    std::fs::write(&path, octets).unwrap();
    path
}

/// Events as JSON or XML, through every detection.
pub fn events(octets: &[u8]) {
    let _ = sigscan::enrich::events::xml::event(octets);
    let _ = input::read_text(&mut Cursor::new(octets), &mut |event| {
        if let Ok(event) = event {
            let _ = detect(&event, "file", 0, &mut NoFiles);
        }
        Ok(())
    });
}

/// A Windows event log.
pub fn evtx(octets: &[u8]) {
    let path = file(octets, ".evtx");
    let _ = input::read_path(&path, &mut |_| Ok(()));
}

/// Lines that sigscan itself writes and reads again.
pub fn lines(octets: &[u8]) {
    let mut correlator = sigscan::hunt::Correlator::new();
    for line in octets.split(|octet| *octet == b'\n').take(1000) {
        if let Ok(line) = serde_json::from_slice::<sigscan::hunt::KeysLine>(line) {
            correlator.add_line(&line);
        }
        if let Ok(record) = serde_json::from_slice::<sigscan::Record>(line) {
            correlator.add(&record);
        }
        if let Some(object) = sigscan::enrich::json::Object::parse(line) {
            let _: serde_json::Map<String, serde_json::Value> =
                serde_json::from_slice(line).expect("an object for one reader and none for the other");
            let more = object.with_member("sigscan", "{}");
            serde_json::from_str::<serde_json::Value>(&more).expect("JSON in, JSON out");
        }
    }
    let _ = correlator.finish();
    let _ = sigscan::hunt::Baseline::default().read(&mut Cursor::new(octets));
}

/// Lists of what others warn of, in every format; the first octet chooses.
pub fn lists(octets: &[u8]) {
    use sigscan::trust::{BlockLists, ListKind};
    let Some((&first, rest)) = octets.split_first() else { return };
    let (_, kind) = ListKind::NAMES[usize::from(first) % ListKind::NAMES.len()];
    let path = file(rest, ".list");
    let _ = BlockLists::load(&[(kind, path)]);
}

/// An address, and where it leads; names, as a person reads them.
pub fn url(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    if let Ok(url) = sigscan::online::Url::parse(&text) {
        let _ = url.join(&text);
        let _ = url.server();
    }
    for shown in [sigscan::output::escape::for_terminal(&text), sigscan::output::escape::for_csv(&text)] {
        assert!(!shown.chars().any(sigscan::output::escape::is_hidden));
    }
}
