//! Security catalogs: signed lists of digests (mscat.h), in both versions.

use super::cms::{SPC_INDIRECT_DATA, SPC_PE_IMAGE_DATA, Signature};
use super::der::*;
use super::keys::Hash;

pub const CTL: &str = "1.3.6.1.4.1.311.10.1";
pub const CATALOG_LIST: &str = "1.3.6.1.4.1.311.12.1.1";
pub const MEMBER_V1: &str = "1.3.6.1.4.1.311.12.1.2";
pub const MEMBER_V2: &str = "1.3.6.1.4.1.311.12.1.3";
pub const CAT_MEMBERINFO2: &str = "1.3.6.1.4.1.311.12.2.3";

/// Version 1: the identifier is the digest in hexadecimal, UTF-16 with a NUL; the digest itself is an attribute.
pub fn tagged(digest: &[u8], hash: Hash) -> Der {
    let hex: String = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    named(&hex, digest, hash)
}

/// Version 1 with a tag that is any text.
pub fn named(tag: &str, digest: &[u8], hash: Hash) -> Der {
    let tag: Vec<u8> = tag.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
    seq(&[octets(&tag), set(&[indirect(digest, hash)])])
}

/// Version 2: the identifier is the digest; only some members say more than that they are files.
pub fn raw(digest: &[u8]) -> Der {
    let info = seq(&[oid(CAT_MEMBERINFO2), set(&[ctx_prim(2, &[])])]);
    seq(&[octets(digest), set(&[info])])
}

fn indirect(digest: &[u8], hash: Hash) -> Der {
    let link = ctx(0, &ctx(2, &ctx_prim(0, &[])));
    let data = seq(&[oid(SPC_PE_IMAGE_DATA), seq(&[tlv(0x03, &[0]), link])]);
    seq(&[oid(SPC_INDIRECT_DATA), set(&[seq(&[data, seq(&[hash.alg(), octets(digest)])])])])
}

/// CertificateTrustList with the usage of catalogs.
pub fn list(subject_algorithm: &str, members: &[Der]) -> Der {
    seq(&[
        seq(&[oid(CATALOG_LIST)]),
        octets(&[7; 16]),
        utc_time("20250301120000Z"),
        seq(&[oid(subject_algorithm), null()]),
        seq(members),
    ])
}

/// The list, signed: the whole file.
pub fn catalog(list: Der, signature: Signature) -> Vec<u8> {
    Signature { content_type: CTL, content: Some(list), ..signature }.build_for(&[], &[])
}
