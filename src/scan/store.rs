//! Digests that are kept from one scan to the next, so that a file that has not changed is not read again.
//!
//! Kept is what streaming over a file's octets gives and nothing else: digests, the comparison of page hashes, the sum of
//! the image, and the kind of a file that cannot be signed. Headers, signatures and everything that is said of them are
//! read and judged anew each time, so that a record is the same with and without a store.
//!
//! An answer counts only for the same question: of the same file (see [`Identity`]) in the same state, with the same
//! octets at its start, its end and the end of what is covered, with the same signatures and the same plan.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::answer;
use super::identity::Identity;
use super::kind::is_script_name;
use super::pass::{self, Digests, Job, Plan};
use super::scanner::Scanner;
use crate::container::{Blob, Format, Source, container_for, read_up_to};
use crate::crypto::{DigestAlgorithm, DigestValue, Hasher};

/// Octets that are looked at in each place to notice another file of the same identity.
const SAMPLE: u64 = 4096;

/// What keeps answers between scans. It knows neither files nor digests; it must give back what it got under a key,
/// or nothing.
pub trait DigestStore: fmt::Debug + Send + Sync {
    /// Whether a file that was changed last at this moment (nanoseconds since 1970) lay still for so long that any
    /// further change will give it another time. Asked before the file is read.
    fn settled(&self, changed: i128) -> bool;

    /// The answer that was kept under this key.
    fn recall(&self, key: &StoreKey) -> Option<Vec<u8>>;

    /// Keeps an answer, in place of any other of the same `place`.
    fn keep(&self, key: &StoreKey, answer: &[u8]);
}

/// Which question an answer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreKey {
    /// Which file, and what is asked of it: a digest over both.
    pub place: [u8; 16],
    /// The state that the file is in, and the particulars of the question: a digest over both.
    pub state: [u8; 32],
}

/// What became of files that a store was asked about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoreCounts {
    /// Files that were not read anew.
    pub recalled: u64,
    /// Files that were read.
    pub read: u64,
    /// Files among them that the store was given something about.
    pub kept: u64,
}

/// A store as scanners use it, and what it was good for until now.
#[derive(Debug)]
pub struct Store {
    store: Arc<dyn DigestStore>,
    recalled: AtomicU64,
    read: AtomicU64,
    kept: AtomicU64,
}

impl Store {
    /// Answers are kept here.
    #[must_use]
    pub fn new(store: Arc<dyn DigestStore>) -> Store {
        Store { store, recalled: AtomicU64::new(0), read: AtomicU64::new(0), kept: AtomicU64::new(0) }
    }

    /// What became of the files that were asked about.
    #[must_use]
    pub fn counts(&self) -> StoreCounts {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        StoreCounts { recalled: get(&self.recalled), read: get(&self.read), kept: get(&self.kept) }
    }

    fn question(&self, identity: Identity, what: &[u8], particulars: impl FnOnce(&mut State)) -> Option<Question<'_>> {
        let mut place = State::new()?;
        place.feed(&identity.place());
        place.feed(what);
        let mut state = State::new()?;
        state.feed(&identity.state());
        particulars(&mut state);
        let key = StoreKey { place: *place.finish().first_chunk()?, state: state.finish() };
        let settled = self.store.settled(identity.last_change());
        Some(Question { store: self, key, identity, settled })
    }
}

/// A digest over fields, each with its length before it, so that no two lists of fields are the same octets.
pub(super) struct State(Hasher);

impl State {
    fn new() -> Option<State> {
        Hasher::new(DigestAlgorithm::Sha256).map(State)
    }

    pub(super) fn feed(&mut self, field: &[u8]) {
        self.0.update(&(field.len() as u64).to_le_bytes());
        self.0.update(field);
    }

    pub(super) fn feed_numbers(&mut self, numbers: impl IntoIterator<Item = u64>) {
        let octets: Vec<u8> = numbers.into_iter().flat_map(u64::to_le_bytes).collect();
        self.feed(&octets);
    }

    fn finish(self) -> [u8; 32] {
        self.0.finish().as_bytes().first_chunk().copied().unwrap_or_default()
    }
}

/// A question about an open file, asked before the file is read for it.
pub(super) struct Question<'s> {
    store: &'s Store,
    key: StoreKey,
    identity: Identity,
    settled: bool,
}

impl Question<'_> {
    fn recall<T>(&self, read: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
        read(&self.store.store.recall(&self.key)?)
    }

    /// Keeps the answer, unless the file is no longer what it was when the question was asked, or may change without
    /// anybody noticing; whether it did.
    fn keep(&self, source: &dyn Source, answer: &[u8]) -> bool {
        let same = source.handle().and_then(Identity::of_file) == Some(self.identity);
        if same && self.settled {
            self.store.store.keep(&self.key, answer);
        }
        same && self.settled
    }
}

