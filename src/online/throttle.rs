//! How hard servers are asked: few at once, one server seldom, a failing one not again for a while.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::client::FetchError;

/// Servers that are remembered; when there are more, idle ones without a failure are forgotten.
const MAX_SERVERS: usize = 4096;

/// How hard servers are asked.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Exchanges at once.
    pub together: usize,
    /// Exchanges at once with one server.
    pub per_server: usize,
    /// Least time between the beginnings of two exchanges with one server.
    pub interval: Duration,
    /// How long a server that failed is left alone; twice as long after each further failure.
    pub back_off: Duration,
    /// And never longer than this.
    pub longest_back_off: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Pace {
            together: 8,
            per_server: 2,
            interval: Duration::from_millis(50),
            back_off: Duration::from_secs(60),
            longest_back_off: Duration::from_secs(3600),
        }
    }
}

/// What is known of each server.
#[derive(Debug)]
pub(super) struct Throttle {
    pace: Pace,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    active: usize,
    servers: HashMap<String, Server>,
}

#[derive(Debug, Default)]
struct Server {
    active: usize,
    next: Option<Instant>,
    /// How questions of certificates that lead to a trusted root failed.
    vouched: Failures,
    /// How questions of all others did: whoever made them must not silence the server for those above.
    unvouched: Failures,
}

#[derive(Debug, Default)]
struct Failures {
    count: u32,
    /// Until when the server is left alone, and why.
    blocked: Option<(Instant, FetchError)>,
}

impl Failures {
    fn at(&self, now: Instant) -> Option<&FetchError> {
        self.blocked.as_ref().filter(|(until, _)| now < *until).map(|(_, error)| error)
    }
}

/// The right to one exchange; gives it back when it goes.
#[derive(Debug)]
pub(super) struct Permit<'t> {
    throttle: &'t Throttle,
    server: String,
    unvouched: bool,
}

impl Throttle {
    pub(super) fn new(pace: Pace) -> Throttle {
        Throttle { pace, state: Mutex::default(), freed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A poisoned lock only means that another worker panicked between two whole operations.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for its turn, or says how the server failed when it was asked last. Nobody vouches for an unvouched question, which
    /// waits no longer than until then, and is not asked where such a one failed either.
    pub(super) fn enter(
        &self,
        server: &str,
        unvouched: Option<Instant>,
        stop: &dyn Fn() -> bool,
    ) -> Result<Permit<'_>, FetchError> {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            if stop() {
                return Err(FetchError::Stopped);
            }
            if state.servers.len() >= MAX_SERVERS {
                state.servers.retain(|_, known| known.active > 0 || known.vouched.blocked.is_some());
            }
            let active = state.active;
            let known = state.servers.entry(server.to_owned()).or_default();
            let failed = known.unvouched.at(now).filter(|_| unvouched.is_some());
            if let Some(error) = known.vouched.at(now).or(failed) {
                return Err(error.clone());
            }
            let early = known.next.and_then(|next| next.checked_duration_since(now)).filter(|wait| !wait.is_zero());
            if active < self.pace.together.max(1) && known.active < self.pace.per_server.max(1) && early.is_none() {
                known.active = known.active.saturating_add(1);
                known.next = now.checked_add(self.pace.interval);
                state.active = active.saturating_add(1);
                return Ok(Permit { throttle: self, server: server.to_owned(), unvouched: unvouched.is_some() });
            }
            if unvouched.is_some_and(|until| now >= until) {
                return Err(FetchError::Slow);
            }
            // Whoever leaves wakes the others; the clock does not.
            let wait = early.unwrap_or(Duration::from_secs(1));
            state = self.freed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Permit<'_> {
    /// Notes how the exchange ended: `None` for an answer, whatever it said.
    pub(super) fn note(&self, failure: Option<&FetchError>) {
        let pace = self.throttle.pace;
        let mut state = self.throttle.lock();
        let Some(known) = state.servers.get_mut(&self.server) else { return };
        let known = if self.unvouched { &mut known.unvouched } else { &mut known.vouched };
        let Some(failure) = failure else {
            *known = Failures::default();
            return;
        };
        let factor = 1u32.checked_shl(known.count.min(16)).unwrap_or(u32::MAX);
        known.count = known.count.saturating_add(1);
        let wait = pace.back_off.saturating_mul(factor).min(pace.longest_back_off);
        known.blocked = Instant::now().checked_add(wait).map(|until| (until, failure.clone()));
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = self.throttle.lock();
        state.active = state.active.saturating_sub(1);
        if let Some(known) = state.servers.get_mut(&self.server) {
            known.active = known.active.saturating_sub(1);
        }
        drop(state);
        self.throttle.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn pace() -> Pace {
        Pace { together: 3, per_server: 2, interval: Duration::ZERO, ..Pace::default() }
    }

    fn enter<'t>(throttle: &'t Throttle, server: &str) -> Result<Permit<'t>, FetchError> {
        throttle.enter(server, None, &|| false)
    }

