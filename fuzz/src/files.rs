//! Targets that take octets as a file, or put them into one.

use std::collections::HashMap;
use std::sync::LazyLock;

use sigscan::judge::Status;
use sigscan::output::{Format, Origin};
use sigscan::record::Record;
use sigscan::scan::Tally;
use sigscan::trust::certificates_below;

use crate::host::{ALL, AT, KNOWN, NOBODYS, QUICK, THOROUGH, VALID, testdata};
use crate::mass::has_empty_set;
use crate::vouched::Vouched;

/// Any file, through every option that computes something, into every format. The record survives being written and read.
pub fn record(octets: &[u8]) {
    let record = THOROUGH.scan_bytes("file", octets);
    let text = serde_json::to_string(&record).unwrap();
    assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), record);
    assert_eq!(THOROUGH.scan_bytes("file", octets), record, "the same octets, another record");
    for format in Format::ALL {
        let written = written(format, &record);
        let lines = matches!(format, Format::Leef | Format::Cef);
        for character in String::from_utf8(written).unwrap().chars() {
            let hidden = sigscan::output::escape::is_hidden(character) && !matches!(character, '\n' | '\t' | '\r');
            assert!(!(lines && hidden), "{}: {character:?}", format.name());
        }
    }
}

fn written(format: Format, record: &Record) -> Vec<u8> {
    use std::io::Write;
    use std::sync::{Arc, Mutex};
    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);
    impl Write for Shared {
        fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(octets);
            Ok(octets.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let shared = Shared::default();
    let mut output = format.open(&Origin::default(), shared.clone());
    output.record(record).unwrap();
    output.finish(&Tally::default()).unwrap();
    drop(output);
    std::mem::take(&mut *shared.0.lock().unwrap())
}

/// A valid file that is damaged: the first octet chooses it, six octets each say what becomes of it. Where an octet that
/// the digest covers has changed, nothing can be Valid any more.
pub fn damage(octets: &[u8]) {
    let Some((&first, edits)) = octets.split_first() else { return };
    let host = &VALID[usize::from(first) % VALID.len()];
    let mut file = host.octets.clone();
    for edit in edits.chunks_exact(6).take(64) {
        let at = u32::from_le_bytes([edit[0], edit[1], edit[2], edit[3]]) as usize % file.len().max(1);
        match edit[4] % 8 {
            0..=2 if !file.is_empty() => file[at] ^= edit[5],
            3 if !file.is_empty() => file[at] = edit[5],
            4 if !file.is_empty() => {
                file.remove(at);
            }
            5 => file.insert(at, edit[5]),
            6 => file.truncate(at),
            _ => file.extend_from_slice(edit),
        }
    }
    let record = QUICK.scan_bytes("file", &file);
    let covered = |at: usize| host.covers(at) && file.get(at) != host.octets.get(at);
    let longer = file.len() > host.octets.len() && file.starts_with(&host.octets);
    if longer || (0..host.table).any(covered) {
        assert!(record.status != Status::Valid, "{}: {:?} although covered octets changed", host.name, record.reason);
    }
    vouched_for(&file, &record);
    let unsigned = host.directory + 8 <= file.len() && file[host.directory..host.directory + 8] == [0; 8];
    if !unsigned && file.get(..host.directory + 8) == host.octets.get(..host.directory + 8) {
        assert!(record.status != Status::Unsigned, "{}: Unsigned with an entry", host.name);
    }
}

/// A signature on a file that nobody signed: whatever it is, it is not Valid, and the file is not Unsigned.
pub fn graft(blob: &[u8]) {
    let record = QUICK.scan_bytes("file", &NOBODYS.with_table(blob));
    assert!(!matches!(record.status, Status::Valid | Status::Unsigned), "{:?} {:?}", record.status, record.reason);
}

/// A signature on the file that it may be of, chosen by the sum of its octets so that a change of it can meet any. If it
/// is Valid, then one who signed fixtures signed it, and at a moment that a timestamp among them gives.
pub fn blob(blob: &[u8]) {
    let (signers, times) = &*KNOWN;
    // The digest that a signature names finds its file; a changed one is tried on the first.
    let named = |at: usize| DIGESTS.get(&blob[at..at + 8]).filter(|(digest, _)| blob[at..].starts_with(digest));
    let found = (0..blob.len().saturating_sub(8)).find_map(named);
    let host = &VALID[found.map_or(0, |(_, host)| *host)];
    let file = host.with_table(blob);
    let record = QUICK.scan_bytes("file", &file);
    assert!(record.status != Status::Unsigned);
    vouched_for(&file, &record);
    if record.status != Status::Valid {
        return;
    }
    let signer = record.signer.as_ref().expect("a valid file has a signer");
    assert!(signers.contains(&(signer.subject.clone(), signer.serial.clone())), "{} signed nothing", signer.subject);
    let stamp = record.timestamp.as_ref().filter(|stamp| stamp.verified).and_then(|stamp| stamp.time.clone());
    assert!(stamp.as_ref().is_none_or(|time| times.contains(time)), "{stamp:?} was never stamped");
}

/// Digests that valid fixtures were signed with, by their first octets, with the first file of each.
static DIGESTS: LazyLock<HashMap<Vec<u8>, (Vec<u8>, usize)>> = LazyLock::new(|| {
    let all = VALID.iter().enumerate().flat_map(|(number, host)| {
        let digests = host.record.signatures.iter().filter_map(|one| octets_of(one.signed_digest.as_deref()?));
        digests.map(move |digest| (digest[..8].to_vec(), (digest, number)))
    });
    let mut found = HashMap::new();
    for (start, entry) in all {
        found.entry(start).or_insert(entry);
    }
    found
});

/// What the signatures of all fixtures vouch for.
static VOUCHED: LazyLock<Vouched> = LazyLock::new(|| {
    let others = certificates_below(&["pki", "intermediates"].map(|name| testdata().join(name))).unwrap_or_default();
    let mut vouched = Vouched::default();
    ALL.iter().for_each(|host| vouched.learn(&host.octets, &host.record, &others));
    vouched
});

fn vouched_for(file: &[u8], record: &Record) {
    if record.status == Status::Valid
        && let Err(wrong) = VOUCHED.check(file, record, AT)
    {
        panic!("Valid, but {wrong}");
    }
}

fn octets_of(hex: &str) -> Option<Vec<u8>> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()).collect()
}

/// A catalog.
pub fn catalog(octets: &[u8]) {
    let index = sigscan::trust::CatalogIndex::from_bytes(vec![("c.cat".into(), octets.to_vec())]);
    let _ = index.algorithms();
    let source = sigscan::container::MemorySource(octets);
    let record = QUICK.scan_as("c.cat", &source, sigscan::container::Format::Cat, &mut Vec::new());
    // A catalog whose set of signers is empty was never signed.
    assert!(record.status != Status::Unsigned || has_empty_set(octets));
}
