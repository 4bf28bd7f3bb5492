//! One pass over a file: every digest that it needs, at once.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;

use crate::cms::spc::PageHashList;
use crate::container::pe::{ImageSum, PagePlan, PeFacts, page_plan};
use crate::container::{HashedRegions, Source};
use crate::crypto::{DigestAlgorithm, DigestValue, Hasher, MultiHasher};

/// Bytes read at a time; small enough for the second-level cache, large enough that system calls do not count.
const BLOCK: usize = 256 * 1024;

/// What one pass computes.
#[derive(Debug, Default)]
pub struct Plan<'p> {
    /// Digests of the whole file.
    pub file: Vec<DigestAlgorithm>,
    /// Digests of the covered regions.
    pub authentihash: Vec<DigestAlgorithm>,
    /// The covered regions.
    pub regions: HashedRegions,
    /// Page hash lists to compare.
    pub pages: Vec<PageRun<'p>>,
    /// Whether the CheckSum of a PE image is summed up too, if the file is read at all.
    pub sum: bool,
    /// Digests of the whole file that are computed beside those above and not reported.
    unreported_file: Vec<DigestAlgorithm>,
    /// Likewise, of the covered regions.
    unreported_authentihash: Vec<DigestAlgorithm>,
}

impl<'p> Plan<'p> {
    /// A plan of digests that all belong into the record.
    #[must_use]
    pub fn new(file: Vec<DigestAlgorithm>, authentihash: Vec<DigestAlgorithm>, regions: HashedRegions) -> Plan<'p> {
        Plan { file, authentihash, regions, ..Plan::default() }
    }

    /// Adds the digests by which a file is looked up in catalogs, to be computed and not reported.
    pub fn look_up(&mut self, algorithms: &[DigestAlgorithm], authenticode: bool) {
        let missing = |known: &[DigestAlgorithm]| {
            algorithms.iter().copied().filter(|algorithm| !known.contains(algorithm)).collect()
        };
        self.unreported_file = missing(&self.file);
        if authenticode {
            self.unreported_authentihash = missing(&self.authentihash);
        }
    }

    /// Adds digests by which a file may be on a list, to be computed and not reported.
    pub fn look_for(&mut self, file: Vec<DigestAlgorithm>, authentihash: Vec<DigestAlgorithm>) {
        let add = |reported: &[DigestAlgorithm], more: &mut Vec<DigestAlgorithm>, wanted: Vec<DigestAlgorithm>| {
            for algorithm in wanted {
                if !reported.contains(&algorithm) && !more.contains(&algorithm) {
                    more.push(algorithm);
                }
            }
        };
        add(&self.file, &mut self.unreported_file, file);
        add(&self.authentihash, &mut self.unreported_authentihash, authentihash);
    }

    /// Those of the computed digests that belong into the record.
    #[must_use]
    pub fn reported(&self, computed: &Digests) -> Digests {
        let mut reported = computed.clone();
        reported.file.retain(|algorithm, _| self.file.contains(algorithm));
        reported.authentihash.retain(|algorithm, _| self.authentihash.contains(algorithm));
        reported
    }

    fn is_empty(&self) -> bool {
        let lists = [&self.file, &self.authentihash, &self.unreported_file, &self.unreported_authentihash];
        lists.iter().all(|list| list.is_empty()) && self.pages.is_empty()
    }
}

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

    /// Takes the next window of the file.
    fn update(&mut self, window: &Range<u64>, bytes: &[u8]) {
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
    fn finish(&mut self) {
        while self.at < self.plan.len() {
            self.close();
        }
    }
}

/// What one pass found.
#[derive(Debug, Clone, Default)]
pub struct Digests {
    /// Digests of the whole file.
    pub file: BTreeMap<DigestAlgorithm, DigestValue>,
    /// Digests of the covered regions.
    pub authentihash: BTreeMap<DigestAlgorithm, DigestValue>,
    /// The sum over the whole file.
    pub sum: Option<ImageSum>,
}

/// Makes the buffer as large as a block, or as the file where that is smaller: clearing a block costs more than
/// hashing a small file.
fn make_room(buffer: &mut Vec<u8>, length: u64) {
    let wanted = usize::try_from(length).unwrap_or(BLOCK).min(BLOCK);
    if buffer.len() < wanted {
        buffer.resize(wanted, 0);
    }
}

