//! Millions of damaged signatures and files, judged by the stable compiler's program: fast, in several threads, and the same
//! for the same seed. Each case has a number, and is made of the seed and that number alone.

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use sigscan::container::{Format, MemorySource, sniff};
use sigscan::judge::Status;
use sigscan::{HashMode, Options, Record, Scanner, Time};

use crate::der::{Dice, Tree};
use crate::host::{AT, testdata};
use crate::vouched::{Vouched, differences, fields, is_pe};

/// No single verdict may take more processor time than this.
pub const LIMIT: Duration = Duration::from_secs(1);
/// Signatures and files larger than this are not damaged: digests of what stays the same would take all the time.
const LARGEST: u64 = 1 << 18;

/// A file to damage.
struct Host {
    name: String,
    octets: Vec<u8>,
    catalog: bool,
    record: Record,
    /// Where its certificate table begins, and its first signature lies: none in files without.
    table: usize,
    signature: std::ops::Range<usize>,
    tree: Option<Tree>,
}

/// Files that are damaged, what judges them, and what their signatures vouch for.
pub struct Stock {
    hosts: Vec<Host>,
    /// Those with a signature.
    signed: Vec<usize>,
    scanner: Scanner,
    vouched: Vouched,
    moment: String,
}

impl Stock {
    /// The fixtures, under their roots.
    ///
    /// # Panics
    /// When there are none.
    #[must_use]
    pub fn fixtures() -> Stock {
        let scanner = crate::host::scanner(HashMode::None);
        let folders = ["pki", "intermediates"].map(|name| testdata().join(name));
        let others = sigscan::trust::certificates_below(&folders).expect("certificates");
        Stock::of(scanner, &files_below(&testdata().join("fixtures")), &others, AT)
    }

    /// Signed files below a folder, under the roots that are built in.
    ///
    /// # Panics
    /// When the moment is none.
    #[must_use]
    pub fn corpus(folder: &Path) -> Stock {
        let options = Options { hashes: HashMode::None, ..Options::at(Time::parse_rfc3339(AT).expect("a moment")) };
        Stock::of(Scanner::new(options), &files_below(folder), &[], AT)
    }

    fn of(scanner: Scanner, paths: &[PathBuf], others: &[Vec<u8>], moment: &str) -> Stock {
        let (mut hosts, mut vouched): (Vec<Host>, _) = (Vec::new(), Vouched::default());
        for path in paths {
            let Ok(octets) = fs::read(path) else { continue };
            let pe = is_pe(&octets);
            let catalog = !pe && matches!(sniff(&MemorySource(&octets)), Ok(Format::Cat));
            if !pe && !catalog {
                continue;
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let record = judge(&scanner, catalog, &octets, &mut Vec::new());
            vouched.learn(&octets, &record, others);
            let table = fields(&octets).map_or(octets.len(), |at| at.table.min(octets.len()));
            let signature = if catalog { 0..octets.len() } else { first_entry(&octets, table) };
            let tree = Tree::of(&octets[signature.clone()]);
            hosts.push(Host { name, octets, catalog, record, table, signature, tree });
        }
        let signed: Vec<usize> = (0..hosts.len()).filter(|at| !hosts[*at].signature.is_empty()).collect();
        assert!(!signed.is_empty(), "no file to damage");
        Stock { hosts, signed, scanner, vouched, moment: moment.to_owned() }
    }

    /// Files, and what they vouch for: signatures, certificates, timestamps.
    #[must_use]
    pub fn counts(&self) -> (usize, [usize; 3]) {
        (self.hosts.len(), self.vouched.counts())
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let (mut work, mut found) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = work.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(kind) = entry.metadata() else { continue };
            if kind.is_dir() {
                work.push(entry.path());
            } else if kind.is_file() && kind.len() <= LARGEST {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

/// The octets of the first entry of a table, without its header.
fn first_entry(file: &[u8], table: usize) -> std::ops::Range<usize> {
    let length = file.get(table..table + 4).map_or(0, |four| u32::from_le_bytes(four.try_into().unwrap_or_default()));
    let end = table.saturating_add(length as usize).min(file.len());
    if table + 8 <= end { table + 8..end } else { file.len()..file.len() }
}

/// What was a catalog is judged as one, whatever became of it.
fn judge(scanner: &Scanner, catalog: bool, file: &[u8], buffer: &mut Vec<u8>) -> Record {
    let source = MemorySource(file);
    let format = if catalog { Format::Cat } else { sniff(&source).unwrap_or(Format::Other) };
    scanner.scan_as("damaged", &source, format, buffer)
}

/// What is damaged.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Mode {
    Signatures,
    Files,
}

impl Mode {
    /// As in names of files and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Mode::Signatures => "signature",
            Mode::Files => "file",
        }
    }
}

/// A damaged file, how it was damaged, and of which host it is.
struct Damaged<'s> {
    kind: &'static str,
    host: &'s Host,
    file: Vec<u8>,
}

