//! The one thing that judges, and what it is made of.

use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use super::catalogs::Catalogs;
use super::inspect::File;
use super::kind::{by_name, kind_of};
use super::options::Options;
use super::store::Store;
use super::supply::Supplier;
use crate::container::{Format, MemorySource, Source};
use crate::guard::Caught;
use crate::hunt::{Baseline, KnownNames};
use crate::judge::Reason;
use crate::record::{Record, error_record};
use crate::trust::{BlockLists, CatalogIndex, KernelRoots, RevocationLists, TrustStore};
use crate::verify::Memo;

/// Judges files. A record is a pure function of the file's bytes, the lists, the options and the moment;
/// one scanner may be used from many threads at once.
#[derive(Debug)]
pub struct Scanner {
    pub(super) options: Options,
    pub(super) trust: TrustStore,
    pub(super) intermediates: Vec<Vec<u8>>,
    pub(super) revocation: Arc<RevocationLists>,
    pub(super) memo: Memo,
    pub(super) kernel_roots: KernelRoots,
    pub(super) catalogs: Option<Catalogs>,
    pub(super) names: OnceLock<KnownNames>,
    pub(super) supplier: Option<Arc<dyn Supplier>>,
    pub(super) blocked: BlockLists,
    pub(super) allowed: BlockLists,
    pub(super) store: Option<Arc<Store>>,
    baseline: Option<Baseline>,
}
impl Scanner {
    /// A scanner that trusts the embedded store.
    #[must_use]
    pub fn new(options: Options) -> Scanner {
        Scanner::with_trust(options, TrustStore::embedded())
    }

    /// A scanner that trusts the given store.
    #[must_use]
    pub fn with_trust(options: Options, trust: TrustStore) -> Scanner {
        Scanner {
            options,
            trust,
            intermediates: Vec::new(),
            revocation: Arc::default(),
            memo: Memo::default(),
            kernel_roots: KernelRoots::default(),
            catalogs: None,
            names: OnceLock::new(),
            supplier: None,
            blocked: BlockLists::default(),
            allowed: BlockLists::default(),
            store: None,
            baseline: None,
        }
    }

    /// Adds certificates (DER) that may serve as intermediates.
    #[must_use]
    pub fn with_intermediates(mut self, certificates: Vec<Vec<u8>>) -> Scanner {
        self.intermediates = certificates;
        self
    }

    /// Adds revocation lists.
    #[must_use]
    pub fn with_revocation(mut self, lists: RevocationLists) -> Scanner {
        self.revocation = Arc::new(lists);
        self
    }

    /// Names what others warn of, and what is wanted all the same.
    #[must_use]
    pub fn with_blocklists(mut self, blocked: BlockLists, allowed: BlockLists) -> Scanner {
        self.blocked = blocked;
        self.allowed = allowed;
        self
    }

    /// Compares every file with what a known-good folder held.
    #[must_use]
    pub fn with_baseline(mut self, baseline: Baseline) -> Scanner {
        self.baseline = Some(baseline);
        self
    }

    /// Looks every file up in catalogs.
    #[must_use]
    pub fn with_catalogs(mut self, index: CatalogIndex) -> Scanner {
        self.catalogs = Some(Catalogs::new(index));
        self
    }

    /// Asks for what a file needs beyond these lists before it is judged. What it got belongs to that file alone.
    #[must_use]
    pub fn with_supplier(mut self, supplier: Arc<dyn Supplier>) -> Scanner {
        self.supplier = Some(supplier);
        self
    }

    /// The catalogs that are looked at.
    #[must_use]
    pub fn catalogs(&self) -> Option<&CatalogIndex> {
        self.catalogs.as_ref().map(|catalogs| &catalogs.index)
    }

    /// What others warn of.
    #[must_use]
    pub fn blocked(&self) -> &BlockLists {
        &self.blocked
    }

    /// The options in use.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The trust store in use.
    #[must_use]
    pub fn trust(&self) -> &TrustStore {
        &self.trust
    }

