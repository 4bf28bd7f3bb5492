//! One file by its name.

use std::path::Path;

use super::Scanner;
use super::files::{FileSource, Since};
use super::inspect::File;
use super::kind::{by_name, kind_of};
use crate::container::{Format, Source};
use crate::guard;
use crate::judge::Reason;
use crate::record::Record;

impl Scanner {
    /// Judges a file that somebody names, whatever it is, with a buffer that is reused between files. What cannot be
    /// opened or read is an `Error` record.
    #[must_use]
    pub fn scan_file(&self, path: &Path, buffer: &mut Vec<u8>) -> Record {
        let opened = FileSource::open(path).and_then(|source| Ok((kind_of(path, &source)?, source)));
        let record = match opened {
            Ok((format, source)) => self.guarded(format, &source, &source, buffer),
            Err(error) => self.io_error("", Format::Other, &error),
        };
        with_path(record, path)
    }

    /// Judges an open file through `source` and notices if it has changed since it was opened. A panic would be a defect
    /// of sigscan; it must not take the scan of all other files with it, and must not pass for a verdict.
    pub(super) fn guarded(
        &self,
        format: Format,
        file: &FileSource,
        source: &dyn Source,
        buffer: &mut Vec<u8>,
    ) -> Record {
        let mut known = None;
        loop {
            let record = match guard::guarded(|| self.scan_as("", source, format, buffer)) {
                Ok(record) => record,
                Err(caught) => return self.failure("", format, &caught),
            };
            match file.since(known.as_ref()) {
                // Only the file as it is now can tell whether its bytes were meant, if nothing is done to it meanwhile.
                Ok(Since::Touched(stamp)) if known.is_none() => known = Some(stamp),
                since => return self.unless_changed(file, format, record, since),
            }
        }
    }

    /// Judges two open files at once, each as [`Scanner::guarded`] does. `None` where they have to be judged one by one.
    pub(super) fn guarded_together(
        &self,
        files: [(Format, &FileSource, &dyn Source); 2],
        buffers: &mut [Vec<u8>; 2],
    ) -> Option<[Record; 2]> {
        let [first, second] = buffers;
        let [(of_first, file_one, one), (of_second, file_two, two)] = files;
        let both = [
            File { name: "", source: one, format: of_first, buffer: first },
            File { name: "", source: two, format: of_second, buffer: second },
        ];
        // After a panic each is judged alone, which tells whose fault it was.
        let [one, two] = guard::guarded(|| self.scan_together(both)).ok()??;
        let (since_one, since_two) = (file_one.since(None), file_two.since(None));
        if [&since_one, &since_two].iter().any(|since| matches!(since, Ok(Since::Touched(_)))) {
            return None;
        }
        let one = self.unless_changed(file_one, of_first, one, since_one);
        Some([one, self.unless_changed(file_two, of_second, two, since_two)])
    }

    /// The record, if nothing has become of the file.
    fn unless_changed(
        &self,
        file: &FileSource,
        format: Format,
        record: Record,
        since: std::io::Result<Since>,
    ) -> Record {
        match since {
            Ok(Since::Same) => record,
            Ok(Since::Touched(_) | Since::Changed) => {
                let message = "the file changed while it was being read".to_owned();
                let mut record = self.error("", format, Reason::ChangedWhileReading, message);
                record.size = Some(file.len());
                record
            }
            Err(error) => self.io_error("", format, &error),
        }
    }
}

/// Sets the path as text, and as octets where the text cannot say it, and what the name says of the file.
pub(super) fn with_path(record: Record, path: &Path) -> Record {
    let mut record = by_name(record, path);
    record.path = path.to_string_lossy().into_owned();
    if path.to_str().is_none() {
        record.path_hex = Some(path_octets(path));
    }
    record
}

