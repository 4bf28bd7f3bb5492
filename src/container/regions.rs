//! Which bytes of a file a signature covers.

use std::ops::Range;

/// The covered bytes, in file order, followed by zero octets that are hashed but not in the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HashedRegions {
    /// Covered ranges, ascending and disjoint.
    pub included: Vec<Range<u64>>,
    /// Zero octets hashed after the last range: an unsigned PE is padded to 8 bytes before a table is
    /// attached, so catalogs list the padded digest.
    pub zero_padding: u64,
}

impl HashedRegions {
    /// Everything in `0..length` but the given ranges, which may overlap, touch or reach beyond the end.
    #[must_use]
    pub fn all_but(length: u64, excluded: &[Range<u64>]) -> HashedRegions {
        let mut excluded: Vec<_> = excluded.iter().filter(|range| range.start < range.end).cloned().collect();
        excluded.sort_by_key(|range| range.start);
        let mut included = Vec::new();
        let mut at = 0u64;
        for hole in excluded {
            let start = hole.start.min(length);
            if start > at {
                included.push(at..start);
            }
            at = at.max(hole.end.min(length));
        }
        if at < length {
            included.push(at..length);
        }
        HashedRegions { included, zero_padding: 0 }
    }

    /// The covered parts of `window`, in order.
    pub fn within(&self, window: Range<u64>) -> impl Iterator<Item = Range<u64>> {
        self.included.iter().filter_map(move |range| {
            let start = range.start.max(window.start);
            let end = range.end.min(window.end);
            (start < end).then_some(start..end)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_in_any_order_leave_the_rest() {
        let regions = HashedRegions::all_but(100, &[50..60, 10..14, 55..200, 5..5]);
        assert_eq!(regions.included, vec![0..10, 14..50]);
        assert_eq!(HashedRegions::all_but(0, &[0..8]).included, Vec::<Range<u64>>::new());
        assert_eq!(regions.within(8..20).collect::<Vec<_>>(), vec![8..10, 14..20]);
    }
}
