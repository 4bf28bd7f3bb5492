//! What would be asked, without asking.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::downloads::printable;
use crate::scan::{Need, Supplied, Supplier, Wanted};

/// A supplier that notes what it is asked for and gives nothing.
#[derive(Debug, Default)]
pub struct DryRun {
    urls: Mutex<BTreeSet<Listed>>,
}

/// A URL with what it is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// The URL in printable characters.
    pub url: String,
    /// What it would give.
    pub wanted: Wanted,
    /// Serial number of the certificate that needs it.
    pub serial: String,
}

impl DryRun {
    /// What was noted so far, sorted.
    #[must_use]
    pub fn urls(&self) -> Vec<Listed> {
        self.urls.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

impl Supplier for DryRun {
    fn supply(&self, need: &Need) -> Supplied {
        let mut urls = self.urls.lock().unwrap_or_else(PoisonError::into_inner);
        urls.extend(need.urls.iter().map(|url| Listed {
            url: printable(url),
            wanted: need.wanted,
            serial: need.serial.clone(),
        }));
        Supplied { tried: need.urls.len(), ..Supplied::default() }
    }
}
