//! Small PE files (PE format specification), their linear Authenticode digest, and certificate tables in every state.

use super::cms::Signature;
use super::keys::Hash;
use super::version::{self, Version};

/// WIN_CERTIFICATE revisions and types (wintrust.h).
pub const REVISION_1: u16 = 0x0100;
pub const REVISION_2: u16 = 0x0200;
pub const TYPE_X509: u16 = 1;
pub const TYPE_PKCS7: u16 = 2;
pub const TYPE_EFI_GUID: u16 = 0x0ef1;

pub const I386: u16 = 0x014c;
pub const AMD64: u16 = 0x8664;
pub const IA64: u16 = 0x0200;

/// A row of the section table and the bytes that it stands for.
#[derive(Clone)]
pub struct Section {
    pub name: &'static str,
    pub address: u32,
    pub virtual_size: u32,
    pub raw: u32,
    pub size: u32,
    /// Written at `raw`; the rest of `size` is filled.
    pub content: Vec<u8>,
}

/// A PE file that is about to be written.
#[derive(Clone)]
pub struct Pe {
    /// PE32+ instead of PE32: decides the layout of the optional header, whatever `machine` claims.
    pub wide: bool,
    pub machine: u16,
    /// 1 native, 3 console, 10 EFI application.
    pub subsystem: u16,
    /// TimeDateStamp.
    pub built: u32,
    pub e_lfanew: u32,
    /// NumberOfRvaAndSizes, as written and as many as there are.
    pub directories: u32,
    /// Octets between the last directory and the section table, counted by SizeOfOptionalHeader.
    pub optional_extra: u16,
    pub alignment: (u32, u32),
    pub header_size: u32,
    pub sections: Vec<Section>,
    pub overlay: Vec<u8>,
}

impl Pe {
    /// Two kilobytes: headers, a page of code that returns at once, a version resource.
    pub fn pe32() -> Pe {
        Pe {
            wide: false,
            machine: I386,
            subsystem: 3,
            built: 0x6600_0000,
            e_lfanew: 0x80,
            directories: 16,
            optional_extra: 0,
            alignment: (0x1000, 0x200),
            header_size: 0x200,
            sections: vec![code(0x1000, 0x200, 0x200), resources(0x2000, 0x400, 0x400)],
            overlay: Vec::new(),
        }
    }

    pub fn pe64() -> Pe {
        Pe { wide: true, machine: AMD64, ..Pe::pe32() }
    }

    /// The file, unsigned and without CheckSum.
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = vec![0; self.header_size as usize];
        for section in &self.sections {
            let (start, end) = (section.raw as usize, (section.raw + section.size) as usize);
            out.resize(out.len().max(end), 0);
            out[start..end].fill(0xcc);
            out[start..start + section.content.len()].copy_from_slice(&section.content);
        }
        let headers = self.headers();
        out[..2].copy_from_slice(b"MZ");
        out[self.e_lfanew as usize..][..headers.len()].copy_from_slice(&headers);
        put32(&mut out, 0x3c, self.e_lfanew);
        out.extend(&self.overlay);
        out
    }

    fn headers(&self) -> Vec<u8> {
        let optional = self.optional_header();
        let mut out = b"PE\0\0".to_vec();
        out.extend(self.machine.to_le_bytes());
        out.extend((self.sections.len() as u16).to_le_bytes());
        out.extend(self.built.to_le_bytes());
        out.extend([0; 8]);
        out.extend((optional.len() as u16).to_le_bytes());
        out.extend(0x0022u16.to_le_bytes());
        out.extend(optional);
        for section in &self.sections {
            let mut name = section.name.as_bytes().to_vec();
            name.resize(8, 0);
            out.extend(name);
            for word in [section.virtual_size, section.address, section.size, section.raw, 0, 0, 0, 0x6000_0020] {
                out.extend(word.to_le_bytes());
            }
        }
        out
    }

    fn optional_header(&self) -> Vec<u8> {
        let mut out = if self.wide { vec![0x0b, 0x02] } else { vec![0x0b, 0x01] };
        out.extend([14, 0]);
        let base = self.e_lfanew.min(0x1000);
        for word in [0x200, 0x400, 0, 0x1000, base] {
            out.extend(u32::to_le_bytes(word));
        }
        if self.wide {
            out.extend(0x1_4000_0000u64.to_le_bytes());
        } else {
            out.extend([0x2000u32, 0x0040_0000].into_iter().flat_map(u32::to_le_bytes));
        }
        let image_size = self.sections.iter().map(|s| s.address + s.virtual_size.next_multiple_of(0x1000)).max();
        for word in [self.alignment.0, self.alignment.1, 6, 0, 6, 0, image_size.unwrap_or(0x1000), self.header_size, 0]
        {
            out.extend(word.to_le_bytes());
        }
        out.extend(self.subsystem.to_le_bytes());
        out.extend(0x8160u16.to_le_bytes());
        for size in [0x10_0000u64, 0x1000, 0x10_0000, 0x1000] {
            let bytes = size.to_le_bytes();
            out.extend(if self.wide { &bytes[..] } else { &bytes[..4] });
        }
        out.extend(0u32.to_le_bytes());
        out.extend(self.directories.to_le_bytes());
        for index in 0..self.directories {
            let resource = self.sections.iter().find(|section| index == 2 && section.name == ".rsrc");
            let (address, size) = resource.map_or((0, 0), |section| (section.address, section.virtual_size));
            out.extend([address, size].into_iter().flat_map(u32::to_le_bytes));
        }
        out.resize(out.len() + self.optional_extra as usize, 0);
        out
    }
}

