//! One worker of a scan: what was met becomes an outcome, two large files at once where that is faster.

use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TryRecvError};

use super::HashMode;
use super::file::with_path;
use super::files::{FileSource, Stoppable, standard_input};
use super::kind::kind_of;
use super::run::{Outcome, Scan};
use super::shelf::Shelf;
use super::store::Question;
use super::walk::Met;
use crate::container::pe::seems_signed;
use crate::container::{Format, Source, container_for, sniff_through};
use crate::guard;
use crate::judge::Reason;
use crate::record::Record;

/// Bytes from which it pays to judge a file together with another: half a block of the pass.
const LARGE: u64 = 128 * 1024;

/// How long a large file waits once for another one, and outcomes for the next thing that is met. Far less than what a large
/// file takes.
const PATIENCE: Duration = Duration::from_micros(200);

/// Outcomes told at once: to wake somebody for each takes longer than to pass a small file over.
const TOGETHER: usize = 16;

/// The longest that an outcome waits for the next one, and that a worker without work waits before it looks for what others
/// left for it.
const REST: Duration = Duration::from_millis(5);

/// A worker of a scan.
pub(super) struct Worker<'w> {
    pub(super) scan: &'w Scan<'w>,
    pub(super) jobs: &'w Receiver<(u64, Met)>,
    pub(super) results: &'w Sender<Vec<(u64, Outcome)>>,
    /// Workers that have something to do.
    pub(super) busy: &'w AtomicUsize,
    /// Large files that wait for another one.
    pub(super) shelf: &'w Shelf,
    /// What nobody was told yet.
    pub(super) untold: RefCell<Untold>,
}

/// Outcomes that nobody was told yet, and since when.
#[derive(Default)]
pub(super) struct Untold {
    outcomes: Vec<(u64, Outcome)>,
    since: Option<Instant>,
}

/// An open file that will have a record.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) path: PathBuf,
    pub(super) format: Format,
    pub(super) source: FileSource,
}

/// What was met, as far as it goes without reading a whole file.
enum Step {
    Done(Outcome),
    File(Waiting),
    /// A file that is passed over unless a catalog lists it.
    Listed(Waiting, Outcome),
}