/// Octets in place, out of place, too many or too few.
fn scramble(octets: &mut Vec<u8>, from: usize, to: usize, dice: &mut Dice) -> &'static str {
    let at = |dice: &mut Dice| from + dice.below(to.saturating_sub(from));
    match dice.below(8) {
        0 => {
            let place = at(dice).min(octets.len());
            let end = (place + 1 + dice.below(40)).min(octets.len());
            octets.drain(place..end);
            "octets removed"
        }
        1 => {
            let place = at(dice).min(octets.len());
            let new: Vec<u8> = (0..=dice.below(32)).map(|_| dice.next() as u8).collect();
            octets.splice(place..place, new);
            "octets added"
        }
        2 => {
            // A piece of itself elsewhere.
            let (place, other) = (at(dice), at(dice));
            let length = dice.below(64).min(octets.len().saturating_sub(place.max(other)));
            octets.copy_within(other..other + length, place);
            "octets copied"
        }
        _ => {
            for _ in 0..=dice.below(8) {
                let place = at(dice);
                let Some(octet) = octets.get_mut(place) else { continue };
                *octet = match dice.below(4) {
                    0 => dice.next() as u8,
                    1 => *octet ^ (1 << dice.below(8)),
                    2 => [0x00, 0x80, 0xff, 0x7f, 0x30, 0x84][dice.below(6)],
                    _ => octet.wrapping_add(1),
                };
            }
            "octets changed"
        }
    }
}

impl Stock {
    fn pick(&self, dice: &mut Dice) -> &Host {
        &self.hosts[dice.below(self.hosts.len())]
    }

    /// One with a signature.
    fn pick_signed(&self, dice: &mut Dice) -> &Host {
        &self.hosts[self.signed[dice.below(self.signed.len())]]
    }

