//! The few header fields that decide where a signature lives and what it covers.
//!
//! goblin decodes the fixed structures; offsets, counts and odd values are judged here, because goblin refuses
//! headers that Windows accepts (e_lfanew below 0x40, NumberOfRvaAndSizes of 0xFFFFFFFF).

use std::io;
use std::ops::Range;

use goblin::pe::data_directories::DataDirectory;
use goblin::pe::header::{COFF_MACHINE_IA64, COFF_MACHINE_X86, CoffHeader};
use goblin::pe::optional_header::{MAGIC_32, MAGIC_64};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::source::{Headed, Source, read_exact_at, read_up_to};
use crate::anomaly::Anomaly;

/// Layout facts of a PE file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeFacts {
    /// COFF Machine.
    pub machine: u16,
    /// Optional header magic says PE32+.
    pub is_64: bool,
    /// COFF TimeDateStamp.
    pub timestamp: u32,
    /// COFF Characteristics.
    pub characteristics: u16,
    /// Optional header Subsystem.
    pub subsystem: u16,
    /// Optional header DllCharacteristics.
    pub dll_characteristics: u16,
    /// Optional header CheckSum as it stands.
    pub checksum: u32,
    /// File offset of CheckSum.
    pub checksum_offset: u64,
    /// SizeOfHeaders.
    pub size_of_headers: u32,
    /// SectionAlignment.
    pub section_alignment: u32,
    /// AddressOfEntryPoint.
    pub entry_point: u32,
    /// File offset of the security directory entry; `None` when NumberOfRvaAndSizes is below 5.
    pub security_entry_offset: Option<u64>,
    /// File offset and size of the certificate table as the directory states them; `None` without an entry.
    pub security_directory: Option<(u32, u32)>,
    /// Address and size of each data directory that NumberOfRvaAndSizes counts, at most 16; the fifth is the security directory's,
    /// as it stands.
    pub directories: Vec<(u32, u32)>,
    /// Section headers in file order.
    pub sections: Vec<Section>,
    /// File offset behind the section headers, and behind the data directories, whichever is later.
    pub headers_end: u64,
    /// SizeOfOptionalHeader ends before CheckSum or the security directory entry do, so that section headers may lie over them.
    pub overlaid: bool,
}

/// One section header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Section {
    /// VirtualAddress.
    pub virtual_address: u32,
    /// VirtualSize.
    pub virtual_size: u32,
    /// PointerToRawData.
    pub raw_offset: u32,
    /// SizeOfRawData.
    pub raw_size: u32,
}

impl Section {
    /// File offset behind the section's raw data.
    #[must_use]
    pub fn raw_end(&self) -> u64 {
        u64::from(self.raw_offset).saturating_add(u64::from(self.raw_size))
    }

    /// File offset from which the loader maps the section: it reads whole sectors. Source: "PE Format" (Microsoft), FileAlignment.
    fn mapped_from(&self) -> u64 {
        u64::from(self.raw_offset & !(SECTOR - 1))
    }

    /// File offset behind what the loader maps of the section, in pages of this size: nothing where PointerToRawData is 0, and
    /// no more than VirtualSize takes, which may be 0 for all of the raw data. Source: "PE Format" (Microsoft), Section Table.
    fn mapped_end(&self, page: u32) -> u64 {
        if self.raw_offset == 0 || self.raw_size == 0 {
            return 0;
        }
        let wanted = match u64::from(self.virtual_size) {
            0 => u64::from(self.raw_size),
            size => size.next_multiple_of(u64::from(page.max(1))),
        };
        u64::from(self.raw_offset).saturating_add(u64::from(self.raw_size).min(wanted))
    }
}

/// A part of a program's image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImagePart {
    /// Octets of a section.
    Section,
    /// The place where execution begins.
    Entry,
    /// What a data directory stands for: imports, callbacks, resources.
    Directory,
    /// Headers.
    Headers,
}

/// A sign by which a PE file is taken for a driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DriverSign {
    /// Subsystem is IMAGE_SUBSYSTEM_NATIVE.
    NativeSubsystem,
    /// DllCharacteristics has IMAGE_DLLCHARACTERISTICS_WDM_DRIVER.
    WdmFlag,
}