impl Scanner {
    /// Keeps digests in a store, and takes them from there for files that have not changed.
    #[must_use]
    pub fn with_store(mut self, store: Arc<Store>) -> Scanner {
        self.store = Some(store);
        self
    }

    /// What a pass over the file gives, from the store or by reading the file. `blobs` are its signatures.
    pub(super) fn pass(&self, job: Job<'_, '_>, blobs: &[Blob]) -> io::Result<Digests> {
        let question = self.question(job.source, job.plan, blobs);
        match question.as_ref().and_then(|question| question.known_pass(job.plan)) {
            Some(known) => Ok(known),
            None => read_alone(job, question),
        }
    }

    /// As [`Scanner::pass`] for two files. Where both have to be read, they are read together.
    pub(super) fn pass_together(&self, jobs: [Job<'_, '_>; 2], blobs: [&[Blob]; 2]) -> [io::Result<Digests>; 2] {
        let [one, two] = jobs;
        let [of_one, of_two] = blobs;
        let (ask_one, ask_two) =
            (self.question(one.source, one.plan, of_one), self.question(two.source, two.plan, of_two));
        let known_one = ask_one.as_ref().and_then(|question| question.known_pass(one.plan));
        let known_two = ask_two.as_ref().and_then(|question| question.known_pass(two.plan));
        if known_one.is_some() || known_two.is_some() {
            return [
                known_one.map_or_else(|| read_alone(one, ask_one), Ok),
                known_two.map_or_else(|| read_alone(two, ask_two), Ok),
            ];
        }
        let [read_one, read_two] = pass::run_together([
            Job { source: one.source, plan: &mut *one.plan, buffer: &mut *one.buffer },
            Job { source: two.source, plan: &mut *two.plan, buffer: &mut *two.buffer },
        ]);
        kept(ask_one, one.source, one.plan, &read_one);
        kept(ask_two, two.source, two.plan, &read_two);
        [read_one, read_two]
    }

    /// The question that a pass answers; none where there is no store, no file, or nothing to be read.
    pub(super) fn question(&self, source: &dyn Source, plan: &Plan<'_>, blobs: &[Blob]) -> Option<Question<'_>> {
        let store = self.store.as_ref().filter(|_| !plan.is_empty())?;
        let identity = identity(source)?;
        let samples = samples(source, plan.regions.included.last().map(|range| range.end)).ok()?;
        let algorithms = |list: Vec<DigestAlgorithm>| answer::identifiers(&list);
        let (file, covered) = plan.algorithms();
        let what = [b"pass".to_vec(), algorithms(file), vec![u8::MAX], algorithms(covered), vec![plan.sum.into()]];
        store.question(identity, &what.concat(), |state| {
            samples.iter().for_each(|sample| state.feed(sample));
            blobs.iter().for_each(|blob| state.feed(&blob.bytes));
            plan.describe(state);
        })
    }

    /// Another digest over a file, from the store or by `compute`. `ranges` say what of the file it is over.
    pub(super) fn other_digest(
        &self,
        source: &dyn Source,
        algorithm: DigestAlgorithm,
        ranges: [&[Range<u64>]; 2],
        compute: impl FnOnce() -> io::Result<Option<DigestValue>>,
    ) -> io::Result<Option<DigestValue>> {
        let ask = || {
            let store = self.store.as_ref()?;
            let identity = identity(source)?;
            let samples = samples(source, None).ok()?;
            let what = [b"ranges".to_vec(), answer::identifiers(&[algorithm])].concat();
            store.question(identity, &what, |state| {
                samples.iter().for_each(|sample| state.feed(sample));
                for list in ranges {
                    state.feed_numbers(list.iter().flat_map(|range| [range.start, range.end]));
                }
            })
        };
        let question = ask();
        let read = |question: &Question<'_>| question.recall(|octets| answer::read_digest(octets, algorithm));
        if let Some(found) = question.as_ref().and_then(read) {
            return Ok(Some(found));
        }
        let computed = compute()?;
        if let (Some(question), Some(value)) = (question, &computed) {
            question.keep(source, &answer::write_digest(algorithm, value));
        }
        Ok(computed)
    }

    /// The question what kind of file a name leads to. Nothing is opened.
    pub(super) fn format_question(&self, path: &Path) -> Option<Question<'_>> {
        // The name of a script says to look further, and one file may have several names.
        let asked: &[u8] = if is_script_name(path) { b"kind of a script" } else { b"kind" };
        self.store.as_ref()?.question(Identity::of_path(path)?, asked, |_| ())
    }
}

