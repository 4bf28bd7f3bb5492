//! What kind of file this is, by content and never by name alone.

use std::io;

use memchr::memmem;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::blocks;
use super::source::{Source, fill, read_up_to};
use super::zip;

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
    /// Encrypted APPX or MSIX package or bundle.
    Eappx,
    /// Windows image: WIM, ESD.
    Wim,
    /// Office document with a VBA project: DOCM, XLSM, PPTM.
    Office,
    /// Script with a signature block: PowerShell, VBScript, JScript, WSF, MOF.
    Script,
    /// Anything else.
    Other,
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 11] = [
        Format::Pe,
        Format::Msi,
        Format::Cab,
        Format::Cat,
        Format::Pkcs7,
        Format::Msix,
        Format::Eappx,
        Format::Wim,
        Format::Office,
        Format::Script,
        Format::Other,
    ];

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
            Format::Eappx => "eappx",
            Format::Wim => "wim",
            Format::Office => "office",
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

/// What files begin with that are known by that alone. Sources: Microsoft [MS-CFB], [MS-CAB], "Windows Imaging File Format (WIM)
/// White Paper"; of the signature file of a package the four octets before its PKCS#7, as packages have them; of encrypted
/// packages what others found in them.
const MARKS: [(&[u8], Format); 7] = [
    (&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1], Format::Msi),
    (b"MSCF", Format::Cab),
    (b"MSWIM\0\0\0", Format::Wim),
    (b"PKCX", Format::Pkcs7),
    (b"EXPH", Format::Eappx),
    (b"EXBH", Format::Eappx),
    (b"EXSH", Format::Eappx),
];

/// How much of the start of a file is looked at.
const HEAD: usize = 4096;

/// Recognises a file by its first bytes, packages by their directory, and scripts by the marks of a block at one of their
/// ends.
///
/// # Errors
/// Errors of reading.
pub fn sniff(source: &dyn Source) -> io::Result<Format> {
    // On the stack: most files are read no further, and there are many.
    let mut buffer = [0u8; HEAD];
    let length = usize::try_from(source.len()).map_or(HEAD, |length| length.min(HEAD));
    let head = fill(source, 0, buffer.get_mut(..length).unwrap_or(&mut []))?;
    if head.starts_with(b"MZ") && is_pe(source, head)? {
        return Ok(Format::Pe);
    }
    if is_pkcs7(head) {
        let lists = is_catalog(head) || (head.len() == HEAD && is_catalog(&read_up_to(source, 0, CATALOG_HEAD)?));
        return Ok(if lists { Format::Cat } else { Format::Pkcs7 });
    }
    if head.starts_with(b"PK\x03\x04") {
        return Ok(zip::kind(source)?.unwrap_or(Format::Other));
    }
    if let Some((_, format)) = MARKS.iter().find(|(mark, _)| head.starts_with(mark)) {
        return Ok(*format);
    }
    let is_script = !head.starts_with(b"\x7fELF") && blocks::at_an_end(source, head)?;
    Ok(if is_script { Format::Script } else { Format::Other })
}

/// The same, and looks for a block in the last megabytes of whatever else is nothing that can be signed: for what is, or
/// may be, a script that has more behind its block.
///
/// # Errors
/// Errors of reading.
pub fn sniff_through(source: &dyn Source) -> io::Result<Format> {
    match sniff(source)? {
        Format::Other if blocks::anywhere(source)? => Ok(Format::Script),
        format => Ok(format),
    }
}

/// An MZ file is a PE when e_lfanew leads to `PE\0\0`. Source: Microsoft PE format, "MS-DOS Stub".
fn is_pe(source: &dyn Source, head: &[u8]) -> io::Result<bool> {
    let Some(pointer) = head.get(0x3c..0x40).and_then(|bytes| bytes.first_chunk::<4>()) else {
        return Ok(false);
    };
    let at = u32::from_le_bytes(*pointer);
    let start = at as usize;
    Ok(match head.get(start..start.saturating_add(4)) {
        Some(bytes) => bytes == b"PE\0\0",
        None => read_up_to(source, u64::from(at), 4)? == b"PE\0\0",
    })
}

