//! Which certificates of a path are on a disallowed list.

use std::collections::HashMap;

use super::paths::{PathEnd, Paths};
use super::pool::Pool;
use crate::trust::{Disallowed, DisallowedEntry};

/// Adds to every path which of its certificates are listed. Without any list nothing is computed.
pub(super) fn attach(paths: &mut Paths<'_>, pool: &Pool<'_>, disallowed: &Disallowed) {
    if disallowed.is_empty() {
        return;
    }
    let mut known: HashMap<usize, Option<DisallowedEntry>> = HashMap::new();
    for path in &mut paths.list {
        for (position, index) in path.certificates.iter().enumerate() {
            let Some(certificate) = pool.certificate(*index) else { continue };
            let found = known.entry(*index).or_insert_with(|| disallowed.find(certificate));
            path.disallowed.extend(found.clone().map(|entry| (position, entry)));
        }
        if let PathEnd::Anchor { root, in_bag } = path.end {
            // A copy of the root in the bag has its name and key, and need not be the certificate that a list names.
            let position = path.certificates.len().saturating_sub(usize::from(in_bag));
            if !path.disallowed.iter().any(|(known, _)| *known == position) {
                path.disallowed.extend(disallowed.find_root(&root).map(|entry| (position, entry)));
            }
        }
    }
}
