//! The version resource: what a PE file says it is.
//!
//! Nothing here is signed truth; it is read because forgers copy or invent it. Source: Microsoft, "PE Format",
//! section ".rsrc", and the structures VS_VERSIONINFO, StringFileInfo, StringTable, String, VS_FIXEDFILEINFO.
//!
//! Bounds: three directory levels, [`MAX_ENTRIES`] entries looked at in each, [`MAX_DATA`] octets of data, no
//! recursion; the strings are walked once, forwards.

use std::io;

use super::headers::Section;
use crate::crypto::{DigestAlgorithm, digest};

/// Resource type RT_VERSION (winuser.h).
const RT_VERSION: u32 = 16;

/// Entries looked at in one directory. RT_VERSION is the sixteenth type at most when types are sorted, as the
/// format demands, and version resources have one name and few languages.
const MAX_ENTRIES: usize = 64;

/// Octets read of the resource's data. The block's own length field has 16 bits, so no more can be meant.
const MAX_DATA: usize = 0xffff;

/// VS_FIXEDFILEINFO.dwSignature (verrsrc.h).
const FIXED_FILE_INFO_SIGNATURE: u32 = 0xfeef_04bd;

/// High bit of a directory entry's fields: the name is text, or the offset leads to another directory.
const HIGH_BIT: u32 = 0x8000_0000;

impl Section {
    /// The file offset of an RVA and how many octets of the file follow it in this section. The loader maps no more
    /// than the virtual size, rounded up to pages.
    fn available(&self, rva: u32) -> Option<(u64, u32)> {
        let delta = rva.checked_sub(self.virtual_address)?;
        let pages = match self.virtual_size {
            0 => self.raw_size,
            size => size.checked_next_multiple_of(0x1000).unwrap_or(u32::MAX),
        };
        let available = self.raw_size.min(pages).checked_sub(delta).filter(|available| *available > 0)?;
        Some((u64::from(self.raw_offset).checked_add(u64::from(delta))?, available))
    }
}

/// The fields of a version resource that identify a file. A string that is absent or empty is `None`; if there
/// are several languages, the first one that has the string counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VersionInfo {
    /// CompanyName.
    pub company_name: Option<String>,
    /// ProductName.
    pub product_name: Option<String>,
    /// FileDescription.
    pub file_description: Option<String>,
    /// OriginalFilename.
    pub original_filename: Option<String>,
    /// InternalName.
    pub internal_name: Option<String>,
    /// FileVersion, the text.
    pub file_version: Option<String>,
    /// LegalCopyright.
    pub legal_copyright: Option<String>,
    /// VS_FIXEDFILEINFO.dwFileVersionMS and dwFileVersionLS: major, minor, build, revision.
    pub fixed_file_version: Option<[u16; 4]>,
    /// SHA-256 of the resource's data (of the first [`MAX_DATA`] octets, and of what the file has of them).
    pub resource_sha256: [u8; 32],
}

/// Finds and reads the first version resource; `None` when there is none that can be reached.
///
/// `resource_rva` is the resource table's data directory entry; that entry's size is not asked for, because Windows
/// finds resources whatever it says, zero included. `read(offset, len)` returns up to `len` octets at a file offset, fewer only at the end of the file; its errors are passed on, and are the
/// only errors.
pub fn version_info(
    sections: &[Section],
    resource_rva: u32,
    read: &mut dyn FnMut(u64, usize) -> io::Result<Vec<u8>>,
) -> io::Result<Option<VersionInfo>> {
    if resource_rva == 0 {
        return Ok(None);
    }
    let mut image = Image { sections, read };
    // Type, name, language: the levels are fixed, so a directory that points back at itself is no loop.
    let Some(names) = image.entry(resource_rva, 0, |id| id == RT_VERSION, true)? else { return Ok(None) };
    let Some(languages) = image.entry(resource_rva, names, |_| true, true)? else { return Ok(None) };
    let Some(leaf) = image.entry(resource_rva, languages, |_| true, false)? else { return Ok(None) };
    // IMAGE_RESOURCE_DATA_ENTRY: OffsetToData (an RVA), Size, CodePage, Reserved.
    let Some(entry_rva) = resource_rva.checked_add(leaf) else { return Ok(None) };
    let entry = image.bytes(entry_rva, 16)?;
    let (Some(data_rva), Some(size)) = (dword(&entry, 0), dword(&entry, 4)) else { return Ok(None) };
    let size = usize::try_from(size).unwrap_or(MAX_DATA).min(MAX_DATA);
    let data = image.bytes(data_rva, size)?;
    Ok(if data.is_empty() { None } else { Some(decode(&data)) })
}