fn path_octets(path: &Path) -> String {
    crate::hex::lower(path.as_os_str().as_encoded_bytes())
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::*;
    use crate::asn1::Time;
    use crate::judge::Status;
    use crate::scan::Options;

    /// A file whose bytes bring sigscan down.
    struct Poison;

    impl Source for Poison {
        fn len(&self) -> u64 {
            512
        }

        fn read_at(&self, _: &mut [u8], _: u64) -> std::io::Result<usize> {
            assert!(std::hint::black_box(false), "a defect");
            Ok(0)
        }
    }

    #[test]
    fn a_defect_costs_one_file_its_verdict_and_is_told() {
        guard::quieten();
        let scanner = Scanner::new(Options::at(Time::parse_rfc3339("2026-06-01").unwrap()));
        let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/fixtures/pe32.exe"));
        let file = FileSource::open(path).unwrap();
        let record = scanner.guarded(Format::Pe, &file, &Poison, &mut Vec::new());
        assert_eq!((record.status, record.reason), (Status::Error, Reason::Io));
        let message = record.error.unwrap().message;
        let (told, place) = message.split_once(" (").unwrap();
        assert_eq!(told, "sigscan failed on this file: a defect of sigscan, please report it");
        assert!(place.starts_with("src/scan/file.rs:"), "{place}");
        assert_eq!(scanner.scan_file(path, &mut Vec::new()).size, Some(file.len()));
    }

    /// A file to which something is done whenever its last bytes are read, for so many times.
    #[cfg(unix)]
    struct Meddled<'m> {
        file: &'m FileSource,
        left: std::cell::Cell<usize>,
        meddle: &'m dyn Fn(),
    }

    #[cfg(unix)]
    impl Source for Meddled<'_> {
        fn len(&self) -> u64 {
            self.file.len()
        }

        fn read_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<usize> {
            let count = self.file.read_at(buffer, offset)?;
            if offset + count as u64 == self.len() && self.left.get() > 0 {
                self.left.set(self.left.get() - 1);
                std::thread::sleep(std::time::Duration::from_millis(50)); // times of files are no finer than ticks
                (self.meddle)();
            }
            Ok(count)
        }
    }

    #[cfg(unix)]
    #[test]
    fn setting_the_time_of_modification_back_hides_no_change() {
        use std::os::unix::fs::{FileExt, PermissionsExt};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.exe");
        let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/fixtures/self-signed.exe");
        let scanner = Scanner::new(Options::at(Time::parse_rfc3339("2026-06-01").unwrap()));
        let judged = |times: usize, meddle: &dyn Fn()| {
            std::fs::copy(fixture, &path).unwrap();
            let file = FileSource::open(&path).unwrap();
            let meddled = Meddled { file: &file, left: std::cell::Cell::new(times), meddle };
            let record = scanner.guarded(Format::Pe, &file, &meddled, &mut Vec::new());
            (record.status, record.reason)
        };
        let write = || {
            let file = std::fs::File::options().write(true).open(&path).unwrap();
            let modified = file.metadata().unwrap().modified().unwrap();
            file.write_all_at(b"x", 100).unwrap();
            file.set_modified(modified).unwrap();
        };
        let (invalid, changed) = ((Status::Invalid, Reason::BadDigest), (Status::Error, Reason::ChangedWhileReading));
        let untouched = (Status::Untrusted, Reason::SelfSigned);
        assert_eq!(judged(0, &|| ()), untouched);
        // Once, it is judged as it is then; for ever, not at all.
        assert_eq!(judged(1, &write), invalid);
        assert_eq!(judged(usize::MAX, &write), changed);
        // Who may read it and what it is called is nothing of its bytes.
        let mode = || std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(judged(1, &mode), untouched);
        assert_eq!(judged(1, &|| std::fs::rename(&path, folder.path().join("other")).unwrap()), untouched);
        // Without setting it back it has changed the first time.
        let rewrite = || std::fs::File::options().write(true).open(&path).unwrap().write_all_at(b"x", 100).unwrap();
        assert_eq!(judged(1, &rewrite), changed);
    }
}
