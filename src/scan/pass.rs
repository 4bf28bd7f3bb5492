//! One pass over a file: every digest that it needs, at once.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;

use super::pages::{PageRun, slice};
use super::store::State;
use crate::container::pe::{ImageSum, PeFacts, page_plan};
use crate::container::{HashedRegions, ListedBy, Source};
use crate::crypto::{DigestAlgorithm, DigestValue, Hasher, MultiHasher, update_together};

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
    pub fn look_up(&mut self, algorithms: &[DigestAlgorithm], by: ListedBy) {
        let missing = |known: &[DigestAlgorithm]| {
            algorithms.iter().copied().filter(|algorithm| !known.contains(algorithm)).collect()
        };
        match by {
            ListedBy::Authentihash => self.unreported_authentihash = missing(&self.authentihash),
            ListedBy::File => self.unreported_file = missing(&self.file),
            ListedBy::Nothing | ListedBy::Unread => {}
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

    /// The algorithms of the file's digests and of those of its covered regions, whatever is reported of them, in the
    /// order of [`DigestAlgorithm`].
    pub(super) fn algorithms(&self) -> (Vec<DigestAlgorithm>, Vec<DigestAlgorithm>) {
        let all = |reported: &[DigestAlgorithm], others: &[DigestAlgorithm]| {
            let all: BTreeSet<DigestAlgorithm> = reported.iter().chain(others).copied().collect();
            all.into_iter().filter(|algorithm| Hasher::new(*algorithm).is_some()).collect()
        };
        (all(&self.file, &self.unreported_file), all(&self.authentihash, &self.unreported_authentihash))
    }

    /// Everything but the algorithms that the outcome depends on, besides the file's octets.
    pub(super) fn describe(&self, state: &mut State) {
        state.feed_numbers(self.regions.included.iter().flat_map(|range| [range.start, range.end]));
        state.feed_numbers([self.regions.zero_padding, self.pages.len() as u64]);
        self.pages.iter().for_each(|run| run.describe(state));
    }

    /// Whether nothing has to be read.
    pub(super) fn is_empty(&self) -> bool {
        let lists = [&self.file, &self.authentihash, &self.unreported_file, &self.unreported_authentihash];
        lists.iter().all(|list| list.is_empty()) && self.pages.is_empty()
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

/// One file's part of a pass.
pub struct Job<'j, 'p> {
    /// The file.
    pub source: &'j dyn Source,
    /// What is wanted of it.
    pub plan: &'j mut Plan<'p>,
    /// Where to read into; it grows as needed and is of use again afterwards.
    pub buffer: &'j mut Vec<u8>,
}

/// Runs the pass over one file. A plan that needs nothing reads nothing.
///
/// # Errors
/// Errors of reading, and `UnexpectedEof` when the file is shorter than it was when it was opened.
pub fn run(source: &dyn Source, plan: &mut Plan<'_>, buffer: &mut Vec<u8>) -> io::Result<Digests> {
    let [digests] = run_together([Job { source, plan, buffer }]);
    digests
}

/// Runs the pass over several files at once, a block of each in turn: their digests go through the processor together,
/// which takes less time than one file after the other (`crypto::update_together`).
///
/// Each has its own outcome, as [`run`] has it.
pub fn run_together<const N: usize>(jobs: [Job<'_, '_>; N]) -> [io::Result<Digests>; N] {
    let mut running = jobs.map(Running::new);
    while running.iter().any(Running::is_running) {
        let mut feeds = Vec::new();
        for pass in &mut running {
            pass.read();
            pass.feed(&mut feeds);
        }
        update_together(feeds);
        running.iter_mut().for_each(Running::advance);
    }
    running.map(Running::finish)
}

/// A pass under way.
struct Running<'j, 'p> {
    source: &'j dyn Source,
    plan: &'j mut Plan<'p>,
    buffer: &'j mut Vec<u8>,
    file: MultiHasher,
    covered: MultiHasher,
    sum: Option<ImageSum>,
    /// Where the file is read next.
    at: u64,
    /// Where it ends; where nothing is wanted, its start.
    end: u64,
    /// What of the file is in the buffer.
    window: Range<u64>,
    /// Covered parts of the window behind the one that is fed.
    behind: Vec<Range<u64>>,
    problem: Option<io::Error>,
}

impl<'j, 'p> Running<'j, 'p> {
    fn new(job: Job<'j, 'p>) -> Self {
        let Job { source, plan, buffer } = job;
        let end = if plan.is_empty() { 0 } else { source.len() };
        make_room(buffer, end);
        Running {
            file: MultiHasher::new(plan.file.iter().chain(&plan.unreported_file).copied()),
            covered: MultiHasher::new(plan.authentihash.iter().chain(&plan.unreported_authentihash).copied()),
            sum: plan.sum.then(ImageSum::default),
            source,
            plan,
            buffer,
            at: 0,
            end,
            window: 0..0,
            behind: Vec::new(),
            problem: None,
        }
    }

    fn is_running(&self) -> bool {
        self.problem.is_none() && self.at < self.end
    }

    /// Reads the next block.
    fn read(&mut self) {
        self.window = self.at..self.at;
        while self.is_running() && self.window.is_empty() {
            let want = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(BLOCK).min(BLOCK);
            let block = self.buffer.get_mut(..want).unwrap_or(&mut []);
            match self.source.read_at(block, self.at) {
                Ok(0) => {
                    self.problem = Some(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter"));
                }
                Ok(count) => self.window.end = self.at.saturating_add(count as u64),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.problem = Some(error),
            }
        }
    }

    /// Gives the block to everybody who wants it. What makes up most of the work is left in `feeds`: the whole
    /// block, and the largest covered part of it.
    fn feed<'f>(&'f mut self, feeds: &mut Vec<(&'f mut Hasher, &'f [u8])>) {
        let window = self.window.clone();
        let length = usize::try_from(window.end.saturating_sub(window.start)).unwrap_or(0);
        let bytes = self.buffer.get(..length).unwrap_or(&[]);
        if let Some(sum) = &mut self.sum {
            sum.update(bytes);
        }
        for run in &mut self.plan.pages {
            run.update(&window, bytes);
        }
        let mut parts: Vec<_> = self.plan.regions.within(window.clone()).collect();
        let size = |part: &Range<u64>| part.end.saturating_sub(part.start);
        let largest = (0..parts.len()).max_by_key(|index| parts.get(*index).map(size)).unwrap_or(0);
        self.behind = parts.split_off(largest.saturating_add(1).min(parts.len()));
        let main = parts.pop();
        for part in parts {
            self.covered.update(slice(bytes, &window, &part));
        }
        feeds.extend(self.file.feeds(bytes));
        if let Some(main) = main {
            feeds.extend(self.covered.feeds(slice(bytes, &window, &main)));
        }
    }

    /// Gives what comes behind what was fed, and goes on.
    fn advance(&mut self) {
        for part in std::mem::take(&mut self.behind) {
            self.covered.update(slice(self.buffer, &self.window, &part));
        }
        self.at = self.window.end;
    }

    fn finish(mut self) -> io::Result<Digests> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        if self.plan.is_empty() {
            return Ok(Digests::default());
        }
        let padding = usize::try_from(self.plan.regions.zero_padding).unwrap_or(0).min(8);
        self.covered.update([0u8; 8].get(..padding).unwrap_or(&[]));
        for run in &mut self.plan.pages {
            run.finish();
        }
        let of = |hasher: MultiHasher| hasher.finish().into_iter().collect();
        Ok(Digests { file: of(self.file), authentihash: of(self.covered), sum: self.sum })
    }
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

/// The digest of ranges in the given order, CheckSum, directory entry and table left out as always; none for MD4, which
/// has no implementation.
///
/// # Errors
/// Errors of reading.
pub fn digest_ranges(
    source: &dyn Source,
    facts: &PeFacts,
    ranges: &[Range<u64>],
    algorithm: DigestAlgorithm,
    buffer: &mut Vec<u8>,
) -> io::Result<Option<DigestValue>> {
    let Some(mut hasher) = Hasher::new(algorithm) else { return Ok(None) };
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
    Ok(Some(hasher.finish()))
}