/// Whether the first bytes of a file are those of a PKCS#7 SignedData: the OBJECT IDENTIFIER right behind the outer header.
#[must_use]
pub fn is_pkcs7(head: &[u8]) -> bool {
    const OID: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
    head.first() == Some(&0x30) && (2..=10).any(|at| head.get(at..).is_some_and(|rest| rest.starts_with(OID)))
}

/// How much of the start of a PKCS#7 says whether it is a catalog. Catalogs that signing tools write say so in the first hundred
/// octets; digest algorithms without end may stand before.
pub const CATALOG_HEAD: usize = 64 * 1024;

/// Whether the first bytes of a file are those of a security catalog: SignedData whose content is a certificate
/// trust list whose subject usage names catalogs.
#[must_use]
pub fn is_catalog(head: &[u8]) -> bool {
    /// 1.3.6.1.4.1.311.10.1, certificate trust list.
    const LIST: &[u8] = &[0x06, 0x09, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x0a, 0x01];
    /// 1.3.6.1.4.1.311.12.1.1, catalog list.
    const CATALOG: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x0c, 0x01, 0x01];
    let behind = |at: usize| head.get(at.saturating_add(LIST.len())..).unwrap_or(&[]);
    let names_catalogs = |list: &[u8]| usages(list).is_some_and(|usages| has_oid(usages, CATALOG));
    is_pkcs7(head) && memmem::find_iter(head, LIST).any(|at| names_catalogs(behind(at)))
}

/// What begins with the usages of a trust list, in what begins with the content of a SignedData: the headers of `[0]`, perhaps of
/// an OCTET STRING, of the list, its version, and the header of its usages.
fn usages(mut rest: &[u8]) -> Option<&[u8]> {
    /// No list has more before its usages.
    const MOST: usize = 8;
    let mut in_list = false;
    for _ in 0..MOST {
        let (tag, length, content) = header(rest)?;
        match (tag, in_list) {
            (0xa0 | 0x04 | 0x24, false) => rest = content,
            (0x30, false) => (in_list, rest) = (true, content),
            (0x02, true) => rest = content.get(length?..)?,
            (0x30, true) => return Some(content),
            _ => return None,
        }
    }
    None
}

/// Whether these content octets are among the OBJECT IDENTIFIERs that stand in a row there.
fn has_oid(mut rest: &[u8], wanted: &[u8]) -> bool {
    while let Some((0x06, Some(length), content)) = header(rest) {
        if content.get(..length) == Some(wanted) {
            return true;
        }
        rest = content.get(length..).unwrap_or(&[]);
    }
    false
}

