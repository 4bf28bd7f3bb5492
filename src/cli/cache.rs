//! `--cache`: digests that are kept between scans, and what is said of them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;

use super::words::{grouped, plural};
use crate::cache::Cache;
use crate::output::escape::for_terminal;
use crate::scan::{Scanner, Store};

/// What is kept between scans.
#[derive(Debug, Args)]
pub struct CacheArgs {
    /// Keep digests in FILE, and do not read files again that have not changed since (by inode, size, times of modification
    /// and of change); everything is judged anew. Not for evidence: see the README
    #[arg(long, value_name = "FILE", help_heading = "Work")]
    pub cache: Option<PathBuf>,
    // A page of a file that is mapped into memory can be written again and again without another time of change until the
    // system has written it back, which Linux does within 30 to 35 seconds.
    /// Keep nothing of a file that was changed less than so many seconds before it was read
    #[arg(long, value_name = "SECONDS", default_value_t = 60, requires = "cache", help_heading = "Work")]
    pub cache_settle: u32,
}

/// The cache of a run, if there is one.
#[derive(Debug, Default)]
pub(super) struct Kept {
    cache: Option<(Arc<Cache>, Arc<Store>)>,
    /// What is to be said before the run: a line, or nothing.
    pub(super) note: String,
}

impl Kept {
    /// Opens what the arguments name. That it cannot be used is a note and no failure.
    pub(super) fn open(args: &CacheArgs) -> Kept {
        let Some(path) = &args.cache else { return Kept::default() };
        let line = |text: &str| format!("sigscan: --cache {}: {text}\n", for_terminal(&path.to_string_lossy()));
        let settle = i128::from(args.cache_settle).saturating_mul(1_000_000_000);
        match Cache::open(path, clock, settle) {
            Ok((cache, note)) => {
                let cache = Arc::new(cache);
                let store = Arc::new(Store::new(Arc::clone(&cache) as _));
                Kept { cache: Some((cache, store)), note: note.map(|note| line(&note)).unwrap_or_default() }
            }
            Err(why) => Kept { cache: None, note: line(&format!("{why}; nothing is kept")) },
        }
    }

    /// Lets a scanner use it.
    pub(super) fn given_to(&self, scanner: Scanner) -> Scanner {
        match &self.cache {
            Some((_, store)) => scanner.with_store(Arc::clone(store)),
            None => scanner,
        }
    }

    /// Writes what is not written yet. What the cache was good for, and what went wrong, for a person.
    pub(super) fn finish(&self) -> String {
        let Some((cache, store)) = &self.cache else { return String::new() };
        let finished = cache.finish();
        let counts = store.counts();
        let files = plural(counts.recalled.saturating_add(counts.read), "file", "files");
        let mut text = format!("Cache: {} of {files} not read anew", grouped(counts.recalled));
        if counts.read > 0 {
            text.push_str(&format!(", {} kept for the next time", grouped(counts.kept)));
        }
        text.push('\n');
        let name = cache.path().to_string_lossy();
        let mut line = |what: &str| text.push_str(&format!("sigscan: --cache {}: {what}\n", for_terminal(&name)));
        if cache.is_full() {
            line("it is full; what has no room in it is read each time");
        }
        if let Err(why) = finished {
            line(&format!("{why}; not everything is kept"));
        }
        text
    }
}

/// The clock that files get their times from, in nanoseconds since 1970. It decides what is kept, and no judgement.
fn clock() -> i128 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_nanos());
    i128::try_from(elapsed).unwrap_or(i128::MAX)
}
