//! The network, only when asked: one client with a guard, and nothing that judges.
//!
//! Everything that comes from here is as hostile as a file: it adds to the lists that a file is judged by, and is
//! believed as far as its own signatures go. No other room may connect to anything.

mod cache;
mod client;
mod downloads;
mod dry_run;
mod guard;
mod keep;
mod throttle;
mod transport;
mod url;

pub(crate) use cache::make_folder;
pub use cache::{Cache, DEFAULT_CACHE_BYTES, Meta};
pub use client::{Ask, Client, FetchError, Fetched, Limits, Validators};
pub use downloads::{Downloads, Totals};
pub use dry_run::{DryRun, Listed};
pub use guard::{AllowedHost, Refusal, Resolver, SystemResolver, admit, forbidden};
pub use keep::{Keep, MANIFEST};
pub use throttle::Pace;
pub(crate) use transport::{Tls, embedded_tls, post, trusting};
pub use url::{Host, Scheme, Url, UrlError};
pub(crate) use url::{host_and_port, parse_host};

/// Downloads what a URL names, with the default client: http and https at public addresses only.
///
/// # Errors
/// Why it could not be had.
pub fn get(url: &str, limits: Limits) -> Result<Vec<u8>, FetchError> {
    Client::default().get(url, limits)
}