    /// A damaged signature on the file that it is of, on one that nobody signed, or on another one.
    fn signature(&self, dice: &mut Dice) -> Damaged<'_> {
        let host = self.pick_signed(dice);
        let mut blob = host.octets[host.signature.clone()].to_vec();
        let mut kind = "";
        if dice.below(4) > 0
            && let Some(tree) = &host.tree
            && let Some(changed) = tree.mutated(dice.next() as u32, 1 << 20)
        {
            (kind, blob) = ("elements", changed);
        }
        if kind.is_empty() {
            let length = blob.len();
            kind = scramble(&mut blob, 0, length, dice);
        }
        if host.catalog {
            return Damaged { kind, host, file: blob };
        }
        match dice.below(10) {
            0 => {
                let mut file = with_table(host, &blob);
                file[0x50] ^= 0x55; // in the stub that MS-DOS would run
                Damaged { kind: "on nobody's file", host, file }
            }
            1 => {
                let other = self.pick_signed(dice);
                let file = if other.catalog { with_table(host, &blob) } else { with_table(other, &blob) };
                Damaged { kind: "on another file", host, file }
            }
            _ => Damaged { kind, host, file: with_table(host, &blob) },
        }
    }

    /// A damaged file.
    fn file(&self, dice: &mut Dice) -> Damaged<'_> {
        let host = self.pick(dice);
        let mut file = host.octets.clone();
        let length = file.len();
        let at = fields(&file);
        let kind = match (dice.below(12), at) {
            (0, _) => {
                file.truncate(dice.below(length));
                "cut"
            }
            (1 | 2, Some(at)) => {
                for _ in 0..=dice.below(3) {
                    set_number(&mut file, at.directory + 4 * dice.below(2), dice);
                }
                "directory"
            }
            (3 | 4, Some(at)) => {
                scramble(&mut file, 0, at.directory + 0x80, dice);
                "headers"
            }
            (5, Some(at)) => {
                set_number(&mut file, at.table + 2 * dice.below(4), dice);
                "entry"
            }
            (6, Some(_)) => {
                // Another file's table instead of its own.
                let other = self.pick(dice);
                if !other.catalog {
                    file = with_table(host, &other.octets[other.signature.clone()]);
                }
                "another table"
            }
            (7, Some(at)) => {
                // Another file's first entry before or behind its own.
                let other = self.pick(dice);
                let entry = entry_of(&other.octets[other.signature.clone()]);
                let place = if dice.below(2) == 0 { at.table.min(length) } else { length };
                let size = (at.size + entry.len()) as u32;
                file.splice(place..place, entry);
                file[at.directory + 4..at.directory + 8].copy_from_slice(&size.to_le_bytes());
                "one more entry"
            }
            (8, Some(at)) => {
                // Octets between the file and its table, which then begins later.
                let new: Vec<u8> = (0..8 * (1 + dice.below(4))).map(|_| dice.next() as u8).collect();
                let table = (at.table + new.len()) as u32;
                file.splice(at.table.min(length)..at.table.min(length), new);
                file[at.directory..at.directory + 4].copy_from_slice(&table.to_le_bytes());
                "table moved"
            }
            (9, _) => {
                let new: Vec<u8> =
                    (0..=dice.below(64)).map(|_| if dice.below(2) == 0 { 0 } else { dice.next() as u8 }).collect();
                file.extend(new);
                "appended"
            }
            (10, _) if host.table < length => scramble(&mut file, host.table, length, dice),
            _ => scramble(&mut file, 0, length, dice),
        };
        Damaged { kind, host, file }
    }

    fn damaged(&self, mode: Mode, seed: u64, case: u64) -> Damaged<'_> {
        let mut dice = Dice::new(seed ^ case.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ ((mode as u64) << 63));
        match mode {
            Mode::Signatures => self.signature(&mut dice),
            Mode::Files => self.file(&mut dice),
        }
    }
}

/// A 32-bit number that is likely to matter: small, large, or near what was there.
fn set_number(file: &mut [u8], at: usize, dice: &mut Dice) {
    let length = file.len() as u32;
    let Some(field) = file.get_mut(at..at.saturating_add(4)) else { return };
    let old = u32::from_le_bytes(field.try_into().unwrap_or_default());
    let new = match dice.below(6) {
        0 => old.wrapping_add(dice.below(33) as u32).wrapping_sub(16),
        1 => [0, 1, 7, 8, 9, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0xffff_fff8][dice.below(9)],
        2 => length.wrapping_add(dice.below(17) as u32).wrapping_sub(8),
        3 => old ^ (1 << dice.below(32)),
        4 => dice.below(length as usize + 1) as u32,
        _ => dice.next() as u32,
    };
    field.copy_from_slice(&new.to_le_bytes());
}