/// A PE file by RVA.
struct Image<'a> {
    sections: &'a [Section],
    read: &'a mut dyn FnMut(u64, usize) -> io::Result<Vec<u8>>,
}

impl Image<'_> {
    /// Up to `len` octets at an RVA; fewer at the end of the section's raw data, none outside all sections.
    fn bytes(&mut self, rva: u32, len: usize) -> io::Result<Vec<u8>> {
        // Where sections overlap, the one that starts last was mapped last.
        let holds = self.sections.iter().filter(|section| section.available(rva).is_some());
        let place = holds.max_by_key(|section| section.virtual_address).and_then(|section| section.available(rva));
        let Some((offset, available)) = place else { return Ok(Vec::new()) };
        let len = len.min(usize::try_from(available).unwrap_or(usize::MAX));
        let mut bytes = (self.read)(offset, len)?;
        bytes.truncate(len);
        Ok(bytes)
    }

    /// The offset field, without its high bit, of the first numbered entry in the directory at `offset` whose
    /// number is `wanted` and which leads to a directory or to data as asked. For the type level only numbers
    /// count; on the others names would do as well, but version resources are numbered there too (`VS_VERSION_INFO`
    /// is 1), so names are taken when there are no numbers.
    fn entry(
        &mut self,
        root: u32,
        offset: u32,
        wanted: impl Fn(u32) -> bool,
        directory: bool,
    ) -> io::Result<Option<u32>> {
        // IMAGE_RESOURCE_DIRECTORY: 12 octets, NumberOfNamedEntries, NumberOfIdEntries.
        let Some(start) = root.checked_add(offset) else { return Ok(None) };
        let header = self.bytes(start, 16)?;
        let (Some(named), Some(numbered)) = (word(&header, 12), word(&header, 14)) else { return Ok(None) };
        // Names stand before numbers; those of the type level are stepped over however many there are.
        let (skip, count) = if numbered == 0 { (0, named) } else { (named, numbered) };
        let skip = u32::from(skip).saturating_mul(8).saturating_add(16);
        let Some(start) = start.checked_add(skip) else { return Ok(None) };
        let count = usize::from(count).min(MAX_ENTRIES);
        let entries = self.bytes(start, count.saturating_mul(8))?;
        Ok(entries.chunks_exact(8).find_map(|entry| {
            let (id, target) = (dword(entry, 0)?, dword(entry, 4)?);
            let fits = wanted(id) && (target & HIGH_BIT != 0) == directory;
            fits.then_some(target & !HIGH_BIT)
        }))
    }
}

/// Reads the data of a version resource. Data that is no version resource leaves only its hash.
fn decode(data: &[u8]) -> VersionInfo {
    let mut info = VersionInfo::default();
    if let Some(value) = digest(DigestAlgorithm::Sha256, data) {
        info.resource_sha256 = value.as_bytes().try_into().unwrap_or_default();
    }
    let Some(root) = Blocks::new(data, 0, data.len()).next().filter(|root| root.key == "VS_VERSION_INFO") else {
        return info;
    };
    info.fixed_file_version = fixed_file_version(root.value);
    for file_info in root.children().filter(|block| block.key == "StringFileInfo") {
        for table in file_info.children() {
            for string in table.children() {
                let field = match string.key.as_str() {
                    "CompanyName" => &mut info.company_name,
                    "ProductName" => &mut info.product_name,
                    "FileDescription" => &mut info.file_description,
                    "OriginalFilename" => &mut info.original_filename,
                    "InternalName" => &mut info.internal_name,
                    "FileVersion" => &mut info.file_version,
                    "LegalCopyright" => &mut info.legal_copyright,
                    _ => continue,
                };
                if field.is_none() {
                    *field = string.text().filter(|text| !text.is_empty());
                }
            }
        }
    }
    info
}

/// VS_FIXEDFILEINFO: dwSignature, dwStrucVersion, dwFileVersionMS, dwFileVersionLS, ...
fn fixed_file_version(value: &[u8]) -> Option<[u16; 4]> {
    if dword(value, 0)? != FIXED_FILE_INFO_SIGNATURE {
        return None;
    }
    // Each half is a little-endian 32-bit number whose high word comes first in the version.
    Some([word(value, 10)?, word(value, 8)?, word(value, 14)?, word(value, 12)?])
}