/// A code section: `xor eax, eax; ret`, a word of explanation, breakpoints.
pub fn code(address: u32, raw: u32, size: u32) -> Section {
    let content = b"\x31\xc0\xc3 A file made to be judged, not to be run.".to_vec();
    Section { name: ".text", address, virtual_size: size, raw, size, content }
}

pub fn resources(address: u32, raw: u32, size: u32) -> Section {
    resources_of(address, raw, size, &version::FIXTURE)
}

/// A resource section with this version resource.
pub fn resources_of(address: u32, raw: u32, size: u32, version: &Version) -> Section {
    let content = version.resource_section(address);
    Section { name: ".rsrc", address, virtual_size: content.len() as u32, raw, size, content }
}

pub fn put32(bytes: &mut [u8], offset: usize, value: u32) {
    bytes[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
}

pub fn put16(bytes: &mut [u8], offset: usize, value: u16) {
    bytes[offset..offset + 2].copy_from_slice(&value.to_le_bytes());
}

fn get16(bytes: &[u8], offset: usize) -> usize {
    u16::from_le_bytes([bytes[offset], bytes[offset + 1]]).into()
}

fn get32(bytes: &[u8], offset: usize) -> usize {
    u32::from_le_bytes(bytes[offset..offset + 4].try_into().unwrap()) as usize
}

/// Where a finished file keeps what Authenticode leaves out.
pub struct Offsets {
    optional: usize,
    pub checksum: usize,
    /// The security directory's entry, if NumberOfRvaAndSizes counts it.
    pub directory: Option<usize>,
    pub directory_count: usize,
}

impl Offsets {
    pub fn of(file: &[u8]) -> Offsets {
        let optional = get32(file, 0x3c) + 24;
        let directory_count = optional + if get16(file, optional) == 0x20b { 108 } else { 92 };
        let directory = (get32(file, directory_count) >= 5).then_some(directory_count + 4 + 4 * 8);
        Offsets { optional, checksum: optional + 64, directory, directory_count }
    }

    pub fn header_size(&self, file: &[u8]) -> usize {
        get32(file, self.optional + 60)
    }

    /// (PointerToRawData, SizeOfRawData) of each section.
    pub fn sections(&self, file: &[u8]) -> Vec<(usize, usize)> {
        let count = get16(file, self.optional - 18);
        let table = self.optional + get16(file, self.optional - 4);
        (0..count).map(|row| table + row * 40).map(|row| (get32(file, row + 20), get32(file, row + 16))).collect()
    }

    /// Offset and size of the certificate table as the directory states them.
    pub fn table(&self, file: &[u8]) -> (usize, usize) {
        self.directory.map_or((0, 0), |entry| (get32(file, entry), get32(file, entry + 4)))
    }
}

/// The linear Authenticode digest: the whole file without CheckSum, directory entry and table.
pub fn authentihash(file: &[u8], hash: Hash) -> Vec<u8> {
    let at = Offsets::of(file);
    let (table, size) = at.table(file);
    let directory = at.directory.map(|entry| (entry, entry + 8));
    let table = (size > 0).then_some((table, table + size));
    let skipped = [Some((at.checksum, at.checksum + 4)), directory, table];
    let mut covered = Vec::new();
    let mut from = 0;
    for (start, end) in skipped.into_iter().flatten() {
        covered.extend(&file[from..start]);
        from = end;
    }
    covered.extend(&file[from..]);
    hash.digest(&covered)
}

/// One WIN_CERTIFICATE with these header values, followed by exactly `data`.
pub fn win_certificate(length: u32, revision: u16, kind: u16, data: &[u8]) -> Vec<u8> {
    let mut out = length.to_le_bytes().to_vec();
    out.extend(revision.to_le_bytes());
    out.extend(kind.to_le_bytes());
    out.extend(data);
    out
}

/// An entry as signtool writes it: padded with zeros to eight octets, which dwLength counts.
pub fn entry(pkcs7: &[u8]) -> Vec<u8> {
    entry_of(REVISION_2, TYPE_PKCS7, pkcs7)
}

/// What tests sign that need a file and no particular one.
pub fn image() -> Vec<u8> {
    padded(&Pe::pe64().bytes())
}

pub fn entry_of(revision: u16, kind: u16, data: &[u8]) -> Vec<u8> {
    let data = padded(data);
    win_certificate(data.len() as u32 + 8, revision, kind, &data)
}

pub fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    out.resize(out.len().next_multiple_of(8), 0);
    out
}

