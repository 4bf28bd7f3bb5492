//! The thread that sends what a spool holds, while a scan goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender as Channel, bounded};

use super::destination::Destination;
use super::envelope::Envelope;
use super::http::Http;
use super::segment::Entry;
use super::spool::{Batch, Reader};
use super::syslog;
use crate::online::Tls;

/// How long entries are collected before a request that could take more.
const COLLECT: Duration = Duration::from_millis(500);
/// First and longest wait after a failure.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// Longest wait that a receiver can ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(600);
/// Records that are refused one after the other before others behind them are tried, to tell whether they are wrong or the
/// receiver is: while the spool knows of none that was taken, and after.
const REFUSALS: (u32, u32) = (3, 20);

/// Why a batch was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// It may be taken later.
    Later { why: String, after: Option<Duration> },
    /// Something in it will never be taken.
    Refused(String),
    /// No batch will be taken.
    Stop(String),
}

impl Failure {
    pub(super) fn later(why: String) -> Failure {
        Failure::Later { why, after: None }
    }
}

/// How things are sent.
#[derive(Clone)]
pub struct Delivery {
    /// Whereto.
    pub to: Destination,
    /// For HTTP: what the receiver knows the sender by.
    pub token: Option<String>,
    /// For HTTP: whether bodies are compressed.
    pub gzip: bool,
    /// Most records in one request.
    pub batch_records: usize,
    /// Most octets in one request, before compression; a record that has more goes alone.
    pub batch_octets: usize,
    /// How long nothing may succeed, once nothing more comes, before the rest stays in the spool.
    pub patience: Duration,
    /// TLS, and whom it trusts.
    pub(super) tls: Tls,
}

impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delivery").field("to", &self.to).finish_non_exhaustive() // the token is in nobody's log
    }
}

/// What became of everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Records that the receiver took.
    pub sent: u64,
    /// Records that it refused by themselves; the spool keeps them in `rejected.lines`.
    pub rejected: u64,
    /// Records that stay in the spool.
    pub pending: u64,
    /// Requests that failed and were made again.
    pub repeated: u64,
    /// Records that were too large to be sent; the least of each was sent instead.
    pub oversized: u64,
    /// Segments of the spool that could not be read to their ends.
    pub damaged: u64,
    /// The last reason why something was not taken.
    pub problem: Option<String>,
}

/// A running thread.
#[derive(Debug)]
pub(super) struct Sender {
    wake: Option<Channel<()>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Outcome>>,
}

impl Sender {
    pub(super) fn start(delivery: Delivery, reader: Reader) -> Sender {
        let (wake, woken) = bounded(1);
        let stop = Arc::new(AtomicBool::new(false));
        let mut work = Work {
            delivery,
            reader,
            woken,
            stop: Arc::clone(&stop),
            over: None,
            taken: None,
            outcome: Outcome::default(),
        };
        let thread = std::thread::spawn(move || {
            if let Err(problem) = work.run() {
                work.outcome.problem = Some(problem);
            }
            work.outcome.damaged = work.reader.damaged;
            work.outcome
        });
        Sender { wake: Some(wake), stop, thread: Some(thread) }
    }

