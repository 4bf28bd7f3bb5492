//! Panics, in one place: caught where one file, line or chunk may cost its verdict and nothing else, and kept off standard
//! error.
//!
//! A panic would be a defect of sigscan, or of a library that reads what is not trusted. The standard library reports it on
//! standard error before anybody catches it, and pipelines take what stands there for an answer. [`quieten`] puts a hook
//! before the one that reports: it passes on every panic but those that [`guarded`] is going to catch, and remembers where
//! those happened, for whoever reports the defect.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Whether panics that nobody catches are not reported either.
static SILENT: AtomicBool = AtomicBool::new(false);

/// What is left of a panic that was caught.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caught {
    /// File and line of the source; none where nobody called [`quieten`].
    pub place: Option<String>,
}

impl Caught {
    /// The message of a record of a file on which sigscan failed. What the panic said is left out: it may quote the file.
    #[must_use]
    pub fn message(&self) -> String {
        let place = self.place.as_deref().map(|place| format!(" ({place})")).unwrap_or_default();
        format!("sigscan failed on this file: a defect of sigscan, please report it{place}")
    }
}

/// Keeps panics that are caught off standard error. Called once by whoever owns the process; a library does not.
pub fn quieten() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if GUARDED.get() {
                PLACE.set(panic.location().map(|place| format!("{}:{}", source(place.file()), place.line())));
            } else if !SILENT.load(Ordering::Relaxed) {
                report(panic);
            }
        }));
    });
}

/// Keeps every panic off standard error from now on, for a stream whose reader takes what stands there for an answer.
pub fn silence() {
    quieten();
    SILENT.store(true, Ordering::Relaxed);
}

/// The name of a source file, of a library with the library's folder, and without where it was built.
fn source(file: &str) -> String {
    let file = file.replace('\\', "/");
    match file.rsplit_once("/src/") {
        Some((before, name)) => format!("{}/src/{name}", before.rsplit('/').next().unwrap_or_default()),
        None => file,
    }
}

/// Runs something that may panic. What it was working on must not be used after it did, or only what is whole at any
/// moment.
///
/// # Errors
/// That it panicked.
pub fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Caught> {
    let outer = GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(outer);
    result.map_err(|_| Caught { place: PLACE.take() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_costs_its_work_and_says_where_it_was() {
        quieten();
        let caught = guarded(|| {
            // One inside another: the outer one goes on being guarded.
            assert!(guarded(|| assert!(std::hint::black_box(false), "inner")).is_err());
            assert!(std::hint::black_box(false), "said \u{1b}[31mof the file");
        })
        .unwrap_err();
        let place = caught.place.clone().unwrap();
        assert!(place.starts_with("src/guard.rs:"), "{place}");
        let message = format!("sigscan failed on this file: a defect of sigscan, please report it ({place})");
        assert_eq!(caught.message(), message);
        assert_eq!(guarded(|| 7), Ok(7));
        assert_eq!(source("/home/me/registry/evtx-1.0.0/src/utils/mod.rs"), "evtx-1.0.0/src/utils/mod.rs");
        assert_eq!(source("C:\\build\\cab\\src\\lib.rs"), "cab/src/lib.rs");
        assert_eq!(
            Caught { place: None }.message(),
            "sigscan failed on this file: a defect of sigscan, please report it"
        );
    }
}