/// IMAGE_SUBSYSTEM_NATIVE.
const NATIVE: u16 = 1;
/// IMAGE_SUBSYSTEM_EFI_APPLICATION to IMAGE_SUBSYSTEM_EFI_ROM, and IMAGE_SUBSYSTEM_WINDOWS_BOOT_APPLICATION.
const FIRMWARE: [u16; 5] = [10, 11, 12, 13, 16];
/// IMAGE_FILE_DLL.
const LIBRARY: u16 = 0x2000;
/// IMAGE_DLLCHARACTERISTICS_WDM_DRIVER.
const WDM_DRIVER: u16 = 0x2000;

/// Octets of a sector.
const SECTOR: u32 = 512;
/// Octets of a page on x86, the smallest there are: below that in SectionAlignment, sections cannot be mapped one by one.
const LEAST_PAGE: u32 = 4096;

impl PeFacts {
    /// Why the file counts as a driver of Windows; empty when it does not.
    #[must_use]
    pub fn driver_signs(&self) -> Vec<DriverSign> {
        let native = (self.subsystem == NATIVE).then_some(DriverSign::NativeSubsystem);
        let flag = (self.dll_characteristics & WDM_DRIVER != 0).then_some(DriverSign::WdmFlag);
        native.into_iter().chain(flag).collect()
    }

    /// Whether it runs before there is a kernel.
    #[must_use]
    pub fn is_firmware(&self) -> bool {
        FIRMWARE.contains(&self.subsystem)
    }

    /// Whether it is for 32-bit x86.
    #[must_use]
    pub fn is_x86(&self) -> bool {
        self.machine == COFF_MACHINE_X86
    }

    /// RVA and size of the resource directory.
    #[must_use]
    pub fn resource_directory(&self) -> Option<(u32, u32)> {
        self.directory(RESOURCE)
    }

    /// RVA and size of the debug directory.
    #[must_use]
    pub fn debug_directory(&self) -> Option<(u32, u32)> {
        self.directory(DEBUG)
    }

    fn directory(&self, index: usize) -> Option<(u32, u32)> {
        self.directories.get(index).copied().filter(|(address, _)| *address != 0)
    }

    /// The certificate table as a range of file offsets, unclipped; `None` when there is none.
    #[must_use]
    pub fn certificate_table(&self) -> Option<Range<u64>> {
        let (offset, size) = self.security_directory.filter(|entry| *entry != (0, 0))?;
        let start = u64::from(offset);
        Some(start..start.saturating_add(u64::from(size)))
    }

    /// Whether what the digest leaves out is what it has to be: two fields that are nothing else, and a certificate table, if there
    /// is one, that is the end of a file of this length, of which the image takes nothing. Anything else could hide a part of the
    /// program from the digest.
    #[must_use]
    pub fn hides_nothing(&self, length: u64) -> bool {
        let in_place = |table: Range<u64>| table.end == length && self.image_in(&table).next().is_none();
        !self.overlaid && self.certificate_table().is_none_or(in_place)
    }

    /// What of the image lies in these octets of the file.
    pub fn image_in(&self, octets: &Range<u64>) -> impl Iterator<Item = ImagePart> + use<> {
        let page = self.page_size();
        let loads = |section: &Section| section.mapped_from() < octets.end && section.mapped_end(page) > octets.start;
        let parts = [
            (ImagePart::Section, self.sections.iter().any(loads)),
            (ImagePart::Entry, self.is_flat() && octets.contains(&u64::from(self.entry_point))),
            (ImagePart::Directory, self.is_flat() && self.has_directory_in(octets)),
            (ImagePart::Headers, self.headers_mapped_end() > octets.start),
        ];
        parts.into_iter().filter(|(_, there)| *there).map(|(part, _)| part)
    }

    /// Whether the loader maps the file as it stands, whatever its sections say, so that offsets are addresses: it does below a
    /// page of SectionAlignment. Firmware maps by sections, but as a library anything is loaded by Windows, whose loader of
    /// libraries asks for no Subsystem. Source: "PE Format" (Microsoft), SectionAlignment.
    fn is_flat(&self) -> bool {
        let for_firmware = self.is_firmware() && self.characteristics & LIBRARY == 0;
        self.section_alignment < LEAST_PAGE && !for_firmware
    }