impl Worker<'_> {
    /// Deals with everything that is met, until there is nothing more or nobody wants to know.
    pub(super) fn run(&self) {
        self.deal();
        self.tell();
    }

    fn deal(&self) {
        let mut buffers = [Vec::new(), Vec::new()];
        let (mut waited, mut reached) = (false, 0);
        loop {
            if self.scan.stop.load(Ordering::Relaxed) {
                return;
            }
            let met = if self.shelf.is_due(reached) { Err(TryRecvError::Empty) } else { self.jobs.try_recv() };
            let goes_on = match met {
                Ok((number, met)) => {
                    reached = number;
                    self.working(|| self.take(number, met, &mut buffers))
                }
                // The walk may only just have begun, or be about to meet the next one.
                Err(TryRecvError::Empty) if self.shelf.len() <= 1 && !waited && !self.shelf.is_due(reached) => {
                    waited = true;
                    match self.jobs.recv_timeout(PATIENCE) {
                        Ok((number, met)) => self.working(|| self.take(number, met, &mut buffers)),
                        Err(_) => continue,
                    }
                }
                Err(missing) => match self.working(|| self.take_from_shelf(&mut buffers)) {
                    Some(goes_on) => goes_on,
                    None if missing == TryRecvError::Disconnected => return,
                    None => match self.tell().then(|| self.jobs.recv_timeout(REST)) {
                        Some(Ok((number, met))) => self.working(|| self.take(number, met, &mut buffers)),
                        Some(Err(_)) => continue,
                        None => false,
                    },
                },
            };
            if !goes_on {
                return;
            }
            waited = false;
        }
    }

    /// Counts this worker as busy for as long as it does this.
    fn working<T>(&self, work: impl FnOnce() -> T) -> T {
        self.busy.fetch_add(1, Ordering::Relaxed);
        let done = work();
        self.busy.fetch_sub(1, Ordering::Relaxed);
        done
    }

    /// Deals with one thing that was met; a large file is only opened. False where nobody wants to know any more.
    fn take(&self, number: u64, met: Met, buffers: &mut [Vec<u8>; 2]) -> bool {
        if matches!(met, Met::StandardInput) && !self.tell() {
            return false; // whoever writes there may take their time
        }
        match self.open(met, buffers) {
            Step::File(file) if self.is_large(&file) => {
                self.shelf.put(number, file);
                true
            }
            step => {
                let large = matches!(&step, Step::File(file) | Step::Listed(file, _) if file.source.len() >= LARGE);
                (!large || self.tell()) && self.give(number, self.finish(step, buffers))
            }
        }
    }

    /// Judges the large file that has waited longest, together with another one. `None` where none waits. What idle
    /// workers could take is left to them: two files on one processor take longer than one file on each of two.
    fn take_from_shelf(&self, buffers: &mut [Vec<u8>; 2]) -> Option<bool> {
        let (number, file) = self.shelf.first()?;
        if !self.tell() {
            return Some(false); // a large file takes its time
        }
        let others = self.jobs.len().saturating_add(self.shelf.len());
        let idle = self.scan.jobs.saturating_sub(self.busy.load(Ordering::Relaxed));
        let partner = if others > idle { self.shelf.partner(&file) } else { None };
        let Some((other_number, other)) = partner else {
            return Some(self.give(number, self.judge(&file, buffers)));
        };
        let [first, second] = self.judge_together([file, other], buffers);
        Some(self.give(number, first) && self.give(other_number, second))
    }

    /// Whether judging this file means one digest over many bytes. With a second digest the processor is busy anyway.
    fn is_large(&self, file: &Waiting) -> bool {
        let one_digest = self.scan.scanner.options().hashes == HashMode::None && self.scan.scanner.catalogs().is_none();
        let is_large = one_digest && file.source.len() >= LARGE;
        is_large && wants_digest(file.format, &file.source)
    }

    fn give(&self, number: u64, outcome: Outcome) -> bool {
        if self.scan.stop.load(Ordering::Relaxed) {
            return false; // it may have been left in the middle
        }
        let bytes = match &outcome {
            Outcome::Record(record) | Outcome::Missing(record) => record.size.unwrap_or(0),
            _ => 0,
        };
        self.scan.progress.done(bytes);
        let full = {
            let untold = &mut *self.untold.borrow_mut();
            untold.outcomes.push((number, outcome));
            let since = untold.since.get_or_insert_with(Instant::now);
            untold.outcomes.len() >= TOGETHER || since.elapsed() >= REST
        };
        !full || self.tell()
    }

    /// Tells the outcomes that nobody was told yet. False where nobody wants to know.
    fn tell(&self) -> bool {
        let untold = self.untold.take();
        untold.outcomes.is_empty() || self.results.send(untold.outcomes).is_ok()
    }

    fn open(&self, met: Met, buffers: &mut [Vec<u8>; 2]) -> Step {
        Step::Done(match met {
            Met::File { path, named } => return self.open_file(path, named),
            Met::StandardInput => self.standard_input(buffers),
            Met::Failed { path, error, named } => {
                let missing = named && error.kind() == io::ErrorKind::NotFound;
                let record = Box::new(with_path(self.scan.scanner.io_error("", Format::Other, &error), &path));
                if missing { Outcome::Missing(record) } else { Outcome::Record(record) }
            }
            Met::Link => Outcome::Link,
            Met::Special => Outcome::Special,
            Met::Excluded => Outcome::Excluded,
            Met::ExcludedFolder => Outcome::ExcludedFolder,
        })
    }

    fn open_file(&self, path: PathBuf, named: bool) -> Step {
        let may_pass = !named && !self.scan.walk.all;
        // A file that would not be looked at further may be known as one.
        let unread = may_pass && !self.scan.walk.listed;
        let question = if unread { self.scan.scanner.format_question(&path) } else { None };
        if let Some(outcome) = question.as_ref().and_then(Question::known_format).and_then(passed_over) {
            return Step::Done(outcome);
        }
        let opened = if named { FileSource::open(&path) } else { FileSource::open_walked(&path) };
        let opened = opened.and_then(|source| Ok((kind_of(&path, &source)?, source)));
        let (format, source) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                let record = self.scan.scanner.io_error("", Format::Other, &error);
                return Step::Done(Outcome::Record(Box::new(with_path(record, &path))));
            }
        };
        match passed_over(format).filter(|_| may_pass) {
            None => Step::File(Waiting { path, format, source }),
            Some(outcome) if !unread => Step::Listed(Waiting { path, format, source }, outcome),
            Some(outcome) => {
                if let Some(question) = question {
                    question.keep_format(&source, format);
                }
                Step::Done(outcome)
            }
        }
    }

    fn finish(&self, step: Step, buffers: &mut [Vec<u8>; 2]) -> Outcome {
        match step {
            Step::Done(outcome) => outcome,
            Step::File(file) => self.judge(&file, buffers),
            Step::Listed(file, passed_over) => {
                let record = self.guarded(file.format, &file.source, buffers);
                let unread = matches!(record.reason, Reason::Io | Reason::NotFound | Reason::ChangedWhileReading);
                if unread || record.is_in_catalog() { self.record(record, &file.path) } else { passed_over }
            }
        }
    }

    fn judge(&self, file: &Waiting, buffers: &mut [Vec<u8>; 2]) -> Outcome {
        self.record(self.guarded(file.format, &file.source, buffers), &file.path)
    }

    fn judge_together(&self, files: [Waiting; 2], buffers: &mut [Vec<u8>; 2]) -> [Outcome; 2] {
        let stop = self.scan.stop;
        let stoppable = files.each_ref().map(|file| Stoppable { source: &file.source, stop });
        let [(one, to_one), (two, to_two)] = [(&files[0], &stoppable[0]), (&files[1], &stoppable[1])];
        let both = [(one.format, &one.source, to_one as &dyn Source), (two.format, &two.source, to_two as &dyn Source)];
        match self.scan.scanner.guarded_together(both, buffers) {
            Some([first, second]) => [self.record(first, &one.path), self.record(second, &two.path)],
            None => files.each_ref().map(|file| self.judge(file, buffers)),
        }
    }

    fn record(&self, record: Record, path: &Path) -> Outcome {
        Outcome::Record(Box::new(self.scan.scanner.compared(with_path(record, path))))
    }

    fn guarded(&self, format: Format, file: &FileSource, [buffer, _]: &mut [Vec<u8>; 2]) -> Record {
        self.scan.scanner.guarded(format, file, &Stoppable { source: file, stop: self.scan.stop }, buffer)
    }

    /// Of what comes through a pipe no more is taken than may be judged.
    fn standard_input(&self, buffers: &mut [Vec<u8>; 2]) -> Outcome {
        let most = self.scan.scanner.options().max_size;
        let opened = standard_input(most).and_then(|(source, whole)| Ok((sniff_through(&source)?, source, whole)));
        let record = match opened {
            Ok((format, _, false)) => self.scan.scanner.endless(format),
            Ok((format, source, true)) => self.guarded(format, &source, buffers),
            Err(error) => self.scan.scanner.io_error("", Format::Other, &error),
        };
        self.record(record, Path::new("-"))
    }
}

