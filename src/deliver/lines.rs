//! What a scan writes to when its records are to be sent.

use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::destination::Destination;
use super::envelope::Envelope;
use super::segment::MAX_ENTRY;
use super::sender::{Delivery, Outcome, Sender};
use super::spool::{Spool, State, Writer};
use crate::online::embedded_tls;
use crate::trust::TrustStore;

/// The longest line: an entry holds its identifier, too.
const MAX_LINE: usize = MAX_ENTRY - 256;
/// How long a writer waits for a full spool to be emptied.
const FULL: Duration = Duration::from_secs(60);

/// Why a line was not taken: the spool has no place for one of this length. Lines after it are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge;

impl TooLarge {
    /// Whether this is why writing failed.
    #[must_use]
    pub fn is_why(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|inner| inner.is::<TooLarge>())
    }
}

impl std::fmt::Display for TooLarge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a record is too large to be sent")
    }
}

impl std::error::Error for TooLarge {}

impl Delivery {
    /// The usual way to a receiver.
    #[must_use]
    pub fn to(to: Destination) -> Delivery {
        Delivery {
            to,
            token: None,
            gzip: true,
            batch_records: 1000,
            batch_octets: 1 << 20,
            patience: Duration::from_secs(60),
            tls: embedded_tls(),
        }
    }

    /// The same, trusting the roots of this store, and no others, for TLS.
    #[must_use]
    pub fn with_tls_roots(mut self, store: &TrustStore) -> Delivery {
        self.tls = crate::online::trusting(store);
        self
    }
}

/// A spool that is being sent.
#[derive(Debug)]
pub struct Post {
    spool: Spool,
    sender: Arc<Mutex<Sender>>,
    limit: u64,
}

impl Post {
    /// Opens the spool in this folder, which may hold what earlier runs could not send, and begins to send. It takes records
    /// until it has `limit` octets.
    ///
    /// # Errors
    /// When the folder cannot be used, or another process uses it.
    pub fn open(folder: &Path, delivery: Delivery, limit: u64) -> io::Result<Post> {
        let spool = Spool::open(folder)?;
        let sender = Arc::new(Mutex::new(Sender::start(delivery, spool.reader())));
        Ok(Post { spool, sender, limit })
    }

    /// What takes lines of this format.
    #[must_use]
    pub fn lines(&self, envelope: Envelope, format: &str, host: Option<&str>) -> Lines {
        Lines {
            writer: self.spool.writer(format, host),
            waiting: Waiting {
                spool: Arc::clone(self.spool.state()),
                sender: Arc::clone(&self.sender),
                limit: self.limit,
            },
            envelope,
            partial: Vec::new(),
            passing: false,
        }
    }

    /// Nothing more comes: waits until all is sent, the patience ends, or `interrupted` is set, which may end in the middle
    /// of a request.
    ///
    /// # Errors
    /// When the spool cannot be cleared away.
    pub fn finish(self, interrupted: &AtomicBool) -> io::Result<Outcome> {
        let finished = locked(&self.sender).finish(interrupted);
        let (pending, oversized) = (self.spool.state().pending(), self.spool.state().oversized.load(Ordering::Acquire));
        let Some(outcome) = finished else {
            return Ok(Outcome { pending, oversized, ..Outcome::default() });
        };
        self.spool.reader().close()?;
        Ok(Outcome { pending, oversized, ..outcome })
    }
}

fn locked(sender: &Mutex<Sender>) -> MutexGuard<'_, Sender> {
    sender.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes what a format writes, line by line, and puts each line with its identifier into the spool.
#[derive(Debug)]
pub struct Lines {
    writer: Writer,
    waiting: Waiting,
    envelope: Envelope,
    partial: Vec<u8>,
    /// The line that comes is too large already, and its rest is passed over.
    passing: bool,
}

#[derive(Debug)]
struct Waiting {
    spool: Arc<State>,
    sender: Arc<Mutex<Sender>>,
    limit: u64,
}

impl Waiting {
    /// Waits until the spool has room, but not for ever.
    fn for_room(&self) -> io::Result<()> {
        let begun = Instant::now();
        while self.spool.octets.load(Ordering::Acquire) >= self.limit {
            if begun.elapsed() > FULL || !locked(&self.sender).runs() {
                return Err(io::Error::new(ErrorKind::StorageFull, "the spool is full (--spool-size)"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Lines {
    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        let passed = std::mem::take(&mut self.passing);
        if passed || line.len() > MAX_LINE {
            self.waiting.spool.oversized.fetch_add(1, Ordering::AcqRel);
            return Err(io::Error::new(ErrorKind::InvalidData, TooLarge));
        }
        let marked = self.envelope.mark(line);
        let marked = marked.ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "this format cannot be sent"))?;
        self.waiting.for_room()?;
        let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
        self.writer.append(time, &marked)?;
        locked(&self.waiting.sender).wake();
        Ok(())
    }
}

impl Write for Lines {
    /// Fails with [`TooLarge`] where a line ends that is, and takes those after it all the same.
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let mut too_large = None;
        for part in octets.split_inclusive(|octet| *octet == b'\n') {
            let ended = match part.strip_suffix(b"\n") {
                Some(end) if self.partial.is_empty() => self.line(end),
                Some(end) => {
                    let mut line = std::mem::take(&mut self.partial);
                    line.extend_from_slice(end);
                    self.line(&line)
                }
                None if self.passing => Ok(()),
                None => {
                    self.partial.extend_from_slice(part);
                    Ok(())
                }
            };
            match ended {
                Err(error) if TooLarge::is_why(&error) => too_large = Some(error),
                other => other?,
            }
            if self.partial.len() > MAX_LINE {
                (self.partial, self.passing) = (Vec::new(), true);
            }
        }
        too_large.map_or(Ok(octets.len()), Err)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.sync()
    }
}