    /// Whether a data directory's octets begin or reach there, addresses being offsets. The security directory has no address.
    fn has_directory_in(&self, octets: &Range<u64>) -> bool {
        let reaches = |(address, size): (u32, u32)| {
            let start = u64::from(address);
            address != 0 && start < octets.end && start.saturating_add(u64::from(size.max(1))) > octets.start
        };
        self.directories.iter().enumerate().any(|(index, entry)| index != SECURITY && reaches(*entry))
    }

    /// File offset behind the headers, as far as the loader maps or reads them.
    fn headers_mapped_end(&self) -> u64 {
        self.headers_end.max(u64::from(self.size_of_headers))
    }

    /// What Authenticode never hashes: CheckSum, the security directory entry, the certificate table.
    #[must_use]
    pub fn excluded_ranges(&self) -> Vec<Range<u64>> {
        let mut excluded = vec![self.checksum_offset..self.checksum_offset.saturating_add(4)];
        excluded.extend(self.security_entry_offset.map(|entry| entry..entry.saturating_add(8)));
        excluded.extend(self.certificate_table());
        excluded
    }

    /// Size of a page in page hashes: 8192 on IA-64, else 4096, never SectionAlignment.
    #[must_use]
    pub fn page_size(&self) -> u32 {
        if self.machine == COFF_MACHINE_IA64 { 8192 } else { 4096 }
    }

    /// The ranges of the section-sorted digest (headers, sections by PointerToRawData, rest), when they differ
    /// from the linear order, and their total is no more than `budget` bytes.
    #[must_use]
    pub fn section_sorted_ranges(&self, length: u64, budget: u64) -> Option<Vec<Range<u64>>> {
        let end = self.certificate_table().map_or(length, |table| table.start.min(length));
        let headers = u64::from(self.size_of_headers);
        let mut sections: Vec<_> = self.sections.iter().filter(|section| section.raw_size > 0).collect();
        sections.sort_by_key(|section| section.raw_offset);
        let mut ranges: Vec<Range<u64>> = vec![0..headers.min(end)];
        let mut hashed = headers;
        let mut contiguous = true;
        for section in sections {
            contiguous &= u64::from(section.raw_offset) == hashed;
            ranges.push(u64::from(section.raw_offset).min(end)..section.raw_end().min(end));
            hashed = hashed.saturating_add(u64::from(section.raw_size));
        }
        if contiguous || hashed > budget {
            return None;
        }
        ranges.push(hashed.min(end)..end);
        Some(ranges)
    }
}

/// Offsets within the optional header. Source: Microsoft PE format, "Optional Header (Image Only)".
const CHECKSUM: usize = 64;
const SIZE_OF_HEADERS: usize = 60;
const ENTRY_POINT: usize = 16;
const SECTION_ALIGNMENT: usize = 32;
const SUBSYSTEM: usize = 68;
const DLL_CHARACTERISTICS: usize = 70;
const RESOURCE: usize = 2;
const SECURITY: usize = 4;
const DEBUG: usize = 6;

/// Octets in which the headers of nearly all PE files lie.
const HEAD: usize = 4096;