    /// The most exchanges that were ever under way at once, over these servers.
    fn most_at_once(servers: &[&str], throttle: &Throttle) -> usize {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for server in servers {
                scope.spawn(|| {
                    let _permit = enter(throttle, server).unwrap();
                    let before = now.fetch_add(1, Ordering::SeqCst);
                    most.fetch_max(before.saturating_add(1), Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(20));
                    now.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        most.load(Ordering::SeqCst)
    }

    #[test]
    fn only_so_many_are_asked_at_once() {
        assert_eq!(most_at_once(&["a"; 6], &Throttle::new(pace())), 2);
        assert_eq!(most_at_once(&["a", "b", "c", "d", "e", "f"], &Throttle::new(pace())), 3);
    }

    #[test]
    fn one_server_is_asked_no_oftener_than_the_interval_allows() {
        let throttle = Throttle::new(Pace { interval: Duration::from_millis(40), ..pace() });
        let start = Instant::now();
        for _ in 0..3 {
            drop(enter(&throttle, "a").unwrap());
        }
        assert!(start.elapsed() >= Duration::from_millis(80), "{:?}", start.elapsed());
    }

    #[test]
    fn a_server_that_failed_is_left_alone_longer_each_time() {
        let throttle = Throttle::new(Pace { back_off: Duration::from_millis(60), ..pace() });
        enter(&throttle, "a").unwrap().note(Some(&FetchError::Connect));
        assert_eq!(enter(&throttle, "a").unwrap_err(), FetchError::Connect);
        assert!(enter(&throttle, "b").is_ok());
        std::thread::sleep(Duration::from_millis(70));
        enter(&throttle, "a").unwrap().note(Some(&FetchError::Idle));
        std::thread::sleep(Duration::from_millis(70));
        assert_eq!(enter(&throttle, "a").unwrap_err(), FetchError::Idle, "twice as long");
        std::thread::sleep(Duration::from_millis(70));
        enter(&throttle, "a").unwrap().note(None);
        assert!(enter(&throttle, "a").is_ok());
    }

    #[test]
    fn what_nobody_vouches_for_is_left_alone_by_itself_waits_no_longer_than_it_may_and_all_end_with_the_run() {
        let throttle = Throttle::new(Pace { per_server: 1, ..pace() });
        let unvouched = |server: &str| throttle.enter(server, Some(Instant::now()), &|| false);
        unvouched("a").unwrap().note(Some(&FetchError::Idle));
        assert_eq!(unvouched("a").unwrap_err(), FetchError::Idle);
        enter(&throttle, "a").unwrap().note(Some(&FetchError::Connect));
        assert_eq!(unvouched("a").unwrap_err(), FetchError::Connect);
        let _permit = enter(&throttle, "b").unwrap();
        assert_eq!(unvouched("b").unwrap_err(), FetchError::Slow);
        assert_eq!(throttle.enter("b", None, &|| true).unwrap_err(), FetchError::Stopped);
    }
}
