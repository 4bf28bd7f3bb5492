//! What kind of file this is, by content and never by name.

use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::source::{Source, read_up_to};

/// A kind of file, as the record's `format` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Portable Executable: EXE, DLL, SYS, EFI.
    Pe,
    /// OLE compound file: MSI, MSP, MST.
    Msi,
    /// Cabinet.
    Cab,
    /// Security catalog: a PKCS#7 over a list of digests.
    Cat,
    /// Another bare PKCS#7: an extracted signature, the signature file of a package, a trust list.
    Pkcs7,
    /// APPX or MSIX package or bundle.
    Msix,
    /// Script with a signature block: PowerShell, VBScript, JScript, WSF, MOF.
    Script,
    /// Anything else.
    Other,
}

impl Format {
    /// The name in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Format::Pe => "pe",
            Format::Msi => "msi",
            Format::Cab => "cab",
            Format::Cat => "cat",
            Format::Pkcs7 => "pkcs7",
            Format::Msix => "msix",
            Format::Script => "script",
            Format::Other => "other",
        }
    }

    /// Whether a file of this kind can carry a signature.
    #[must_use]
    pub fn can_be_signed(self) -> bool {
        self != Format::Other
    }
}

/// How much of the start of a file is looked at.
const HEAD: usize = 4096;
/// How much of the end of a package or script is looked at: ZIP end records and signature blocks lie there.
const TAIL: u64 = 64 * 1024;

/// Recognises a file by its first bytes, and packages and scripts by their last ones.
///
/// # Errors
/// Errors of reading.
pub fn sniff(source: &dyn Source) -> io::Result<Format> {
    let head = read_up_to(source, 0, HEAD)?;
    if head.starts_with(b"MZ") {
        return pe_or_other(source, &head);
    }
    if head.starts_with(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]) {
        return Ok(Format::Msi);
    }
    if head.starts_with(b"MSCF\0\0\0\0") {
        return Ok(Format::Cab);
    }
    if head.first() == Some(&0x30) && is_pkcs7(&head) {
        return Ok(if is_catalog(&head) { Format::Cat } else { Format::Pkcs7 });
    }
    if head.starts_with(b"PK\x03\x04") {
        let names: [&[u8]; 3] = [b"AppxSignature.p7x", b"AppxManifest.xml", b"AppxBundleManifest.xml"];
        return Ok(if tail_contains(source, &names)? { Format::Msix } else { Format::Other });
    }
    if is_text(&head) {
        let markers: [&[u8]; 10] = [
            b"SIG # Begin signature block",
            b"SIG # End signature block",
            b"SIG '' Begin signature block",
            b"SIG // Begin signature block",
            b"** SIG ** Begin signature block",
            b"S\0I\0G\0 \0#\0 \0B\0e\0g\0i\0n\0",
            b"S\0I\0G\0 \0#\0 \0E\0n\0d\0",
            b"S\0I\0G\0 \0'\0'\0 \0B\0e\0g\0i\0n\0",
            b"S\0I\0G\0 \0/\0/\0 \0B\0e\0g\0i\0n\0",
            b"S\0I\0G\0 \0*\0*\0 \0B\0e\0g\0i\0n\0",
        ];
        return Ok(if tail_contains(source, &markers)? { Format::Script } else { Format::Other });
    }
    Ok(Format::Other)
}

/// An MZ file is a PE when e_lfanew leads to `PE\0\0`. Source: Microsoft PE format, "MS-DOS Stub".
fn pe_or_other(source: &dyn Source, head: &[u8]) -> io::Result<Format> {
    let Some(pointer) = head.get(0x3c..0x40).and_then(|bytes| bytes.first_chunk::<4>()) else {
        return Ok(Format::Other);
    };
    let at = u32::from_le_bytes(*pointer);
    let start = at as usize;
    let found = match head.get(start..start.saturating_add(4)) {
        Some(bytes) => bytes == b"PE\0\0",
        None => read_up_to(source, u64::from(at), 4)? == b"PE\0\0",
    };
    Ok(if found { Format::Pe } else { Format::Other })
}

/// The OBJECT IDENTIFIER of SignedData right behind the outer header.
fn is_pkcs7(head: &[u8]) -> bool {
    const OID: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
    (2..=10).any(|at| head.get(at..).is_some_and(|rest| rest.starts_with(OID)))
}

/// Whether the first bytes of a file are those of a security catalog: SignedData whose content is a certificate
/// trust list whose subject usage names catalogs.
#[must_use]
pub fn is_catalog(head: &[u8]) -> bool {
    /// 1.3.6.1.4.1.311.10.1, certificate trust list.
    const LIST: &[u8] = &[0x06, 0x09, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x0a, 0x01];
    /// 1.3.6.1.4.1.311.12.1.1, catalog list.
    const CATALOG: &[u8] = &[0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x0c, 0x01, 0x01];
    // Between the two stand the headers of [0], perhaps an OCTET STRING, the list, its version and its usages.
    let position = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).position(|window| window == what);
    is_pkcs7(head)
        && position(head, LIST).is_some_and(|at| {
            let behind = head.get(at.saturating_add(LIST.len())..).unwrap_or(&[]);
            position(behind.get(..64).unwrap_or(behind), CATALOG).is_some()
        })
}

fn is_text(head: &[u8]) -> bool {
    !head.is_empty() && !head.starts_with(b"\x7fELF") && {
        let utf16 = head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]);
        utf16 || !head.contains(&0)
    }
}

fn tail_contains(source: &dyn Source, needles: &[&[u8]]) -> io::Result<bool> {
    let start = source.len().saturating_sub(TAIL);
    let tail = read_up_to(source, start, TAIL as usize)?;
    Ok(needles.iter().any(|needle| tail.windows(needle.len()).any(|window| window == *needle)))
}
