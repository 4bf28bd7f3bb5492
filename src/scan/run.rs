//! The scan: one walker, several workers, records in path order, bounded memory.
//!
//! The walker numbers what it meets and takes a permit for each; workers judge in any order; the caller's thread
//! puts results back in order and returns the permits. At most [`WINDOW`] results exist at any time.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::shelf::Shelf;
use super::walk::{Met, Target, WalkOptions, walk};
use super::worker::Worker;
use super::{Progress, Scanner, Tally};
use crate::container::Format;
use crate::record::Record;

/// Results between walker and caller. A record of a doubly signed file has about 20 KiB, so this is 10 MiB.
const WINDOW: usize = 512;

/// A scan to be run.
#[derive(Debug)]
pub struct Scan<'s> {
    /// Who judges.
    pub scanner: &'s Scanner,
    /// What to scan, in this order.
    pub targets: &'s [Target],
    /// How folders are walked.
    pub walk: &'s WalkOptions,
    /// Worker threads, at least one.
    pub jobs: usize,
    /// Where to write how far the scan is.
    pub progress: &'s Progress,
    /// Set by somebody else to end the scan early.
    pub stop: &'s AtomicBool,
}

/// What became of one thing that was met.
pub(super) enum Outcome {
    Record(Box<Record>),
    Missing(Box<Record>),
    NotSignable,
    Unsupported(Format),
    Special,
    Link,
    Excluded,
    ExcludedFolder,
}

impl Scan<'_> {
    /// Runs the scan and hands every record to `sink`, in order.
    ///
    /// # Errors
    /// Only errors of `sink`, which end the scan. Files that cannot be read are `Error` records.
    pub fn run(&self, sink: &mut dyn FnMut(&Record) -> io::Result<()>) -> io::Result<Tally> {
        let (permit_in, permits) = bounded::<()>(WINDOW);
        let (job_in, jobs) = bounded::<(u64, Met)>(WINDOW);
        let (result_in, results) = bounded::<Vec<(u64, Outcome)>>(WINDOW);
        let (busy, shelf) = (AtomicUsize::new(0), Shelf::default());
        let (busy, shelf) = (&busy, &shelf);
        std::thread::scope(|scope| {
            scope.spawn(move || self.walk(&permit_in, &job_in));
            for _ in 0..self.jobs.max(1) {
                let (jobs, result_in) = (jobs.clone(), result_in.clone());
                scope.spawn(move || {
                    let untold = RefCell::default();
                    Worker { scan: self, jobs: &jobs, results: &result_in, busy, shelf, untold }.run();
                });
            }
            drop((jobs, result_in));
            let outcome = self.collect(&results, &permits, sink);
            if outcome.is_err() {
                self.stop.store(true, Ordering::Relaxed);
            }
            // Let everybody run to their ends: walkers wait for permits and workers for room.
            drop(permits);
            drop(results);
            outcome
        })
        .map(|mut tally| {
            tally.unjudged = self.progress.unjudged();
            tally
        })
    }

    fn walk(&self, permits: &Sender<()>, jobs: &Sender<(u64, Met)>) {
        let mut number = 0u64;
        walk(self.targets, self.walk, &mut |met| {
            if self.stop.load(Ordering::Relaxed) || permits.send(()).is_err() {
                return false;
            }
            self.progress.found();
            let sent = jobs.send((number, met)).is_ok();
            number = number.saturating_add(1);
            sent
        });
        self.progress.walked();
    }

    fn collect(
        &self,
        results: &Receiver<Vec<(u64, Outcome)>>,
        permits: &Receiver<()>,
        sink: &mut dyn FnMut(&Record) -> io::Result<()>,
    ) -> io::Result<Tally> {
        let mut tally = Tally::default();
        let mut waiting = Waiting::default();
        for told in results {
            told.into_iter().for_each(|(number, outcome)| waiting.put(number, outcome));
            while let Some(outcome) = waiting.next() {
                // A permit was taken for this one, so one is there to give back.
                let _ = permits.try_recv();
                count(outcome, &mut tally, sink)?;
            }
        }
        // After an early stop there can be gaps; what was judged is still given out in order.
        for outcome in waiting.outcomes.into_iter().flatten() {
            count(outcome, &mut tally, sink)?;
        }
        Ok(tally)
    }
}

/// Outcomes whose turn has not come, by number: at most [`WINDOW`], because each holds a permit.
#[derive(Default)]
struct Waiting {
    /// The number of the first one.
    first: u64,
    outcomes: VecDeque<Option<Outcome>>,
}

impl Waiting {
    fn put(&mut self, number: u64, outcome: Outcome) {
        let place = usize::try_from(number.saturating_sub(self.first)).unwrap_or(usize::MAX);
        if place >= self.outcomes.len() {
            self.outcomes.resize_with(place.saturating_add(1), || None);
        }
        if let Some(free) = self.outcomes.get_mut(place) {
            *free = Some(outcome);
        }
    }

    /// The one whose turn it is, if it is there.
    fn next(&mut self) -> Option<Outcome> {
        let outcome = self.outcomes.front_mut()?.take()?;
        self.outcomes.pop_front();
        self.first = self.first.saturating_add(1);
        Some(outcome)
    }
}

fn count(outcome: Outcome, tally: &mut Tally, sink: &mut dyn FnMut(&Record) -> io::Result<()>) -> io::Result<()> {
    let mut give = |tally: &mut Tally, record: Box<Record>| {
        tally.records = tally.records.saturating_add(1);
        tally.bytes = tally.bytes.saturating_add(record.size.unwrap_or(0));
        sink(&record)
    };
    let field = match outcome {
        Outcome::Record(record) => return give(tally, record),
        Outcome::Missing(record) => {
            tally.missing = tally.missing.saturating_add(1);
            return give(tally, record);
        }
        Outcome::Unsupported(format) => tally.unsupported.entry(format).or_default(),
        Outcome::NotSignable => &mut tally.not_signable,
        Outcome::Special => &mut tally.special,
        Outcome::Link => &mut tally.links,
        Outcome::Excluded => &mut tally.excluded,
        Outcome::ExcludedFolder => &mut tally.excluded_folders,
    };
    *field = field.saturating_add(1);
    Ok(())
}