impl Question<'_> {
    /// The digests of a pass; the runs of page hashes in the plan get their outcomes.
    pub(super) fn known_pass(&self, plan: &mut Plan<'_>) -> Option<Digests> {
        let found = self.recall(|octets| answer::read_pass(octets, plan, self.identity.size()))?;
        self.store.recalled.fetch_add(1, Ordering::Relaxed);
        Some(found)
    }

    /// Keeps what a pass gave.
    pub(super) fn keep_pass(&self, source: &dyn Source, plan: &Plan<'_>, computed: &Digests) {
        self.count(self.keep(source, &answer::write_pass(computed, plan)));
    }

    /// The kind of a file that no container reads.
    pub(super) fn known_format(&self) -> Option<Format> {
        let format = self.recall(answer::read_format).filter(|format| container_for(*format).is_none())?;
        self.store.recalled.fetch_add(1, Ordering::Relaxed);
        Some(format)
    }

    /// Keeps the kind of a file that no container reads.
    pub(super) fn keep_format(&self, source: &dyn Source, format: Format) {
        self.count(self.keep(source, &answer::write_format(format)));
    }

    /// Counts a file that was read.
    fn count(&self, kept: bool) {
        self.store.read.fetch_add(1, Ordering::Relaxed);
        self.store.kept.fetch_add(u64::from(kept), Ordering::Relaxed);
    }
}

fn read_alone(job: Job<'_, '_>, question: Option<Question<'_>>) -> io::Result<Digests> {
    let computed = pass::run(job.source, job.plan, job.buffer);
    kept(question, job.source, job.plan, &computed);
    computed
}

fn kept(question: Option<Question<'_>>, source: &dyn Source, plan: &Plan<'_>, computed: &io::Result<Digests>) {
    if let (Some(question), Ok(computed)) = (question, computed) {
        question.keep_pass(source, plan, computed);
    }
}

/// Of the file behind a source, if it still has the length that the source has: a pass reads no more than that.
fn identity(source: &dyn Source) -> Option<Identity> {
    Identity::of_file(source.handle()?).filter(|identity| identity.size() == source.len())
}

/// A few octets of a file that are read anyway or lie beside such: those of its start, its end, and the end of what its
/// signature covers.
fn samples(source: &dyn Source, covered: Option<u64>) -> io::Result<[Vec<u8>; 3]> {
    let length = source.len();
    let before = |end: u64| {
        let start = end.saturating_sub(SAMPLE);
        read_up_to(source, start, usize::try_from(end.saturating_sub(start)).unwrap_or(0))
    };
    let inner = covered.filter(|end| *end < length).map_or_else(|| Ok(Vec::new()), before)?;
    Ok([before(length.min(SAMPLE))?, inner, before(length)?])
}

#[cfg(all(test, unix))]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::unwrap_used)]
mod tests {
    use std::fs::File;

    use super::*;
    use crate::asn1::Time;
    use crate::cms::spc::PageHashList;
    use crate::container::ListedBy;
    use crate::container::pe::PagePlan;
    use crate::container::{HashedRegions, Tail};
    use crate::scan::Options;
    use crate::scan::pages::PageRun;

    #[derive(Debug)]
    struct Nothing;

    impl DigestStore for Nothing {
        fn settled(&self, _: i128) -> bool {
            true
        }

        fn recall(&self, _: &StoreKey) -> Option<Vec<u8>> {
            None
        }

        fn keep(&self, _: &StoreKey, _: &[u8]) {}
    }

    /// Other octets behind the same file, as if another image were mounted.
    struct Masked<'a>(&'a File, &'a [u8]);