    /// Judges bytes in memory; `name` becomes the record's path.
    #[must_use]
    pub fn scan_bytes(&self, name: &str, bytes: &[u8]) -> Record {
        self.scan_source(name, &MemorySource(bytes))
    }

    /// Judges a source; `name` becomes the record's path. Errors of reading become `Error` records.
    #[must_use]
    pub fn scan_source(&self, name: &str, source: &dyn Source) -> Record {
        match kind_of(Path::new(name), source) {
            Ok(format) => self.compared(by_name(self.scan_as(name, source, format, &mut Vec::new()), Path::new(name))),
            Err(error) => self.io_error(name, Format::Other, &error),
        }
    }

    /// Judges a source whose format is known, with a buffer that is reused between files.
    #[must_use]
    pub fn scan_as(&self, name: &str, source: &dyn Source, format: Format, buffer: &mut Vec<u8>) -> Record {
        if let Some(record) = self.too_large(name, source, format) {
            return record;
        }
        let judged = self.inspect(File { name, source, format, buffer });
        self.outcome(name, format, judged)
    }

    /// Judges two files at once, which takes less time than one after the other where both are large. The records are
    /// those that [`Scanner::scan_as`] gives. `None` where they have to be judged one by one.
    pub(super) fn scan_together(&self, files: [File<'_>; 2]) -> Option<[Record; 2]> {
        let [one, two] = &files;
        if [one, two].iter().any(|file| self.too_large(file.name, file.source, file.format).is_some()) {
            return None;
        }
        let [(first, of_first), (second, of_second)] = [one, two].map(|file| (file.name, file.format));
        let [one, two] = self.inspect_together(files)?;
        Some([self.outcome(first, of_first, one), self.outcome(second, of_second, two)])
    }

    fn outcome(&self, name: &str, format: Format, judged: io::Result<Record>) -> Record {
        match judged {
            Ok(record) => Record { host: self.options.host.clone(), ..record },
            Err(error) => self.io_error(name, format, &error),
        }
    }

    /// The record of a file that is not judged because of its size.
    fn too_large(&self, name: &str, source: &dyn Source, format: Format) -> Option<Record> {
        let limit = self.options.max_size.filter(|limit| source.len() > *limit)?;
        let message = format!("the file has {} bytes, more than the limit of {limit}", source.len());
        let mut record = self.error(name, format, Reason::Limit, message);
        record.size = Some(source.len());
        Some(record)
    }

    /// The record of what has no end within the limit: how long it is nobody knows.
    pub(super) fn endless(&self, format: Format) -> Record {
        let limit = self.options.max_size.unwrap_or(u64::MAX);
        self.error("", format, Reason::Limit, format!("there are more bytes than the limit of {limit}"))
    }

    /// A finished record, which knows its path and what catalogs say, with what the baseline finds in it.
    pub(crate) fn compared(&self, mut record: Record) -> Record {
        if let Some(baseline) = self.baseline.as_ref().filter(|_| self.options.findings) {
            record.findings.extend(baseline.findings(&record));
        }
        record
    }

    /// The record of a file that was not judged.
    #[must_use]
    pub fn error(&self, name: &str, format: Format, reason: Reason, message: String) -> Record {
        let record = error_record(name, format, reason, message, self.options.now, (&self.options).into(), &self.trust);
        Record { host: self.options.host.clone(), ..record }
    }

    /// The record of a file on which sigscan itself failed. None of the reasons is for that: it is that the file could not
    /// be read, and the message says by whose fault.
    #[must_use]
    pub fn failure(&self, name: &str, format: Format, caught: &Caught) -> Record {
        self.error(name, format, Reason::Io, caught.message())
    }

    /// The record of a file that could not be read.
    #[must_use]
    pub fn io_error(&self, name: &str, format: Format, error: &io::Error) -> Record {
        let reason = match error.kind() {
            io::ErrorKind::NotFound => Reason::NotFound,
            io::ErrorKind::UnexpectedEof => Reason::ChangedWhileReading,
            _ => Reason::Io,
        };
        self.error(name, format, reason, error.to_string())
    }
}