/// Runs the pass. A plan that needs nothing reads nothing.
///
/// # Errors
/// Errors of reading, and `UnexpectedEof` when the file is shorter than it was when it was opened.
pub fn run(source: &dyn Source, plan: &mut Plan<'_>, buffer: &mut Vec<u8>) -> io::Result<Digests> {
    if plan.is_empty() {
        return Ok(Digests::default());
    }
    let length = source.len();
    make_room(buffer, length);
    let mut file = MultiHasher::new(plan.file.iter().chain(&plan.unreported_file).copied());
    let mut covered = MultiHasher::new(plan.authentihash.iter().chain(&plan.unreported_authentihash).copied());
    let mut sum = plan.sum.then(ImageSum::default);
    let mut at = 0u64;
    while at < length {
        let want = usize::try_from(length.saturating_sub(at)).unwrap_or(BLOCK).min(BLOCK);
        let Some(block) = buffer.get_mut(..want) else { break };
        let count = match source.read_at(block, at) {
            Ok(0) => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter")),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let bytes = buffer.get(..count).unwrap_or(&[]);
        let window = at..at.saturating_add(count as u64);
        file.update(bytes);
        if let Some(sum) = &mut sum {
            sum.update(bytes);
        }
        for part in plan.regions.within(window.clone()) {
            covered.update(slice(bytes, &window, &part));
        }
        for run in &mut plan.pages {
            run.update(&window, bytes);
        }
        at = window.end;
    }
    let padding = usize::try_from(plan.regions.zero_padding).unwrap_or(0).min(8);
    covered.update([0u8; 8].get(..padding).unwrap_or(&[]));
    for run in &mut plan.pages {
        run.finish();
    }
    let (file, authentihash) = (file.finish().into_iter().collect(), covered.finish().into_iter().collect());
    Ok(Digests { file, authentihash, sum })
}

/// Digests of the first page, as the first entry of a list of page hashes has it.
///
/// # Errors
/// Errors of reading.
pub fn first_page(
    source: &dyn Source,
    facts: &PeFacts,
    algorithms: &[DigestAlgorithm],
) -> io::Result<BTreeMap<DigestAlgorithm, DigestValue>> {
    let mut hasher = MultiHasher::new(algorithms.iter().copied());
    let Ok(plan) = page_plan(facts, [0].into_iter(), source.len()) else { return Ok(BTreeMap::new()) };
    let mut block = vec![0; PAGE_BLOCK];
    for range in plan.headers {
        let mut at = range.start;
        while at < range.end {
            let want = usize::try_from(range.end.saturating_sub(at)).unwrap_or(PAGE_BLOCK).min(PAGE_BLOCK);
            let Some(part) = block.get_mut(..want) else { break };
            let count = source.read_at(part, at)?;
            if count == 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter"));
            }
            hasher.update(part.get(..count).unwrap_or(&[]));
            at = at.saturating_add(count as u64);
        }
    }
    let padding = usize::try_from(plan.header_padding).unwrap_or(0);
    hasher.update([0u8; PAGE_BLOCK].get(..padding).unwrap_or(&[0; PAGE_BLOCK]));
    Ok(hasher.finish().into_iter().collect())
}

/// The largest page.
const PAGE_BLOCK: usize = 8192;

/// The digest of ranges in the given order, CheckSum, directory entry and table left out as always.
///
/// # Errors
/// Errors of reading.
pub fn digest_ranges(
    source: &dyn Source,
    facts: &PeFacts,
    ranges: &[Range<u64>],
    algorithm: DigestAlgorithm,
    buffer: &mut Vec<u8>,
) -> io::Result<String> {
    let Some(mut hasher) = Hasher::new(algorithm) else { return Ok(String::new()) };
    make_room(buffer, source.len());
    let fields = HashedRegions::all_but(source.len(), &facts.excluded_ranges());
    for part in ranges.iter().flat_map(|range| fields.within(range.clone())) {
        let mut at = part.start;
        while at < part.end {
            let want = usize::try_from(part.end.saturating_sub(at)).unwrap_or(BLOCK).min(BLOCK);
            let Some(block) = buffer.get_mut(..want) else { break };
            let count = source.read_at(block, at)?;
            if count == 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter"));
            }
            hasher.update(block.get(..count).unwrap_or(&[]));
            at = at.saturating_add(count as u64);
        }
    }
    Ok(hasher.finish().to_string())
}

/// The bytes of `part` within a window that starts at `window.start`.
fn slice<'b>(bytes: &'b [u8], window: &Range<u64>, part: &Range<u64>) -> &'b [u8] {
    let start = usize::try_from(part.start.saturating_sub(window.start)).unwrap_or(usize::MAX);
    let end = usize::try_from(part.end.saturating_sub(window.start)).unwrap_or(usize::MAX);
    bytes.get(start..end).unwrap_or(&[])
}