/// Tag of an element in one octet, its length unless that is indefinite, and everything behind its header, of which the element's
/// end may be cut off.
fn header(bytes: &[u8]) -> Option<(u8, Option<usize>, &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let count = match *first {
        0x80 => return Some((*tag, None, rest)),
        short if short < 0x80 => return Some((*tag, Some(usize::from(short)), rest)),
        long => usize::from(long & 0x7f),
    };
    let (octets, rest) = rest.split_at_checked(count).filter(|_| count <= 8)?;
    let length = octets.iter().fold(0u64, |length, octet| (length << 8) | u64::from(*octet));
    Some((*tag, usize::try_from(length).ok(), rest))
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use std::cell::Cell;

    use super::super::MemorySource;
    use super::*;

    fn kind(bytes: &[u8]) -> Format {
        sniff(&MemorySource(bytes)).unwrap()
    }

    fn through(bytes: &[u8]) -> Format {
        sniff_through(&MemorySource(bytes)).unwrap()
    }

    /// A signature block of so many lines.
    fn block(comment: &str, lines: usize) -> String {
        let base64 = format!("{comment} {}\r\n", "A".repeat(64)).repeat(lines);
        let mark = |which: &str| format!("{comment} SIG {comment} {which} signature block\r\n");
        format!("{}{base64}{}", mark("Begin"), mark("End"))
    }

    fn utf16(text: &str) -> Vec<u8> {
        let units = text.encode_utf16().flat_map(u16::to_le_bytes);
        [0xff, 0xfe].into_iter().chain(units).collect()
    }

    fn utf16_big(text: &str) -> Vec<u8> {
        let units = text.encode_utf16().flat_map(u16::to_be_bytes);
        [0xfe, 0xff].into_iter().chain(units).collect()
    }

    fn utf32(text: &str) -> Vec<u8> {
        let units = text.chars().flat_map(|unit| u32::from(unit).to_le_bytes());
        [0xff, 0xfe, 0, 0].into_iter().chain(units).collect()
    }

    fn utf32_big(text: &str) -> Vec<u8> {
        let units = text.chars().flat_map(|unit| u32::from(unit).to_be_bytes());
        [0, 0, 0xfe, 0xff].into_iter().chain(units).collect()
    }

    #[test]
    fn scripts_are_known_by_their_blocks_however_they_begin_and_are_encoded() {
        for start in ["", "x = 1\r\n", "MZ = 1\r\n", "\u{c}\r\nx = 1\r\n"] {
            for comment in ["#", "''", "//"] {
                for lines in [1, 100, 1100] {
                    let text = format!("{start}{}", block(comment, lines));
                    for script in
                        [text.clone().into_bytes(), utf16(&text), utf16_big(&text), utf32(&text), utf32_big(&text)]
                    {
                        assert_eq!(kind(&script), Format::Script, "{start:?} {comment} {lines}");
                    }
                }
            }
        }
        // Whose first octets are those of no text is a script for who looks through it.
        let script = format!("#\0\r\n{}{}", "x".repeat(5000), block("#", 100)).into_bytes();
        assert_eq!((through(&script), kind(&script)), (Format::Script, Format::Other));
        // Either mark is one, and a block of WSF has others.
        let marks =
            ["# SIG # Begin signature block", "'' SIG '' End signature block", "<signature>\r\n** SIG ** MIIabc"];
        for mark in marks {
            assert_eq!(kind(mark.as_bytes()), Format::Script, "{mark}");
        }
        for other in ["SIG # begins", "SIG", "* SIG * MIIabc", "# SIG // Start signature block", "SIG '' ", "MZ", ""] {
            assert_eq!(kind(other.as_bytes()), Format::Other, "{other}");
        }
    }

    #[test]
    fn behind_a_block_may_stand_megabytes_in_what_is_called_a_script() {
        for behind in [vec![b' '; 70_000], vec![0; 1 << 20]] {
            let script = [block("#", 1).as_bytes(), "x\0".repeat(5000).as_bytes()].concat();
            let script = ["x".repeat(5000).as_bytes(), &script, &behind].concat();
            assert_eq!(kind(&script), Format::Other);
            assert_eq!(through(&script), Format::Script);
        }
        // A mark across two of the reads.
        for at in ((1 << 20) - 40..(1 << 20) + 4).step_by(9) {
            let mut script = vec![b'x'; (1 << 20) + 70_000];
            script[at..at + 29].copy_from_slice(b"# SIG # Begin signature block");
            assert_eq!(through(&script), Format::Script, "{at}");
        }
        assert_eq!(through("Write-Host 1".repeat(100_000).as_bytes()), Format::Other);
    }

    #[test]
    fn the_last_16_mib_of_a_script_are_looked_through() {
        for (behind, format) in [((16 << 20) - 40, Format::Script), (16 << 20, Format::Other)] {
            let script =
                ["x".repeat(5000).as_bytes(), b"\r\n# SIG # End signature block\r\n", &vec![b' '; behind]].concat();
            assert_eq!(through(&script), format, "{behind}");
        }
    }

    /// Bytes that count how many of them were read.
    struct Counted<'c>(&'c [u8], Cell<usize>);

    impl Source for Counted<'_> {
        fn len(&self) -> u64 {
            self.0.len() as u64
        }

        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            let count = MemorySource(self.0).read_at(buffer, offset)?;
            self.1.set(self.1.get() + count);
            Ok(count)
        }
    }

    #[test]
    fn of_what_is_nothing_little_is_read() {
        let read = |sniff: fn(&dyn Source) -> io::Result<Format>, bytes: &[u8]| {
            let source = Counted(bytes, Cell::new(0));
            assert_eq!(sniff(&source).unwrap(), Format::Other);
            source.1.get()
        };
        assert_eq!(read(sniff, b"nothing"), 7);
        assert_eq!(read(sniff_through, b"nothing"), 14);
        assert_eq!(read(sniff, &vec![b'x'; 3 << 20]), 4096 + 65_536);
        assert_eq!(read(sniff, &vec![0; 3 << 20]), 4096);
        assert_eq!(read(sniff, &[&b"\x7fELF"[..], &vec![0; 3 << 20]].concat()), 4096);
    }

    /// A record of a ZIP file: its mark, and fields of a number of octets each.
    fn record(mark: [u8; 2], fields: &[(u64, usize)]) -> Vec<u8> {
        let octets = fields.iter().flat_map(|(value, width)| value.to_le_bytes()[..*width].to_vec());
        b"PK".iter().copied().chain(mark).chain(octets).collect()
    }

    /// The end of a directory that has so many octets from a place on.
    fn end(length: u64, place: u64, comment: &[u8]) -> Vec<u8> {
        let fields = [(0, 2), (0, 2), (1, 2), (1, 2), (length, 4), (place, 4), (comment.len() as u64, 2)];
        [record([5, 6], &fields), comment.to_vec()].concat()
    }

    fn end_of_a_large_one(length: u64, place: u64) -> Vec<u8> {
        let fields = [(44, 8), (45, 2), (45, 2), (0, 4), (0, 4), (1, 8), (1, 8), (length, 8), (place, 8)];
        let locator = [(0, 4), (place + length, 8), (1, 4)];
        [record([6, 6], &fields), record([6, 7], &locator), end(0xffff_ffff, 0xffff_ffff, b"")].concat()
    }

    #[test]
    fn a_package_is_known_by_its_directory_wherever_that_is() {
        let start = b"PK\x03\x04 and what the archive holds ".repeat(1000);
        let (place, filler) = (start.len() as u64, vec![b'.'; 1 << 20]);
        let archive = |before: &[u8], directory: &[u8], end: &[u8]| [before, &start, directory, end].concat();
        for name in ["AppxManifest.xml", "AppxSignature.p7x", "AppxMetadata/AppxBundleManifest.xml"] {
            let small = name.as_bytes().to_vec();
            let large = [name.as_bytes(), &filler[..100_000]].concat();
            let far = [&filler[..(1 << 20) - 7], name.as_bytes(), &filler[..70_000]].concat();
            for directory in [small, large, far] {
                let length = directory.len() as u64;
                for comment in [0, 65_535] {
                    let end = end(length, place, &vec![b'!'; comment]);
                    assert_eq!(kind(&archive(b"", &directory, &end)), Format::Msix, "{name} {length} {comment}");
                }
                let large = end_of_a_large_one(length, place);
                assert_eq!(kind(&archive(b"", &directory, &large)), Format::Msix, "{name} {length}");
                let shifted = end(length, place, b"");
                assert_eq!(kind(&archive(&start, &directory, &shifted)), Format::Msix, "{name} {length}");
                // A comment that says that there is nothing.
                let two = end(length, place, &end(0, 0, b""));
                assert_eq!(kind(&archive(b"", &directory, &two)), Format::Msix, "{name} {length}");
            }
        }
        let other = archive(b"", &filler, &end(filler.len() as u64, place, b""));
        assert_eq!(kind(&other), Format::Other);
        for odd in [
            end(u64::from(u32::MAX), 0, b""),
            end(1, 1 << 31, b""),
            end_of_a_large_one(1 << 60, 1),
            b"PK\x05\x06".to_vec(),
        ] {
            assert_eq!(kind(&archive(b"", b"name", &odd)), Format::Other);
        }
    }

    #[test]
    fn a_directory_is_read_for_16_mib() {
        let name = b"AppxManifest.xml";
        for (before, format) in [((16 << 20) - 16, Format::Msix), (16 << 20, Format::Other)] {
            let directory = [&vec![b'.'; before][..], name, &[b'.'; 70_000]].concat();
            let archive = [b"PK\x03\x04", &directory[..], &end(directory.len() as u64, 4, b"")].concat();
            assert_eq!(kind(&archive), format, "{before}");
        }
    }

    /// An element with a length in four octets.
    fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let content = parts.concat();
        [&[tag, 0x84][..], &(content.len() as u32).to_be_bytes(), &content].concat()
    }

    #[test]
    fn a_catalog_is_known_whatever_stands_before_its_usage() {
        const SIGNED: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
        const LIST: &[u8] = &[0x06, 0x09, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x0a, 0x01];
        const CATALOG: &[u8] = &[0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x0c, 0x01, 0x01];
        const ROOTS: &[u8] = &[0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x0a, 0x03, 0x09];
        let signed = |algorithms: &[u8], content: &[u8]| {
            let data =
                [&[0x02, 1, 1][..], &element(0x31, &[algorithms]), &element(0x30, &[LIST, &element(0xa0, &[content])])];
            element(0x30, &[SIGNED, &element(0xa0, &[&element(0x30, &data)]), &[0; 70_000]])
        };
        let list = |version: &[u8], usages: &[&[u8]]| {
            element(0x30, &[version, &element(0x30, usages), &element(0x04, &[CATALOG])])
        };
        let plain = list(b"", &[CATALOG]);
        let many = vec![ROOTS; 300];
        let last = [&many[..], &[CATALOG]].concat();
        for (content, format) in [
            (plain.clone(), Format::Cat),
            (list(&[0x02, 1, 0], &[CATALOG]), Format::Cat),
            (element(0x04, &[&plain]), Format::Cat),
            (element(0x24, &[&element(0x04, &[&plain])]), Format::Cat),
            (list(b"", &last), Format::Cat),
            // Whatever stands behind the usages is none of them.
            (list(b"", &many), Format::Pkcs7),
            (list(b"", &[]), Format::Pkcs7),
            (list(&[0x04, 0], &[CATALOG]), Format::Pkcs7),
            (element(0x31, &[&plain]), Format::Pkcs7),
        ] {
            assert_eq!(kind(&signed(b"", &content)), format, "{content:?}");
            for before in [5000, 60_000] {
                assert_eq!(kind(&signed(&vec![0; before], &content)), format, "{before} {content:?}");
            }
            assert_eq!(kind(&signed(LIST, &content)), format, "another mark before");
        }
        assert_eq!(kind(&signed(&[0; CATALOG_HEAD], &plain)), Format::Pkcs7);
        // Lengths that nobody states.
        let open =
            [&[0x30, 0x80][..], SIGNED, &[0xa0, 0x80, 0x30, 0x80, 0x02, 1, 1, 0x31, 0, 0x30, 0x80], LIST].concat();
        let open = [&open[..], &[0xa0, 0x80, 0x30, 0x80, 0x30, 0x80], ROOTS, CATALOG].concat();
        assert_eq!(kind(&open), Format::Cat);
        for cut in 13..open.len() {
            assert_eq!(kind(&open[..cut]), Format::Pkcs7, "{cut}");
        }
    }

    #[test]
    fn what_has_a_mark_at_its_start_is_known_by_that_alone() {
        for (mark, format) in MARKS {
            assert_eq!(kind(mark), format, "{mark:?}");
            assert_eq!(kind(&[mark, &[0; 400]].concat()), format, "{mark:?}");
            assert_eq!(kind(&mark[..mark.len() - 1]), Format::Other, "{mark:?}");
        }
    }

    #[test]
    fn parts_of_a_package_are_named_without_regard_to_case() {
        let start = b"PK\x03\x04 and what the archive holds ".repeat(1000);
        for (name, format) in [
            ("appxsignature.P7X", Format::Msix),
            ("APPXMANIFEST.XML", Format::Msix),
            ("word/vbaProject.bin", Format::Office),
            ("xl/vbaProjectSignature.bin", Format::Office),
            ("ppt/VBAPROJECTSIGNATUREAGILE.BIN", Format::Office),
            ("word/vbaProjectSignatureV3.bin", Format::Office),
            ("word/document.xml", Format::Other),
        ] {
            for filler in [0, 100_000] {
                let directory = [name.as_bytes(), &vec![b'.'; filler]].concat();
                let end = end(directory.len() as u64, start.len() as u64, b"");
                assert_eq!(kind(&[&start[..], &directory, &end].concat()), format, "{name} {filler}");
            }
        }
        // A package with a document in it is a package.
        let directory = b"word/vbaProject.bin AppxManifest.xml";
        let end = end(directory.len() as u64, start.len() as u64, b"");
        assert_eq!(kind(&[&start[..], directory, &end].concat()), Format::Msix);
    }
}