/// A WIN_CERTIFICATE around a PKCS#7.
fn entry_of(blob: &[u8]) -> Vec<u8> {
    let mut entry = (blob.len() as u32 + 8).to_le_bytes().to_vec();
    entry.extend_from_slice(&[0, 2, 2, 0]);
    entry.extend_from_slice(blob);
    entry.resize(entry.len().next_multiple_of(8), 0);
    entry
}

/// The file with these octets as the only entry of its table; as it was, where that would cut its headers off.
fn with_table(host: &Host, blob: &[u8]) -> Vec<u8> {
    let Some(at) = fields(&host.octets) else { return host.octets.clone() };
    let mut file = host.octets[..host.table].to_vec();
    let start = file.len() as u32;
    file.extend(entry_of(blob));
    let size = file.len() as u32 - start;
    if file.len() < at.directory + 8 {
        return host.octets.clone();
    }
    file[at.directory..at.directory + 4].copy_from_slice(&start.to_le_bytes());
    file[at.directory + 4..at.directory + 8].copy_from_slice(&size.to_le_bytes());
    file
}

/// What came of some cases.
#[derive(Default, Clone)]
pub struct Outcome {
    /// How many of each mode, kind, and status; and what differs in those that are Valid.
    pub counts: BTreeMap<(Mode, &'static str, String), u64>,
    pub failures: u64,
    pub slowest: Duration,
    pub slowest_case: Option<(Mode, u64)>,
    pub cpu: Duration,
}

impl Outcome {
    /// Adds another.
    pub fn take(&mut self, other: Outcome) {
        for (key, count) in other.counts {
            *self.counts.entry(key).or_default() += count;
        }
        self.failures += other.failures;
        self.cpu += other.cpu;
        if other.slowest > self.slowest {
            (self.slowest, self.slowest_case) = (other.slowest, other.slowest_case);
        }
    }

    /// How many cases of a mode it holds.
    #[must_use]
    pub fn cases(&self, mode: Mode) -> u64 {
        self.counts.iter().filter(|(key, _)| key.0 == mode).map(|(_, count)| count).sum()
    }

    /// A row for each mode, kind and status.
    #[must_use]
    pub fn table(&self) -> String {
        let row = |((mode, kind, status), count): (&(Mode, &str, String), &u64)| {
            format!("{}\t{kind}\t{status}\t{count}\n", mode.name())
        };
        self.counts.iter().map(row).collect()
    }

    /// One line: cases, statuses, processor time.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut statuses: BTreeMap<&str, u64> = BTreeMap::new();
        for ((_, _, status), count) in &self.counts {
            *statuses.entry(status.split(':').next().unwrap_or_default()).or_default() += count;
        }
        let statuses: Vec<String> = statuses.iter().map(|(status, count)| format!("{status} {count}")).collect();
        let cases = self.cases(Mode::Signatures) + self.cases(Mode::Files);
        let slowest = self.slowest_case.map_or_else(String::new, |(mode, case)| format!(" ({} {case})", mode.name()));
        format!(
            "{} signatures, {} files: {}; failures {}; slowest {:.1} ms{slowest}; {:.0} s of processor time, {:.0} a second",
            self.cases(Mode::Signatures),
            self.cases(Mode::Files),
            statuses.join(", "),
            self.failures,
            self.slowest.as_secs_f64() * 1e3,
            self.cpu.as_secs_f64(),
            cases as f64 / self.cpu.as_secs_f64().max(1e-9),
        )
    }
}

/// Whether a SET without members stands somewhere, its length spelled in any way that BER allows (X.690 section 8.1.3).
pub fn has_empty_set(file: &[u8]) -> bool {
    const SPELLINGS: [&[u8]; 6] = [
        &[0x31, 0],
        &[0x31, 0x80, 0, 0],
        &[0x31, 0x81, 0],
        &[0x31, 0x82, 0, 0],
        &[0x31, 0x83, 0, 0, 0],
        &[0x31, 0x84, 0, 0, 0, 0],
    ];
    SPELLINGS.iter().any(|spelling| file.windows(spelling.len()).any(|octets| octets == *spelling))
}

