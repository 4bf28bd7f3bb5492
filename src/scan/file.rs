//! One file by its name.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::Scanner;
use super::files::FileSource;
use crate::container::{Format, Source, sniff};
use crate::judge::Reason;
use crate::record::Record;

impl Scanner {
    /// Judges a file that somebody names, whatever it is, with a buffer that is reused between files. What cannot be
    /// opened or read is an `Error` record.
    #[must_use]
    pub fn scan_file(&self, path: &Path, buffer: &mut Vec<u8>) -> Record {
        let opened = FileSource::open(path).and_then(|source| Ok((sniff(&source)?, source)));
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
        let judged = catch_unwind(AssertUnwindSafe(|| self.scan_as("", source, format, buffer)));
        let Ok(record) = judged else {
            let message = "internal error: please report this file's shape".to_owned();
            return self.error("", format, Reason::Io, message);
        };
        match file.changed() {
            Ok(false) => record,
            Ok(true) => {
                let message = "the file changed while it was being read".to_owned();
                let mut record = self.error("", format, Reason::ChangedWhileReading, message);
                record.size = Some(file.len());
                record
            }
            Err(error) => self.io_error("", format, &error),
        }
    }
}

/// Sets the path as text, and as octets where the text cannot say it.
pub(super) fn with_path(mut record: Record, path: &Path) -> Record {
    record.path = path.to_string_lossy().into_owned();
    if path.to_str().is_none() {
        record.path_hex = Some(path_octets(path));
    }
    record
}

fn path_octets(path: &Path) -> String {
    path.as_os_str().as_encoded_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
