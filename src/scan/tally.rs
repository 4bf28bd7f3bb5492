//! What a scan counted and how far it is.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::container::Format;

/// Everything that a scan met, records or not: nothing is left out silently.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records given out.
    pub records: u64,
    /// Bytes of the files that have records.
    pub bytes: u64,
    /// Files met on a walk that cannot carry a signature and got no record.
    pub not_signable: u64,
    /// Files met on a walk whose signatures are not read yet and which got no record, by kind.
    pub unsupported: BTreeMap<Format, u64>,
    /// Devices, sockets, pipes and the like that were passed over.
    pub special: u64,
    /// Symbolic links that were not followed.
    pub links: u64,
    /// Files left out by `--include` and `--exclude`.
    pub excluded: u64,
    /// Folders left out by `--exclude`, with whatever they hold.
    pub excluded_folders: u64,
    /// Named paths that do not exist.
    pub missing: u64,
    /// Things that were found and not looked at, because the scan was ended early; there may be more that was not found.
    pub unjudged: u64,
}

/// How far a running scan is; written by the workers, read by whoever draws it.
#[derive(Debug, Default)]
pub struct Progress {
    found: AtomicU64,
    done: AtomicU64,
    bytes: AtomicU64,
    walked: AtomicBool,
}

impl Progress {
    /// A file was found.
    pub(crate) fn found(&self) {
        self.found.fetch_add(1, Ordering::Relaxed);
    }

    /// A file was dealt with.
    pub(crate) fn done(&self, bytes: u64) {
        self.done.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// How many were found and not dealt with.
    pub(crate) fn unjudged(&self) -> u64 {
        self.found.load(Ordering::Relaxed).saturating_sub(self.done.load(Ordering::Relaxed))
    }

    /// The walk is over: the number of files found is final.
    pub(crate) fn walked(&self) {
        self.walked.store(true, Ordering::Relaxed);
    }

    /// Files found so far, files dealt with, bytes of those, and whether the first number is final.
    #[must_use]
    pub fn snapshot(&self) -> (u64, u64, u64, bool) {
        (
            self.found.load(Ordering::Relaxed),
            self.done.load(Ordering::Relaxed),
            self.bytes.load(Ordering::Relaxed),
            self.walked.load(Ordering::Relaxed),
        )
    }
}