/// One block of the version resource. All of its structures share one shape:
///
/// ```c
/// WORD wLength; WORD wValueLength; WORD wType; WCHAR szKey[]; WORD Padding1[]; Value; WORD Padding2[]; Children[];
/// ```
///
/// where paddings align to 32 bits from the start of the resource.
struct Block<'a> {
    data: &'a [u8],
    key: String,
    value: &'a [u8],
    /// wValueLength is not zero.
    has_value: bool,
    /// Where the key's padding ends: the first octet of the value.
    value_start: usize,
    /// Where the value's padding ends.
    children_start: usize,
    end: usize,
}

impl<'a> Block<'a> {
    fn children(&self) -> Blocks<'a> {
        Blocks::new(self.data, self.children_start, self.end)
    }

    /// The value of a String. wValueLength counts 16-bit units, but some resource compilers count octets; the
    /// block's end and the terminating zero are what they agree on.
    fn text(&self) -> Option<String> {
        let octets = self.data.get(self.value_start..self.end)?;
        self.has_value.then(|| utf16_until_zero(octets).0)
    }
}

/// Walks sibling blocks. Each step moves forward by at least a header, so every walk ends.
struct Blocks<'a> {
    data: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Blocks<'a> {
    fn new(data: &'a [u8], at: usize, end: usize) -> Self {
        Blocks { data, at, end: end.min(data.len()) }
    }
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Block<'a>;

    fn next(&mut self) -> Option<Block<'a>> {
        let start = self.at;
        let length = usize::from(word(self.data, start)?);
        let value_length = usize::from(word(self.data, start.checked_add(2)?)?);
        let key_start = start.checked_add(6)?;
        // A length that ends before the key is no block, and neither is what follows it.
        let end = start.checked_add(length)?.min(self.end);
        let (key, key_len) = utf16_until_zero(self.data.get(key_start..end)?);
        self.at = aligned(start.checked_add(length)?)?;

        let value_start = aligned(key_start.checked_add(key_len)?)?.min(end);
        // Octets: only the String blocks count in 16-bit units, and they have no children and their own reader.
        let value_end = value_start.checked_add(value_length)?.min(end);
        let value = self.data.get(value_start..value_end)?;
        let children_start = aligned(value_end)?;
        let has_value = value_length != 0;
        Some(Block { data: self.data, key, value, has_value, value_start, children_start, end })
    }
}

/// The next multiple of four.
fn aligned(offset: usize) -> Option<usize> {
    offset.checked_next_multiple_of(4)
}

/// UTF-16LE text up to a zero or the end, with replacement characters for lone surrogates, and its length in octets
/// with the zero.
fn utf16_until_zero(octets: &[u8]) -> (String, usize) {
    let units = || octets.chunks_exact(2).map(|pair| word(pair, 0).unwrap_or(0)).take_while(|unit| *unit != 0);
    let text = char::decode_utf16(units()).map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    (text, units().count().saturating_add(1).saturating_mul(2).min(octets.len()))
}

/// A little-endian 16-bit number.
fn word(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|octets| u16::from_le_bytes(*octets))
}

