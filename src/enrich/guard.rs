//! Panics of code that is not ours, on input that is not trusted: caught, counted, and not printed.
//!
//! A panic is caught where it can be, but the standard library reports it on standard error before anybody catches it, and
//! pipelines take what stands there for an answer. [`quieten`] puts a hook before the one that reports: it passes on
//! every panic but those that [`guarded`] is going to catch.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Keeps panics that are caught off standard error. Called once by whoever owns the process; a library does not.
pub fn quieten() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !GUARDED.get() {
                report(panic);
            }
        }));
    });
}

/// Runs something that may panic; `None` if it did. What it was working on must not be used afterwards.
pub fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    let outer = GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(outer);
    result.ok()
}