/// Processor time of this thread.
fn cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or_default())
}

/// One run: which cases of which seed, in how many threads, and where failures go.
pub struct Run<'s> {
    pub stock: &'s Stock,
    pub seed: u64,
    pub jobs: usize,
    pub failures: Option<PathBuf>,
}

impl Run<'_> {
    /// Judges the cases of a range.
    #[must_use]
    pub fn cases(&self, mode: Mode, range: std::ops::Range<u64>) -> Outcome {
        const SHARE: u64 = 500;
        let next = AtomicU64::new(range.start);
        let all = Mutex::new(Outcome::default());
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.max(1) {
                scope.spawn(|| {
                    let (mut mine, mut buffer, begun) = (Outcome::default(), Vec::new(), cpu());
                    loop {
                        let from = next.fetch_add(SHARE, Ordering::Relaxed);
                        if from >= range.end {
                            break;
                        }
                        for case in from..range.end.min(from + SHARE) {
                            self.case(mode, case, &mut buffer, &mut mine);
                        }
                    }
                    mine.cpu = cpu() - begun;
                    all.lock().unwrap().take(mine);
                });
            }
        });
        all.into_inner().unwrap()
    }

    /// Judges one case and holds it against what must be true of it.
    pub fn case(&self, mode: Mode, case: u64, buffer: &mut Vec<u8>, outcome: &mut Outcome) {
        let Damaged { kind, host, file } = self.stock.damaged(mode, self.seed, case);
        let begun = cpu();
        let judged = catch_unwind(AssertUnwindSafe(|| judge(&self.stock.scanner, host.catalog, &file, buffer)));
        let took = cpu() - begun;
        if took > outcome.slowest {
            (outcome.slowest, outcome.slowest_case) = (took, Some((mode, case)));
        }
        let (status, wrong) = match &judged {
            Ok(record) => self.hold(host, &file, record),
            Err(_) => ("panic".to_owned(), Some("a panic".to_owned())),
        };
        let wrong = wrong.or_else(|| (took > LIMIT).then(|| format!("took {took:?}")));
        if let Some(wrong) = wrong {
            outcome.failures += 1;
            self.keep(mode, case, host, &file, &wrong);
        }
        *outcome.counts.entry((mode, kind, status)).or_default() += 1;
    }

    fn hold(&self, host: &Host, file: &[u8], record: &Record) -> (String, Option<String>) {
        let name = record.status.name().to_owned();
        let wrong = match record.status {
            Status::Valid => {
                let differ = differences((&host.octets, &host.record), (file, record));
                let wrong = self.stock.vouched.check(file, record, &self.stock.moment).err();
                return (format!("{name}: {differ}"), wrong);
            }
            // A catalog without signers was never signed.
            Status::Unsigned if host.catalog => (!has_empty_set(file)).then_some("a catalog is Unsigned"),
            _ if host.catalog => None,
            Status::Unsigned => fields(file).map(|_| "Unsigned with a table"),
            _ => fields(file).is_none().then_some("judged without a table"),
        };
        (name, wrong.map(str::to_owned))
    }

    fn keep(&self, mode: Mode, case: u64, host: &Host, file: &[u8], wrong: &str) {
        let again = format!("mass --seed {} --only {}:{case}", self.seed, mode.name());
        eprintln!("FAILURE {again}: {} damaged: {wrong}", host.name);
        if let Some(folder) = &self.failures {
            let stem = format!("{}-{}-{case}", mode.name(), self.seed);
            let _ = fs::create_dir_all(folder);
            let _ = fs::write(folder.join(format!("{stem}.bin")), file);
            let _ = fs::write(folder.join(format!("{stem}.txt")), format!("{again}\n{}\n{wrong}\n", host.name));
        }
    }
}
