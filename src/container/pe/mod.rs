//! Portable Executable files: EXE, DLL, SYS, EFI, .NET, in all their shapes.
//!
//! Sources: Microsoft "PE Format"; Microsoft "Windows Authenticode Portable Executable Signature Format".

mod checksum;
mod debug;
mod guest;
mod headers;
mod page_hashes;
mod remains;
mod unsigned;
pub mod version;
mod win_certificate;

use std::io;

pub use checksum::ImageSum;
pub use debug::DebugFacts;
pub use guest::{Guest, GuestKind};
pub use headers::{DriverSign, ImagePart, PeFacts, Section};
pub use page_hashes::{PageLayoutError, PagePlan, page_plan};
pub use remains::{PreviousTable, Remains, remains};
pub use unsigned::UnsignedRun;

use super::{Container, ContainerLimits, Covers, Format, HashedRegions, Presence, Source, Subject};
use crate::anomaly::Anomaly;

/// The PE container.
#[derive(Debug, Clone, Copy)]
pub struct Pe;

impl Container for Pe {
    fn format(&self) -> Format {
        Format::Pe
    }

    fn open(&self, source: &dyn Source, limits: &ContainerLimits) -> io::Result<Subject> {
        let mut anomalies = Vec::new();
        let Some(facts) = headers::read(source, &mut anomalies)? else {
            // A PE mark without an optional header that says where anything is: nothing can be signed here.
            let regions = HashedRegions::all_but(source.len(), &[]);
            return Ok(Subject {
                signatures: Presence::Unsupported,
                covers: Covers::File,
                regions,
                pe: None,
                anomalies,
            });
        };
        let signatures = match facts.security_directory {
            None | Some((0, 0)) => Presence::None,
            Some((offset, size)) => win_certificate::read(source, offset, size, limits, &mut anomalies)?,
        };
        let regions = regions(&facts, source.len());
        if !matches!(signatures, Presence::None) {
            note_table_geometry(&facts, source.len(), &mut anomalies);
        }
        Ok(Subject { signatures, covers: Covers::File, regions, pe: Some(facts), anomalies })
    }
}

/// Whether a PE file seems to name a certificate table, by a glance at its headers: good for deciding how to go about it, and
/// for nothing else.
#[must_use]
pub fn seems_signed(source: &dyn Source) -> bool {
    let facts = headers::read(source, &mut Vec::new());
    facts.is_ok_and(|facts| facts.is_some_and(|facts| facts.certificate_table().is_some()))
}

/// The linear Authenticode regions: everything but CheckSum, the security directory entry and the table.
fn regions(facts: &PeFacts, length: u64) -> HashedRegions {
    let mut regions = HashedRegions::all_but(length, &facts.excluded_ranges());
    if facts.certificate_table().is_none() {
        regions.zero_padding = length.wrapping_neg() & 7;
    }
    regions
}

/// Geometry that Windows' own signing tools never produce.
fn note_table_geometry(facts: &PeFacts, length: u64, anomalies: &mut Vec<Anomaly>) {
    let Some(table) = facts.certificate_table() else { return };
    if table.start & 7 != 0 {
        let message = "the certificate table does not start at a multiple of 8";
        anomalies.push(Anomaly::at("table-unaligned", message, table.start));
    }
    if table.end.saturating_sub(table.start) & 7 != 0 {
        let message = "the size of the certificate table is not a multiple of 8";
        anomalies.push(Anomaly::at("table-size-unaligned", message, table.start));
    }
    if table.end < length {
        let extra = length.saturating_sub(table.end);
        let message = format!("{extra} bytes follow the certificate table");
        anomalies.push(Anomaly::at("data-after-table", message, table.end));
    }
    if facts.overlaid {
        let message =
            "the optional header ends before fields that no digest covers, so that other headers may lie over them";
        anomalies.push(Anomaly::at("fields-overlaid", message, facts.checksum_offset));
    }
    let mut reached = false;
    for part in facts.image_in(&table) {
        reached |= part == ImagePart::Section;
        let (code, message) = match part {
            ImagePart::Section => {
                ("table-in-section", "a section loads octets of the certificate table, which no digest covers")
            }
            ImagePart::Entry => ("entry-in-table", "execution begins in the certificate table, which no digest covers"),
            ImagePart::Directory => {
                ("directory-in-table", "a data directory leads into the certificate table, which no digest covers")
            }
            ImagePart::Headers => {
                ("table-in-headers", "the headers reach into the certificate table, which no digest covers")
            }
        };
        anomalies.push(Anomaly::at(code, message, table.start));
    }
    let behind = |section: &Section| section.raw_size > 0 && u64::from(section.raw_offset) >= table.end;
    if !reached && table.end < length && facts.sections.iter().any(behind) {
        let message = "a section lies behind the certificate table";
        anomalies.push(Anomaly::at("table-before-section", message, table.start));
    }
}