/// Reads the headers of a file that starts with MZ and has its PE mark; `None` when the optional header's
/// magic is neither PE32 nor PE32+ or its fixed fields are cut off.
pub(super) fn read(source: &dyn Source, anomalies: &mut Vec<Anomaly>) -> io::Result<Option<PeFacts>> {
    let head = read_up_to(source, 0, HEAD)?;
    let source: &dyn Source = &Headed::new(&head, source);
    let Some(pointer) = read_exact_at(source, 0x3c, 4)?.and_then(|bytes| u32_at(&bytes, 0)) else { return Ok(None) };
    let pe = u64::from(pointer);
    // 4 mark + 20 COFF + up to 112 fixed fields + 16 directories.
    let bytes = read_up_to(source, pe, 4 + 20 + 112 + 128)?;
    let mut offset = 4usize;
    let Ok(coff) = CoffHeader::parse(&bytes, &mut offset) else { return Ok(None) };
    let optional = bytes.get(offset..).unwrap_or(&[]);
    let optional_offset = pe.saturating_add(offset as u64);
    let (is_64, count_at) = match u16_at(optional, 0) {
        Some(MAGIC_32) => (false, 92usize),
        Some(MAGIC_64) => (true, 108usize),
        _ => return Ok(None),
    };
    let directories_at = count_at.saturating_add(4);
    let (Some(checksum), Some(size_of_headers), Some(subsystem)) =
        (u32_at(optional, CHECKSUM), u32_at(optional, SIZE_OF_HEADERS), u16_at(optional, SUBSYSTEM))
    else {
        return Ok(None);
    };
    // A header cut off before the count has no directories.
    let count = u32_at(optional, count_at).unwrap_or(0);
    if count > 16 {
        let message = format!("NumberOfRvaAndSizes is {count}; the loader reads 16");
        anomalies.push(Anomaly::at("directory-count", message, optional_offset.saturating_add(count_at as u64)));
    }
    let directories = directories(optional.get(directories_at..).unwrap_or(&[]), count);
    let directories_end = directories_at.saturating_add(directories.len().saturating_mul(8)) as u64;
    let security_entry = directories_at.saturating_add(SECURITY * 8) as u64;
    let mut security_directory = directories.get(SECURITY).copied();
    // Where the optional header states a size that ends before the entry, and the entry leads out of the file,
    // these bytes are other header fields laid over it (hand-made tiny images) and no directory entry. Either
    // sign alone is not enough: a signature must not vanish because one field was changed.
    let stated_end = u64::from(coff.size_of_optional_header);
    let beyond = security_entry.saturating_add(8) > stated_end;
    let outside = security_directory.is_some_and(|entry| u64::from(entry.0) >= source.len() && entry != (0, 0));
    if outside && beyond {
        let message = "the security directory entry lies behind the optional header and leads out of the file";
        anomalies.push(Anomaly::at("directory-overlaid", message, optional_offset.saturating_add(security_entry)));
        security_directory = None;
    }
    let sections_at = optional_offset.saturating_add(stated_end);
    let sections_end = sections_at.saturating_add(u64::from(coff.number_of_sections).saturating_mul(40));
    Ok(Some(PeFacts {
        machine: coff.machine,
        is_64,
        timestamp: coff.time_date_stamp,
        characteristics: coff.characteristics,
        subsystem,
        dll_characteristics: u16_at(optional, DLL_CHARACTERISTICS).unwrap_or(0),
        checksum,
        checksum_offset: optional_offset.saturating_add(CHECKSUM as u64),
        size_of_headers,
        section_alignment: u32_at(optional, SECTION_ALIGNMENT).unwrap_or(0),
        entry_point: u32_at(optional, ENTRY_POINT).unwrap_or(0),
        security_entry_offset: security_directory.map(|_| optional_offset.saturating_add(security_entry)),
        overlaid: stated_end < (CHECKSUM as u64).saturating_add(4) || (beyond && security_directory.is_some()),
        security_directory,
        directories,
        sections: sections(source, sections_at, coff.number_of_sections, anomalies)?,
        headers_end: sections_end.max(optional_offset.saturating_add(directories_end)),
    }))
}

/// The data directories, as far as they are counted and there: the loader knows 16.
fn directories(bytes: &[u8], count: u32) -> Vec<(u32, u32)> {
    let mut at = 0usize;
    let mut next = || DataDirectory::parse(bytes, &mut at).ok();
    let entries = (0..count.min(16)).map_while(|_| next());
    entries.map(|entry| (entry.virtual_address, entry.size)).collect()
}

/// Section headers: 40 bytes each, at most 65,535 of them because the count has 16 bits.
fn sections(source: &dyn Source, at: u64, count: u16, anomalies: &mut Vec<Anomaly>) -> io::Result<Vec<Section>> {
    let bytes = read_up_to(source, at, usize::from(count).saturating_mul(40))?;
    let list: Vec<Section> = bytes
        .chunks_exact(40)
        .filter_map(|header| {
            Some(Section {
                virtual_size: u32_at(header, 8)?,
                virtual_address: u32_at(header, 12)?,
                raw_size: u32_at(header, 16)?,
                raw_offset: u32_at(header, 20)?,
            })
        })
        .collect();
    if list.len() < usize::from(count) {
        let message = format!("{count} sections are announced and {} are in the file", list.len());
        anomalies.push(Anomaly::at("section-table-truncated", message, at));
    }
    Ok(list)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk::<2>().map(|chunk| u16::from_le_bytes(*chunk))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk::<4>().map(|chunk| u32::from_le_bytes(*chunk))
}
