//! Which bytes each page hash covers.
//!
//! The first page is the headers without CheckSum and the security directory entry; then come the sections in
//! pages of 4096 bytes (8192 on IA-64), every page filled up with zeros to the page size.
//! Source: Microsoft Authenticode PE format, "SpcPeImageData"; see also the WinTrust page hash attributes.

use std::ops::Range;

use super::super::HashedRegions;
use super::headers::PeFacts;

/// One page: the covered file ranges in order, and how many zero octets follow them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Offset that the list states.
    pub offset: u32,
    /// Covered ranges, ascending.
    pub ranges: Vec<Range<u64>>,
    /// Zero octets hashed behind them.
    pub zero_padding: u64,
}

/// Why a list of offsets does not fit this file's layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageLayoutError {
    /// This offset is no page start of this file.
    ForeignOffset(u32),
    /// This offset is not above its predecessor.
    Unordered(u32),
}

/// The pages at the given list offsets (the terminating entry left out).
///
/// # Errors
/// The first offset that does not fit.
pub fn page_plan(facts: &PeFacts, offsets: &[u32], length: u64) -> Result<Vec<Page>, PageLayoutError> {
    let page = u64::from(facts.page_size());
    let headers = HashedRegions::all_but(u64::from(facts.size_of_headers).min(length), &facts.excluded_ranges());
    let mut sections: Vec<_> = facts.sections.iter().filter(|section| section.raw_size > 0).collect();
    sections.sort_by_key(|section| section.raw_offset);
    let mut plan: Vec<Page> = Vec::with_capacity(offsets.len());
    let mut last_end = 0u64;
    for &offset in offsets {
        let start = u64::from(offset);
        if start < last_end || (plan.is_empty() && offset != 0) {
            return Err(PageLayoutError::Unordered(offset));
        }
        let ranges: Vec<Range<u64>> = if plan.is_empty() {
            headers.included.clone()
        } else {
            let after = sections.partition_point(|section| section.raw_offset <= offset);
            let section = after.checked_sub(1).and_then(|index| sections.get(index));
            let fits = |section: &&&super::Section| {
                let within = start.saturating_sub(u64::from(section.raw_offset));
                start < section.raw_end() && within.checked_rem(page) == Some(0)
            };
            let Some(section) = section.filter(fits) else { return Err(PageLayoutError::ForeignOffset(offset)) };
            vec![start.min(length)..section.raw_end().min(start.saturating_add(page)).min(length)]
        };
        last_end = ranges.last().map_or(start, |range| range.end);
        let covered = ranges.iter().fold(0u64, |sum, range| sum.saturating_add(range.end.saturating_sub(range.start)));
        // The headers' own padding counts from their full size: excluded fields are not made up for.
        let span = if plan.is_empty() { u64::from(facts.size_of_headers) } else { covered };
        let zero_padding = span.checked_rem(page).filter(|rest| *rest != 0).map_or(0, |rest| page.saturating_sub(rest));
        plan.push(Page { offset, ranges, zero_padding });
    }
    Ok(plan)
}