    /// Whether it still sends.
    pub(super) fn runs(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Tells it that there is something.
    pub(super) fn wake(&self) {
        if let Some(wake) = &self.wake {
            let _ = wake.try_send(());
        }
    }

    /// Nothing more comes: waits until all is sent, the patience ends, or `interrupted` is set. `None` if it still runs then.
    pub(super) fn finish(&mut self, interrupted: &AtomicBool) -> Option<Outcome> {
        self.wake = None;
        let thread = self.thread.take()?;
        while !thread.is_finished() {
            if interrupted.load(Ordering::Acquire) {
                self.stop.store(true, Ordering::Release);
                return None;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Some(thread.join().unwrap_or_default())
    }
}

struct Work {
    delivery: Delivery,
    reader: Reader,
    woken: Receiver<()>,
    stop: Arc<AtomicBool>,
    /// Since when nothing more comes, or something succeeded after that.
    over: Option<Instant>,
    /// The number of the furthest record that was tried behind refused ones, and taken.
    taken: Option<u64>,
    outcome: Outcome,
}

impl Work {
    fn run(&mut self) -> Result<(), String> {
        let (count, octets) = (self.delivery.batch_records.max(1), self.delivery.batch_octets);
        loop {
            let collecting = Instant::now();
            while self.over.is_none() && (self.reader.ahead() as usize) < count {
                if self.reader.ahead() > 0 && collecting.elapsed() > COLLECT {
                    break;
                }
                self.wait(COLLECT);
            }
            match self.reader.batch(count, octets).map_err(spool_failed)? {
                Some(batch) => self.deliver(&batch)?,
                None if self.over.is_some() && self.reader.ahead() == 0 => return Ok(()),
                None => {}
            }
        }
    }

    /// Waits for so long, or until something comes.
    fn wait(&mut self, time: Duration) {
        if self.woken.recv_timeout(time) == Err(RecvTimeoutError::Disconnected) && self.over.is_none() {
            self.over = Some(Instant::now());
        }
    }

    /// Sends a batch, in halves where something in it is refused, until nothing of it is left.
    fn deliver(&mut self, batch: &Batch) -> Result<(), String> {
        let mut parts: Vec<&[Entry]> = vec![&batch.entries];
        let mut refused: Vec<&Entry> = Vec::new();
        let mut in_a_row = 0u32;
        let mut done = 0usize;
        while let Some(part) = parts.pop() {
            match self.insist(batch, part) {
                Ok(()) => {
                    in_a_row = 0;
                    done = done.saturating_add(part.len());
                    self.outcome.sent = self.outcome.sent.saturating_add(part.len() as u64);
                }
                Err(Failure::Refused(why)) => match (part, part.split_at_checked(part.len().div_ceil(2))) {
                    ([entry], _) => {
                        self.outcome.problem = Some(why.clone());
                        refused.push(entry);
                        in_a_row = in_a_row.saturating_add(1);
                        done = done.saturating_add(1);
                        let none_known = self.outcome.sent == 0 && !self.reader.has_acknowledged();
                        let limit = if none_known { REFUSALS.0 } else { REFUSALS.1 };
                        if in_a_row >= limit && !self.is_taken_behind(batch, done)? {
                            return Err(format!("{why}, to {in_a_row} records one after the other"));
                        }
                    }
                    (_, Some((first, second))) => parts.extend([second, first]),
                    _ => {}
                },
                Err(Failure::Later { why, .. } | Failure::Stop(why)) => return Err(why),
            }
        }
        if self.outcome.sent == 0 && !refused.is_empty() && !self.is_taken_behind(batch, done)? {
            return Err(self.outcome.problem.take().unwrap_or_default()); // it may be the receiver that is wrong
        }
        for entry in refused {
            self.reader.reject(entry).map_err(spool_failed)?;
            self.outcome.rejected = self.outcome.rejected.saturating_add(1);
        }
        self.reader.acknowledge(batch.end).map_err(spool_failed)
    }

    /// Whether the receiver takes a record behind the first `done` ones of a batch, so that it is they that are wrong: tried
    /// are the next one, the second, the fourth and so on, as long as any come, and the last. What is taken so is sent once
    /// more in its turn, as after a failure.
    fn is_taken_behind(&mut self, batch: &Batch, done: usize) -> Result<bool, String> {
        let left = batch.entries.len().saturating_sub(done);
        let number = batch.end.saturating_sub(left as u64);
        if self.taken.is_some_and(|taken| taken >= number) {
            return Ok(true);
        }
        let mut scout = self.reader.scout(number);
        let mut distance = 0u64;
        let mut untried = None;
        loop {
            while let Some(next) = scout.batch(1, 0).map_err(spool_failed)? {
                distance = distance.saturating_add(1);
                untried = if distance.is_power_of_two() {
                    if self.takes(&next)? {
                        return Ok(true);
                    }
                    None
                } else {
                    Some(next)
                };
            }
            if self.over.is_some() || self.stop.load(Ordering::Acquire) {
                return untried.map_or(Ok(false), |last| self.takes(&last));
            }
            self.wait(COLLECT);
        }
    }

    /// Whether the receiver takes this.
    fn takes(&mut self, batch: &Batch) -> Result<bool, String> {
        match self.insist(batch, &batch.entries) {
            Ok(()) => {
                self.taken = Some(batch.end.saturating_sub(1));
                Ok(true)
            }
            Err(Failure::Refused(_)) => Ok(false),
            Err(Failure::Later { why, .. } | Failure::Stop(why)) => Err(why),
        }
    }

    /// Tries again and again, with longer and longer waits, whatever may succeed later.
    fn insist(&mut self, batch: &Batch, part: &[Entry]) -> Result<(), Failure> {
        let mut back_off = BACK_OFF.0;
        loop {
            let (why, after) = match self.send(batch, part) {
                Err(Failure::Later { why, after }) => (why, after),
                done => {
                    self.over = self.over.map(|_| Instant::now());
                    return done;
                }
            };
            self.outcome.repeated = self.outcome.repeated.saturating_add(1);
            self.outcome.problem = Some(why.clone());
            let wait = after.unwrap_or_else(|| jittered(back_off)).min(LONGEST_WAIT);
            back_off = back_off.saturating_mul(2).min(BACK_OFF.1);
            if !self.pause(wait) {
                return Err(Failure::later(why));
            }
        }
    }

    /// Waits in spite of what comes; `false` when the patience ends within it.
    fn pause(&mut self, time: Duration) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < time {
            let left = time.saturating_sub(begun.elapsed());
            match self.over {
                None => {
                    self.wait(left);
                    // One who wakes often must not make this spin.
                    std::thread::sleep(left.min(Duration::from_millis(10)));
                }
                Some(since) => {
                    if since.elapsed().saturating_add(left) > self.delivery.patience {
                        return false;
                    }
                    std::thread::sleep(left.min(Duration::from_millis(100)));
                }
            }
            if self.stop.load(Ordering::Acquire) {
                return false;
            }
        }
        true
    }

    fn send(&self, batch: &Batch, part: &[Entry]) -> Result<(), Failure> {
        let Delivery { to, token, gzip, tls, .. } = &self.delivery;
        match to {
            Destination::Http(url) => {
                let envelope = Envelope::of(&batch.header.format)
                    .ok_or_else(|| Failure::Stop("the spool holds what cannot be sent".to_owned()))?;
                let http = Http { token: token.clone(), gzip: *gzip, tls: tls.clone() };
                http.send(to, url, envelope, part)
            }
            Destination::Syslog { .. } => syslog::send(to, tls, &batch.header, part),
        }
    }
}

fn spool_failed(error: std::io::Error) -> String {
    format!("the spool: {error}")
}

/// Between half of it and all of it, so that many senders do not come back together.
fn jittered(time: Duration) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    let half = time.checked_div(2).unwrap_or_default();
    let random = RandomState::new().hash_one(0u8) % 1000;
    half.saturating_add(half.saturating_mul(u32::try_from(random).unwrap_or(0)).checked_div(1000).unwrap_or_default())
}
