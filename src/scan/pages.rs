//! Page hashes: each page of an image as the pass meets it, held against a list.

use std::ops::Range;

use super::store::State;
use crate::cms::spc::PageHashList;
use crate::container::pe::PagePlan;
use crate::crypto::Hasher;

/// One list of page hashes: where each page lies and what its digest should be.
#[derive(Debug)]
pub struct PageRun<'p> {
    list: PageHashList<'p>,
    plan: PagePlan,
    at: usize,
    hasher: Option<Hasher>,
    /// Offset of the first page that differs.
    pub first_mismatch: Option<u64>,
}

impl<'p> PageRun<'p> {
    /// A run over the pages of `plan`, whose digests are the first entries of `list`.
    #[must_use]
    pub fn new(list: PageHashList<'p>, plan: PagePlan) -> Self {
        PageRun { list, plan, at: 0, hasher: None, first_mismatch: None }
    }

    /// Octets that it hashes, at most.
    pub(super) fn octets(&self) -> u64 {
        self.plan.octets()
    }

    /// Everything that the outcome depends on, besides the file's octets.
    pub(super) fn describe(&self, state: &mut State) {
        state.feed(self.list.algorithm.name().as_bytes());
        state.feed(self.list.bytes);
        state.feed_numbers(self.plan.headers.iter().flat_map(|range| [range.start, range.end]));
        state.feed_numbers(self.plan.sections.iter().flat_map(|(start, end)| [*start, *end].map(u64::from)));
        state.feed_numbers([self.plan.header_padding, u64::from(self.plan.page_size)]);
    }

    /// Takes the next window of the file.
    pub(super) fn update(&mut self, window: &Range<u64>, bytes: &[u8]) {
        while self.at < self.plan.len() {
            for index in 0..self.ranges() {
                let range = self.range(index);
                let part = range.start.max(window.start)..range.end.min(window.end);
                if part.start < part.end {
                    self.feed(slice(bytes, window, &part));
                }
            }
            if self.plan.end_of(self.at).0 > window.end {
                return;
            }
            self.close();
        }
    }

    /// Ranges of the current page.
    fn ranges(&self) -> usize {
        if self.at == 0 { self.plan.headers.len() } else { 1 }
    }

    fn range(&self, index: usize) -> Range<u64> {
        match self.at.checked_sub(1).map(|section| self.plan.sections.get(section)) {
            None => self.plan.headers.get(index).cloned().unwrap_or(0..0),
            Some(section) => section.map_or(0..0, |(start, end)| u64::from(*start)..u64::from(*end)),
        }
    }

    fn feed(&mut self, bytes: &[u8]) {
        if let Some(hasher) = self.hasher.as_mut() {
            hasher.update(bytes);
        } else if let Some(mut hasher) = Hasher::new(self.list.algorithm) {
            hasher.update(bytes);
            self.hasher = Some(hasher);
        }
    }

    /// Ends the current page: zero padding, comparison, next.
    fn close(&mut self) {
        const ZEROS: [u8; 8192] = [0; 8192];
        let padding = usize::try_from(self.plan.end_of(self.at).1).unwrap_or(0);
        self.feed(ZEROS.get(..padding).unwrap_or(&ZEROS));
        let expected = self.list.entry(self.at);
        let computed = self.hasher.take().map(Hasher::finish);
        if let (Some((offset, digest)), Some(computed)) = (expected, computed) {
            let differs = computed.as_bytes() != digest;
            self.first_mismatch = self.first_mismatch.or(differs.then_some(u64::from(offset)));
        }
        self.at = self.at.saturating_add(1);
    }

    /// Ends every page that the file was too short for.
    pub(super) fn finish(&mut self) {
        while self.at < self.plan.len() {
            self.close();
        }
    }
}

/// The bytes of `part` within a window that starts at `window.start`.
pub(super) fn slice<'b>(bytes: &'b [u8], window: &Range<u64>, part: &Range<u64>) -> &'b [u8] {
    let start = usize::try_from(part.start.saturating_sub(window.start)).unwrap_or(usize::MAX);
    let end = usize::try_from(part.end.saturating_sub(window.start)).unwrap_or(usize::MAX);
    bytes.get(start..end).unwrap_or(&[])
}