/// Puts a table behind an image and states it in the directory; CheckSum is made right.
pub fn attach(image: &[u8], table: &[u8]) -> Vec<u8> {
    let mut out = [image, table].concat();
    point(&mut out, image.len() as u32, table.len() as u32);
    fix_checksum(&mut out);
    out
}

/// Writes the security directory's entry.
pub fn point(file: &mut [u8], offset: u32, size: u32) {
    let entry = Offsets::of(file).directory.unwrap();
    put32(file, entry, offset);
    put32(file, entry + 4, size);
}

/// Pads the image as signers do, signs it and attaches the signature.
pub fn sign(image: &[u8], signature: &Signature) -> Vec<u8> {
    let image = padded(image);
    attach(&image, &entry(&signature.build(&image)))
}

/// CheckSum: the sum of all 16-bit words with end-around carry, plus the length (imagehlp's CheckSumMappedFile).
pub fn fix_checksum(file: &mut [u8]) {
    let at = Offsets::of(file).checksum;
    put32(file, at, 0);
    let words = file.chunks(2).map(|pair| u32::from(pair[0]) | u32::from(pair.get(1).copied().unwrap_or(0)) << 8);
    let sum = words.fold(0, |sum, word| ((sum + word) & 0xffff) + ((sum + word) >> 16));
    let checksum = sum + file.len() as u32;
    put32(file, at, checksum);
}

/// The bytes of a signed file's certificate table.
pub fn table_of(file: &[u8]) -> Vec<u8> {
    let (offset, size) = Offsets::of(file).table(file);
    file[offset..offset + size].to_vec()
}

/// SigThief's `-T`: the table cut off the end, the directory's entry zeroed, CheckSum left.
pub fn truncated(signed: &[u8]) -> Vec<u8> {
    let (_, size) = Offsets::of(signed).table(signed);
    let mut out = signed[..signed.len() - size].to_vec();
    point(&mut out, 0, 0);
    out
}

/// SigThief's graft: the donor's table copied verbatim behind the target's last byte, wherever that is, CheckSum left.
pub fn graft(donor: &[u8], target: &[u8]) -> Vec<u8> {
    let table = table_of(donor);
    let mut out = [target, &table].concat();
    point(&mut out, target.len() as u32, table.len() as u32);
    out
}