/// Whether a file seems to have something to digest. What goes wrong in this glance at it is told when it is judged.
fn wants_digest(format: Format, source: &dyn Source) -> bool {
    format != Format::Pe || guard::guarded(|| seems_signed(source)).unwrap_or(false)
}

/// What becomes of a file of this kind that is met on a walk, if it is not judged.
fn passed_over(format: Format) -> Option<Outcome> {
    match format {
        _ if !format.can_be_signed() => Some(Outcome::NotSignable),
        _ if container_for(format).is_none() => Some(Outcome::Unsupported(format)),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::super::inspect::File;
    use super::super::{Options, Scanner};
    use super::*;
    use crate::asn1::Time;
    use crate::container::MemorySource;

    fn scanner() -> Scanner {
        let moment = Time::parse_rfc3339("2024-06-01T00:00:00Z").unwrap();
        Scanner::new(Options { hashes: HashMode::None, ..Options::at(moment) })
    }

    /// Fixtures, each followed by as many octets as make it end in another place of a block.
    fn files() -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/fixtures");
        let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        let pe = names.iter().filter_map(|name| std::fs::read(name).ok()).filter(|bytes| bytes.starts_with(b"MZ"));
        pe.enumerate().map(|(at, bytes)| [bytes, vec![at as u8; (at % 7) * 150_001]].concat()).collect()
    }

    fn together(scanner: &Scanner, files: [&dyn Source; 2]) -> Option<[Record; 2]> {
        let [one, two] = files;
        let (mut first, mut second) = (Vec::new(), Vec::new());
        scanner.scan_together([
            File { name: "one", source: one, format: Format::Pe, buffer: &mut first },
            File { name: "two", source: two, format: Format::Pe, buffer: &mut second },
        ])
    }

    fn alone(scanner: &Scanner, name: &str, file: &dyn Source) -> Record {
        scanner.scan_as(name, file, Format::Pe, &mut Vec::new())
    }

    #[test]
    fn two_files_judged_together_have_the_records_that_they_have_alone() {
        let (scanner, files) = (scanner(), files());
        assert!(files.len() > 100);
        for pair in files.windows(2) {
            let [one, two] = [MemorySource(&pair[0]), MemorySource(&pair[1])];
            let expected = [alone(&scanner, "one", &one), alone(&scanner, "two", &two)];
            assert_eq!(together(&scanner, [&one, &two]), Some(expected));
        }
    }

    /// A file that ends early or cannot be read from some place on.
    struct Broken<'b>(&'b [u8], usize, Option<io::ErrorKind>);

    impl Source for Broken<'_> {
        fn len(&self) -> u64 {
            self.0.len() as u64
        }

        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            match (MemorySource(&self.0[..self.1]).read_at(buffer, offset)?, self.2) {
                (0, Some(kind)) => Err(kind.into()),
                (count, _) => Ok(count),
            }
        }
    }

    /// A source that brings the program down.
    struct Poison;

    impl Source for Poison {
        fn len(&self) -> u64 {
            1 << 20
        }

        fn read_at(&self, _: &mut [u8], _: u64) -> io::Result<usize> {
            panic!("poison")
        }
    }

    #[test]
    fn a_glance_at_a_file_is_guarded() {
        guard::quieten();
        assert!(!wants_digest(Format::Pe, &Poison));
        assert!(wants_digest(Format::Cat, &Poison)); // which is not looked at
        let signed = |bytes: &[u8]| wants_digest(Format::Pe, &MemorySource(bytes));
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/fixtures");
        let file = std::fs::read(folder.join("pe32.exe")).unwrap();
        assert!(signed(&file) && !signed(&file[..64]) && !signed(b""));
    }

    #[test]
    fn a_file_that_cannot_be_read_takes_nothing_from_the_other() {
        let scanner = scanner();
        let mut large = files().into_iter().filter(|file| file.len() > 700_000);
        let (broken, whole) = (large.next().unwrap(), large.next().unwrap());
        let source = MemorySource(&whole);
        let expected = alone(&scanner, "two", &source);
        for (kind, reason) in [(None, Reason::ChangedWhileReading), (Some(io::ErrorKind::Other), Reason::Io)] {
            let file = Broken(&broken, 600_000, kind);
            let [one, two] = together(&scanner, [&file, &source]).unwrap();
            assert_eq!((one.reason, &two), (reason, &expected));
            assert_eq!(one, alone(&scanner, "one", &file));
        }
    }
}
