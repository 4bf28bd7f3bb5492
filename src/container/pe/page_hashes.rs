//! Which bytes each page hash covers.
//!
//! The first page is the headers without CheckSum and the security directory entry; then come the sections in
//! pages of 4096 bytes (8192 on IA-64), every page filled up with zeros to the page size.
//! Source: Microsoft Authenticode PE format, "SpcPeImageData"; see also the WinTrust page hash attributes.

use std::ops::Range;

use super::super::HashedRegions;
use super::headers::PeFacts;

/// Where the pages of one list lie. Eight octets a page, because a list may be as long as its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PagePlan {
    /// Covered ranges of the first page, the headers.
    pub headers: Vec<Range<u64>>,
    /// Zero octets hashed behind them.
    pub header_padding: u64,
    /// File offsets of all further pages: start and end, ascending and disjoint.
    pub sections: Vec<(u32, u32)>,
    /// Octets of a full page.
    pub page_size: u32,
}

impl PagePlan {
    /// How many pages there are, the headers included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sections.len().saturating_add(1)
    }

    /// Octets that are hashed for them, at most.
    #[must_use]
    pub fn octets(&self) -> u64 {
        u64::try_from(self.len()).unwrap_or(u64::MAX).saturating_mul(u64::from(self.page_size))
    }

    /// Never: the headers are always a page.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// File offset where a page ends, and how many zero octets are hashed behind it.
    #[must_use]
    pub fn end_of(&self, page: usize) -> (u64, u64) {
        match page.checked_sub(1).and_then(|index| self.sections.get(index)) {
            Some((start, end)) => (u64::from(*end), padding(u64::from(end.saturating_sub(*start)), self.page_size)),
            None => (self.headers.last().map_or(0, |range| range.end), self.header_padding),
        }
    }
}

/// Zero octets up to the next multiple of the page size.
fn padding(length: u64, page_size: u32) -> u64 {
    let page = u64::from(page_size);
    length.checked_rem(page).filter(|rest| *rest != 0).map_or(0, |rest| page.saturating_sub(rest))
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
pub fn page_plan(
    facts: &PeFacts,
    offsets: impl ExactSizeIterator<Item = u32>,
    length: u64,
) -> Result<PagePlan, PageLayoutError> {
    let page_size = facts.page_size();
    let size_of_headers = u64::from(facts.size_of_headers);
    let headers = HashedRegions::all_but(size_of_headers.min(length), &facts.excluded_ranges()).included;
    let mut sections: Vec<_> = facts.sections.iter().filter(|section| section.raw_size > 0).collect();
    sections.sort_by_key(|section| section.raw_offset);
    let mut pages = Vec::with_capacity(offsets.len());
    let mut last_end = headers.last().map_or(0, |range| range.end);
    for (position, offset) in offsets.enumerate() {
        if position == 0 {
            if offset != 0 {
                return Err(PageLayoutError::Unordered(offset));
            }
            continue;
        }
        if u64::from(offset) < last_end {
            return Err(PageLayoutError::Unordered(offset));
        }
        let after = sections.partition_point(|section| section.raw_offset <= offset);
        let section = after.checked_sub(1).and_then(|index| sections.get(index));
        let fits = |section: &&&super::Section| {
            let within = offset.saturating_sub(section.raw_offset);
            u64::from(offset) < section.raw_end() && within.checked_rem(page_size) == Some(0)
        };
        let Some(section) = section.filter(fits) else { return Err(PageLayoutError::ForeignOffset(offset)) };
        let clip = |at: u64| u32::try_from(at.min(length)).unwrap_or(u32::MAX);
        let start = clip(u64::from(offset));
        let end = clip(section.raw_end().min(u64::from(offset).saturating_add(u64::from(page_size))));
        pages.push((start, end));
        last_end = u64::from(end);
    }
    // The headers' own padding counts from their full size: excluded fields are not made up for.
    let header_padding = padding(size_of_headers, page_size);
    Ok(PagePlan { headers, header_padding, sections: pages, page_size })
}
