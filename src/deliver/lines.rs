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

/// How long a writer waits for a full spool to be emptied.
const FULL: Duration = Duration::from_secs(60);

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
        }
    }

    /// Nothing more comes: waits until all is sent, the patience ends, or `interrupted` is set, which may end in the middle
    /// of a request.
    ///
    /// # Errors
    /// When the spool cannot be cleared away.
    pub fn finish(self, interrupted: &AtomicBool) -> io::Result<Outcome> {
        let finished = locked(&self.sender).finish(interrupted);
        let pending = self.spool.state().pending();
        let Some(outcome) = finished else {
            return Ok(Outcome { pending, ..Outcome::default() });
        };
        self.spool.reader().close()?;
        Ok(Outcome { pending, ..outcome })
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
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        for part in octets.split_inclusive(|octet| *octet == b'\n') {
            match part.strip_suffix(b"\n") {
                Some(end) if self.partial.is_empty() => self.line(end)?,
                Some(end) => {
                    let mut line = std::mem::take(&mut self.partial);
                    line.extend_from_slice(end);
                    self.line(&line)?;
                }
                None => self.partial.extend_from_slice(part),
            }
            if self.partial.len() > MAX_ENTRY {
                return Err(io::Error::new(ErrorKind::InvalidData, "a record is too large to be sent"));
            }
        }
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.sync()
    }
}