    impl Source for Masked<'_> {
        fn len(&self) -> u64 {
            self.1.len() as u64
        }

        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            crate::container::MemorySource(self.1).read_at(buffer, offset)
        }

        fn handle(&self) -> Option<&File> {
            Some(self.0)
        }
    }

    const COVERED: usize = 30_000;
    const LENGTH: usize = 40_000;

    fn plan() -> Plan<'static> {
        let regions = HashedRegions { included: vec![0..100, 108..COVERED as u64], zero_padding: 0 };
        Plan::new(vec![DigestAlgorithm::Sha256], vec![DigestAlgorithm::Sha256], regions)
    }

    fn pages(bytes: &'static [u8], start: u32) -> Plan<'static> {
        let list = PageHashList { algorithm: DigestAlgorithm::Sha1, bytes };
        let layout = PagePlan {
            headers: std::iter::once(0..100).collect(),
            header_padding: 0,
            sections: vec![(start, start + 512)],
            page_size: 4096,
        };
        let mut plan = plan();
        plan.pages.push(PageRun::new(list, layout));
        plan
    }

    fn blob(bytes: &[u8]) -> Vec<Blob> {
        vec![Blob { bytes: bytes.to_vec(), offset: COVERED as u64, entry: None, tail: Tail::default() }]
    }

    #[test]
    fn another_question_has_another_key() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(LENGTH as u64).unwrap();
        let store = Arc::new(Store::new(Arc::new(Nothing)));
        let scanner = Scanner::new(Options::at(Time(0))).with_store(store);
        let octets = vec![0x5a; LENGTH];
        let key = |octets: &[u8], plan: &Plan<'_>, blobs: &[Blob]| {
            scanner.question(&Masked(&file, octets), plan, blobs).unwrap().key
        };
        let same = key(&octets, &plan(), &blob(b"signature"));
        assert_eq!(key(&octets, &plan(), &blob(b"signature")), same);
        for at in [0, 4095, COVERED - 4096, COVERED - 1, LENGTH - 4096, LENGTH - 1] {
            let mut other = octets.clone();
            other[at] ^= 1;
            let other = key(&other, &plan(), &blob(b"signature"));
            assert_eq!((other.place, other.state == same.state), (same.place, false), "{at}");
        }
        // What is told to users: only times tell of a change here.
        for at in [4096, COVERED - 4097, COVERED, LENGTH - 4097] {
            let mut other = octets.clone();
            other[at] ^= 1;
            assert_eq!(key(&other, &plan(), &blob(b"signature")), same, "{at}");
        }
        let regions = |included, zero_padding| {
            let mut plan = plan();
            plan.regions = HashedRegions { included, zero_padding };
            plan
        };
        let all = plan().regions.included;
        let mut others = vec![
            key(&octets, &plan(), &blob(b"signatura")),
            key(&octets, &plan(), &[]),
            key(&octets, &regions(vec![0..100, 109..COVERED as u64], 0), &blob(b"signature")),
            key(&octets, &regions(all, 4), &blob(b"signature")),
            key(&octets, &pages(&[1; 48], 512), &blob(b"signature")),
            key(&octets, &pages(&[2; 48], 512), &blob(b"signature")),
            key(&octets, &pages(&[1; 48], 1024), &blob(b"signature")),
        ];
        assert!(others.iter().all(|other| other.place == same.place));
        let mut wanted = plan();
        wanted.look_up(&[DigestAlgorithm::Sha1], ListedBy::File);
        let mut summed = plan();
        summed.sum = true;
        let swapped = Plan::new(vec![], vec![DigestAlgorithm::Sha256], plan().regions);
        let elsewhere = [wanted, summed, swapped].map(|plan| key(&octets, &plan, &blob(b"signature")));
        assert!(elsewhere.iter().all(|other| other.place != same.place));
        others.extend(elsewhere);
        others.push(same);
        let mut states: Vec<_> = others.iter().map(|key| (key.place, key.state)).collect();
        states.sort_unstable();
        states.dedup();
        assert_eq!(states.len(), 11);
    }

    #[test]
    fn nothing_is_asked_where_there_is_no_answer() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(LENGTH as u64).unwrap();
        let store = Arc::new(Store::new(Arc::new(Nothing)));
        let scanner = Scanner::new(Options::at(Time(0))).with_store(store);
        let octets = vec![0x5a; LENGTH];
        assert!(scanner.question(&Masked(&file, &octets), &plan(), &[]).is_some());
        // A file that became longer or shorter since it was opened.
        file.set_len(LENGTH as u64 + 1).unwrap();
        assert!(scanner.question(&Masked(&file, &octets), &plan(), &[]).is_none());
        file.set_len(LENGTH as u64).unwrap();
        assert!(scanner.question(&crate::container::MemorySource(&octets), &plan(), &[]).is_none());
        assert!(scanner.question(&Masked(&file, &octets), &Plan::default(), &[]).is_none());
        assert!(Scanner::new(Options::at(Time(0))).question(&Masked(&file, &octets), &plan(), &[]).is_none());
    }

    #[test]
    fn what_changes_after_the_question_is_not_kept() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(LENGTH as u64).unwrap();
        let store = Arc::new(Store::new(Arc::new(Nothing)));
        let scanner = Scanner::new(Options::at(Time(0))).with_store(Arc::clone(&store));
        let (octets, mut buffer) = (vec![0x5a; LENGTH], Vec::new());
        let source = Masked(&file, &octets);
        let mut wanted = plan();
        let job = Job { source: &source, plan: &mut wanted, buffer: &mut buffer };
        scanner.pass(job, &[]).unwrap();
        assert_eq!(store.counts(), StoreCounts { recalled: 0, read: 1, kept: 1 });
        let question = scanner.question(&source, &plan(), &[]).unwrap();
        file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        assert!(!question.keep(&source, b"answer"));
    }
}
