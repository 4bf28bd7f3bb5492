//! Page hashes: one hash for each page that the loader will map, for Code Integrity.
//!
//! A table of (u32 file offset, hash): the headers zero-padded to a page, without CheckSum and directory entry; each
//! section's pages, the last one zero-padded; at the end the offset behind the last page with a hash of zeros. The
//! page is 4096 octets, 8192 on Itanium, whatever SectionAlignment says.

use super::der::*;
use super::keys::Hash;
use super::pe::Offsets;

/// The class id of page-hash data in a SpcSerializedObject, {a6b586d5-b4a1-2466-ae05-a217da8e60d6}.
const CLASS_ID: [u8; 16] =
    [0xa6, 0xb5, 0x86, 0xd5, 0xb4, 0xa1, 0x24, 0x66, 0xae, 0x05, 0xa2, 0x17, 0xda, 0x8e, 0x60, 0xd6];

/// SPC_PE_IMAGE_PAGE_HASHES_V1 (SHA-1) and _V2 (SHA-256).
fn kind(hash: Hash) -> &'static str {
    if hash == Hash::Sha1 { "1.3.6.1.4.1.311.2.3.1" } else { "1.3.6.1.4.1.311.2.3.2" }
}

/// The table of an image.
pub fn table(image: &[u8], hash: Hash, page: usize) -> Vec<u8> {
    let at = Offsets::of(image);
    let dir = at.directory.unwrap();
    let header_end = at.header_size(image);
    let mut first = [&image[..at.checksum], &image[at.checksum + 4..dir], &image[dir + 8..header_end]].concat();
    first.resize(page - 12, 0);
    let mut out = vec![0; 4];
    out.extend(hash.digest(&first));
    let mut end = header_end;
    for (raw, size) in at.sections(image).into_iter().filter(|(_, size)| *size > 0) {
        for start in (raw..raw + size).step_by(page) {
            let mut content = image[start..(start + page).min(raw + size)].to_vec();
            content.resize(page, 0);
            out.extend((start as u32).to_le_bytes());
            out.extend(hash.digest(&content));
        }
        end = raw + size;
    }
    out.extend((end as u32).to_le_bytes());
    out.extend(vec![0; hash.digest(b"").len()]);
    out
}

/// The SpcLink that carries a table: moniker [1] IMPLICIT SpcSerializedObject.
pub fn link(table: &[u8], hash: Hash) -> Der {
    let data = set(&[seq(&[oid(kind(hash)), set(&[octets(table)])])]);
    ctx(1, &[octets(&CLASS_ID), octets(&data)].concat())
}
