//! Files compared with each other: every file is kept as one small entry, and at the end the rules look at all of them.

use super::catalogue::Publishers;
use super::entry::{Entry, KeysLine, Shared};
use super::rules;
use crate::record::{FindingLine, Record};

/// Gathers files and finds what they share. The result does not depend on the order in which they came, nor on whether
/// some of them came twice: the findings of several parts correlated together are those of the whole.
#[derive(Debug)]
pub struct Correlator {
    publishers: &'static Publishers,
    shared: Shared,
    entries: Vec<Entry>,
}

impl Default for Correlator {
    fn default() -> Correlator {
        Correlator::new()
    }
}

impl Correlator {
    /// An empty one.
    #[must_use]
    pub fn new() -> Correlator {
        Correlator { publishers: Publishers::embedded(), shared: Shared::default(), entries: Vec::new() }
    }

    /// The publishers whose names are known, for whoever makes lines of something else than records.
    #[must_use]
    pub fn publishers(&self) -> &'static Publishers {
        self.publishers
    }

    /// Takes a record, unless there is nothing about the file that could be compared.
    pub fn add(&mut self, record: &Record) {
        let comparable = record.keys != Default::default() || !record.authentihash.is_empty();
        if comparable {
            self.add_line(&KeysLine::of(record, self.publishers));
        }
    }

    /// Takes a line of an earlier correlation.
    pub fn add_line(&mut self, line: &KeysLine) {
        self.entries.push(Entry::new(line, &mut self.shared));
    }

    /// Everything that was taken, by path and without repetition, and the findings: worst kind first as the table has
    /// them, and by path within a kind.
    #[must_use]
    pub fn finish(self) -> (Vec<Entry>, Vec<FindingLine>) {
        let mut entries = self.entries;
        entries.sort_by(Entry::order);
        entries.dedup();
        let findings = rules::findings(&entries);
        (entries, findings)
    }
}