/// A little-endian 32-bit number.
fn dword(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|octets| u32::from_le_bytes(*octets))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects)] // tests may overflow: they would panic, and fail

    use super::*;

    const RVA: u32 = 0x3000;
    const RAW: usize = 0x400;

    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    fn pad(bytes: &mut Vec<u8>) {
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }

    /// A block; `value_len` in the unit that its type has.
    fn block(key: &str, is_text: bool, value: &[u8], value_len: usize, children: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = vec![0; 6];
        bytes.extend(utf16(key));
        bytes.extend([0, 0]);
        pad(&mut bytes);
        bytes.extend(value);
        for child in children {
            pad(&mut bytes);
            bytes.extend(child);
        }
        let length = bytes.len() as u16;
        bytes[..2].copy_from_slice(&length.to_le_bytes());
        bytes[2..4].copy_from_slice(&(value_len as u16).to_le_bytes());
        bytes[4] = u8::from(is_text);
        bytes
    }

    fn string(key: &str, text: &str) -> Vec<u8> {
        let value = utf16(&format!("{text}\0"));
        block(key, true, &value, value.len() / 2, &[])
    }

    fn version_block(tables: &[Vec<u8>]) -> Vec<u8> {
        let mut fixed = vec![0; 52];
        fixed[..4].copy_from_slice(&FIXED_FILE_INFO_SIGNATURE.to_le_bytes());
        fixed[8..16].copy_from_slice(&[0, 0, 10, 0, 0xb0, 0x03, 0x61, 0x4a]);
        let var = block("VarFileInfo", true, &[], 0, &[block("Translation", false, &[9, 4, 0xb0, 4], 4, &[])]);
        let strings = block("StringFileInfo", true, &[], 0, tables);
        block("VS_VERSION_INFO", false, &fixed, 52, &[var, strings])
    }

    fn usual() -> Vec<u8> {
        let strings = [
            string("CompanyName", "Example \u{1f600} GmbH"),
            string("FileDescription", ""),
            string("FileVersion", "10.0.19041.944 (build)"),
            string("OriginalFilename", "a.exe"),
            string("Unknown", "x"),
        ];
        let english = block("040904B0", true, &[], 0, &strings);
        let german =
            block("040704B0", true, &[], 0, &[string("ProductName", "P"), string("OriginalFilename", "b.exe")]);
        version_block(&[english, german])
    }

    fn directory(named: u16, entries: &[(u32, u32)]) -> Vec<u8> {
        let mut bytes = vec![0; 12];
        bytes.extend(named.to_le_bytes());
        bytes.extend((entries.len() as u16 - named).to_le_bytes());
        for (id, target) in entries {
            bytes.extend(id.to_le_bytes());
            bytes.extend(target.to_le_bytes());
        }
        bytes
    }

    /// A resource section: types (one of them named, one another number), names, languages, data entry, data.
    fn section(data: &[u8]) -> Vec<u8> {
        let mut bytes = directory(1, &[(HIGH_BIT | 0x500, HIGH_BIT), (3, HIGH_BIT), (RT_VERSION, HIGH_BIT | 40)]);
        bytes.extend(directory(0, &[(1, HIGH_BIT | 64)]));
        bytes.extend(directory(0, &[(0x409, 88)]));
        bytes.extend((RVA + 104).to_le_bytes());
        bytes.extend((data.len() as u32).to_le_bytes());
        bytes.extend([0; 8]);
        assert_eq!(bytes.len(), 104);
        bytes.extend(data);
        bytes
    }

    /// Runs over a file whose only section holds these bytes; also counts what was read.
    fn run(section: &[u8]) -> (Option<VersionInfo>, usize) {
        let file = [vec![0xee; RAW], section.to_vec(), vec![0xee; 64]].concat();
        let size = section.len() as u32;
        let sections = [
            Section { virtual_address: 0x1000, virtual_size: 0x1000, raw_offset: 0x200, raw_size: 0x200 },
            Section { virtual_address: RVA, virtual_size: size, raw_offset: RAW as u32, raw_size: size },
        ];
        let mut total = 0;
        let mut read = |offset: u64, len: usize| {
            total += len;
            let rest = file.get(offset as usize..).unwrap_or(&[]);
            Ok(rest[..len.min(rest.len())].to_vec())
        };
        let info = version_info(&sections, RVA, &mut read).unwrap();
        (info, total)
    }

    #[test]
    fn a_usual_resource_is_read() {
        let data = usual();
        let info = run(&section(&data)).0.unwrap();
        assert_eq!(info.company_name.as_deref(), Some("Example \u{1f600} GmbH"));
        assert_eq!(info.product_name.as_deref(), Some("P"));
        assert_eq!(info.file_description, None);
        assert_eq!(info.original_filename.as_deref(), Some("a.exe"));
        assert_eq!(info.file_version.as_deref(), Some("10.0.19041.944 (build)"));
        assert_eq!(info.legal_copyright, None);
        assert_eq!(info.fixed_file_version, Some([10, 0, 19041, 944]));
        assert_eq!(info.resource_sha256, digest(DigestAlgorithm::Sha256, &data).unwrap().as_bytes());
    }

    #[test]
    fn value_lengths_in_octets_and_lone_surrogates_are_tolerated() {
        let value = utf16("Example\0");
        let in_octets = block("CompanyName", true, &value, value.len(), &[]);
        let lone = block("ProductName", true, &[0x00, 0xd8, 0x41, 0x00], 2, &[]);
        let data = version_block(&[block("040904B0", true, &[], 0, &[in_octets, lone])]);
        let info = run(&section(&data)).0.unwrap();
        assert_eq!(info.company_name.as_deref(), Some("Example"));
        assert_eq!(info.product_name.as_deref(), Some("\u{fffd}A"));
    }

    #[test]
    fn data_that_is_no_version_resource_leaves_its_hash() {
        let info = run(&section(b"not a version resource")).0.unwrap();
        let hash = digest(DigestAlgorithm::Sha256, b"not a version resource").unwrap();
        assert_eq!(info.resource_sha256, hash.as_bytes());
        assert_eq!(VersionInfo { resource_sha256: [0; 32], ..info }, VersionInfo::default());
    }

    #[test]
    fn directories_that_loop_or_lead_nowhere_end() {
        // Every level points back at the root; the root's entries are all directories, so no data is found.
        let looping = directory(0, &[(RT_VERSION, HIGH_BIT)]);
        assert_eq!(run(&looping).0, None);
        // Data where a directory belongs, directories outside, offsets that overflow, nothing at all.
        for target in [0, 16, HIGH_BIT | 0x7fff_ffff, HIGH_BIT | 0x1000, 0x7fff_ffff] {
            assert_eq!(run(&directory(0, &[(RT_VERSION, target)])).0, None);
        }
        assert_eq!(run(&[]).0, None);
        assert_eq!(run(&[0xff; 4096]).0, None);
        // The type after more entries than are looked at.
        let mut entries = vec![(1, HIGH_BIT); MAX_ENTRIES];
        entries.push((RT_VERSION, HIGH_BIT | 40));
        assert_eq!(run(&directory(0, &entries)).0, None);
    }

    #[test]
    fn the_section_that_starts_last_holds_the_octet() {
        let section = |virtual_address, virtual_size, raw_offset, raw_size| Section {
            virtual_address,
            virtual_size,
            raw_offset,
            raw_size,
        };
        let sections = [section(0x1000, 0x5000, 0x200, 0x5000), section(0x3000, 0x800, 0x8000, 0x4000)];
        let mut seen = Vec::new();
        let mut read = |offset: u64, len: usize| {
            seen.push((offset, len));
            Ok(vec![0; len])
        };
        let mut image = Image { sections: &sections, read: &mut read };
        for (rva, len) in
            [(0x2ff8, 8), (0x2ff8, 16), (0x3000, 16), (0x3ff8, 16), (0x4000, 16), (0x5fff, 16), (0x6000, 16)]
        {
            image.bytes(rva, len).unwrap();
        }
        let expected = [(0x21f8, 8), (0x21f8, 16), (0x8000, 16), (0x8ff8, 8), (0x3200, 16), (0x51ff, 1)];
        assert_eq!(seen, expected);
    }

    #[test]
    fn every_cut_ends_and_reads_little() {
        let whole = section(&usual());
        for cut in 0..whole.len() {
            let (info, total) = run(&whole[..cut]);
            assert!(total <= 3 * (16 + 8 * MAX_ENTRIES) + 16 + MAX_DATA);
            assert_eq!(info.is_some(), cut > 104);
        }
    }

    #[test]
    fn every_changed_octet_ends() {
        let whole = section(&usual());
        for position in 0..whole.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut changed = whole.clone();
                changed[position] = value;
                run(&changed);
            }
        }
    }

    #[test]
    fn block_lengths_of_zero_and_beyond_the_end_terminate() {
        for length in [0u16, 1, 5, 6, 7, 0xffff] {
            let mut data = usual();
            data[..2].copy_from_slice(&length.to_le_bytes());
            let _ = run(&section(&data));
            // A table full of blocks that claim this length.
            let strings = vec![length.to_le_bytes()[0]; 0x8000];
            let table = block("040904B0", true, &strings, 0, &[]);
            let _ = run(&section(&version_block(&[table])));
        }
        // All zeros, all ones, and a size field far beyond the file.
        assert!(run(&section(&[0; 0x1_0000])).0.is_some());
        assert!(run(&section(&[0xff; 0x1_0000])).0.is_some());
        let mut huge = section(&usual());
        huge[92..96].copy_from_slice(&[0xff; 4]);
        assert_eq!(run(&huge).0.unwrap().original_filename.as_deref(), Some("a.exe"));
    }

    #[test]
    fn read_errors_are_passed_on_and_absent_directories_are_not_read() {
        let sections = [Section { virtual_address: RVA, virtual_size: 64, raw_offset: 0, raw_size: 64 }];
        let mut fail = |_: u64, _: usize| Err(io::Error::other("gone"));
        assert!(version_info(&sections, RVA, &mut fail).is_err());
        assert_eq!(version_info(&sections, 0, &mut fail).unwrap(), None);
        assert_eq!(version_info(&[], RVA, &mut fail).unwrap(), None);
        assert_eq!(version_info(&sections, u32::MAX, &mut fail).unwrap(), None);
    }
}
