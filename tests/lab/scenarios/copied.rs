//! Signatures that were cut out of one file and put into another: SigThief, MetaTwin, Mangle, msfvenom.

use super::{Scenario, honest, host, product, stamped};
use crate::lab::ca::dn;
use crate::lab::cast;
use crate::lab::cms::Signature;
use crate::lab::keys::{Hash, Key};
use crate::lab::pe::*;

pub fn scenarios() -> Vec<Scenario> {
    vec![sigthief(), blob(), stripped(), pages(), stripped_pages(), metatwin(), mangle(), msfvenom(), metadata_copied()]
}

/// An unsigned program whose length is no multiple of eight.
fn odd(text: &str) -> Vec<u8> {
    Pe { overlay: b"odd".to_vec(), ..host(text) }.bytes()
}

/// SigThief `-i tool.exe -t HOST` on hosts of every kind, and `-T` on a signed one.
fn sigthief() -> Scenario {
    let tool = honest("SigThief takes from this");
    // Another publisher's file without a version resource.
    let mut other = cast::publisher(Key::P256);
    (other.subject, other.serial) = (dn("Fixture Host Publisher"), vec![0x44]);
    let signed = sign(&host("Signed by somebody else").bytes(), &stamped(Signature::with(other.der(), Key::P256)));
    let nosig = truncated(&signed);
    let plain = host("An unsigned host").bytes();
    Scenario {
        name: "sigthief",
        files: vec![
            ("aligned.exe", graft(&tool, &plain)),
            ("host.exe", plain),
            ("unaligned.exe", graft(&tool, &odd("An unsigned host of odd length"))),
            ("host-odd.exe", odd("An unsigned host of odd length")),
            ("onto-signed.exe", graft(&tool, &signed)),
            ("onto-truncated.exe", graft(&tool, &nosig)),
            ("host-signed.exe", signed),
            ("host-signed_nosig.exe", nosig),
            ("tool.exe", tool),
        ],
    }
}

/// SigThief `-r` wrote the table to a file of its own, `-s` put it behind two hosts; the donor is elsewhere.
fn blob() -> Scenario {
    let tool = honest("Nobody but its signature was here");
    Scenario {
        name: "sigthief-blob",
        files: vec![
            ("tool_sig", table_of(&tool)),
            ("invoice.exe", graft(&tool, &host("Invoice").bytes())),
            ("report.exe", graft(&tool, &host("Report").bytes())),
        ],
    }
}

/// The donor lost its signature (`-T`) and still is what was signed.
fn stripped() -> Scenario {
    let tool = honest("Stripped of its signature");
    Scenario {
        name: "sigthief-stripped-donor",
        files: vec![
            ("tool_nosig.exe", truncated(&tool)),
            ("invoice.exe", graft(&tool, &host("Invoice under a stripped name").bytes())),
        ],
    }
}

/// A donor with page hashes: their table says how long the donor was.
fn pages() -> Scenario {
    let signature = Signature { pages: Some((Hash::Sha256, 0x1000, false)), ..Signature::default() };
    let tool = sign(&product("Signed page by page").bytes(), &stamped(signature));
    let plain = host("A host without pages of its own").bytes();
    Scenario {
        name: "sigthief-page-hashes",
        files: vec![("carrier.exe", graft(&tool, &plain)), ("host.exe", plain), ("tool.exe", tool)],
    }
}

/// The same of a donor that lost its signature (`-T`), which had a digest of another kind than unsigned files get: its
/// headers are what still tells.
fn stripped_pages() -> Scenario {
    let signature =
        Signature { file_hash: Some(Hash::Sha1), pages: Some((Hash::Sha256, 0x1000, false)), ..Signature::default() };
    let tool = sign(&product("Signed page by page, and stripped").bytes(), &stamped(signature));
    let plain = host("A host for the pages of a stripped donor").bytes();
    Scenario {
        name: "sigthief-page-hashes-stripped",
        files: vec![("carrier.exe", graft(&tool, &plain)), ("host.exe", plain), ("tool_nosig.exe", truncated(&tool))],
    }
}

/// MetaTwin: the donor's resources are added as the last section, then SigThief adds its signature.
fn metatwin() -> Scenario {
    let tool = honest("MetaTwin takes from this");
    let mut twin = host("Dressed up by MetaTwin");
    twin.sections.push(resources(0x2000, 0x400, 0x400));
    Scenario {
        name: "metatwin",
        files: vec![
            ("host.exe", host("Dressed up by MetaTwin").bytes()),
            ("twin.exe", graft(&tool, &twin.bytes())),
            ("tool.exe", tool),
        ],
    }
}

/// Mangle `-C`: headers, sections and symbols are written anew, the overlay is forgotten, the table follows at once.
/// `-S` adds a section of ASCII zeros (a kilobyte here, megabytes there) and zeroes CheckSum.
fn mangle() -> Scenario {
    let tool = honest("Mangle takes from this");
    let plain = Pe { overlay: b"An overlay that Mangle forgets".to_vec(), ..host("Mangled") };
    let rewritten = Pe { overlay: Vec::new(), ..plain.clone() };
    let mut inflated = rewritten.clone();
    let filled = Section { name: ".qwert", content: vec![b'0'; 0x400], ..code(0x2000, 0x400, 0x400) };
    inflated.sections.push(filled);
    Scenario {
        name: "mangle",
        files: vec![
            ("host.exe", plain.bytes()),
            ("mangled.exe", graft(&tool, &rewritten.bytes())),
            ("mangled-inflated.exe", graft(&tool, &inflated.bytes())),
            ("mangled-symbols.exe", graft(&tool, &with_symbols(rewritten))),
            ("tool.exe", tool),
        ],
    }
}

/// A COFF symbol of 18 octets and an empty string table at the end, as MinGW leaves them.
fn with_symbols(pe: Pe) -> Vec<u8> {
    let header = pe.e_lfanew as usize;
    let mut file = pe.bytes();
    let table = file.len() as u32;
    put32(&mut file, header + 12, table);
    put32(&mut file, header + 16, 1);
    file.extend(b".file\0\0\0\0\0\0\0\xfe\xff\0\0\x67\0");
    file.extend(4u32.to_le_bytes());
    file
}

/// msfvenom `-x template.exe`: TimeDateStamp moved and CheckSum zeroed; code overwritten, or with `-k` kept and a section
/// without name appended behind the table.
fn msfvenom() -> Scenario {
    let template = honest("A template for msfvenom");
    let header = 0x80;
    let mut touched = template.clone();
    put32(&mut touched, header + 8, 0x6600_0000 - 0x0012_3456);
    let checksum = Offsets::of(&touched).checksum;
    put32(&mut touched, checksum, 0);
    let mut overwritten = touched.clone();
    overwritten[0x240..0x280].fill(0x90);
    Scenario {
        name: "msfvenom",
        files: vec![
            ("kept.exe", with_section_at_end(touched, header)),
            ("overwritten.exe", overwritten),
            ("template.exe", template),
        ],
    }
}

/// A third row in the section table, and its octets at the end of the file.
fn with_section_at_end(mut file: Vec<u8>, header: usize) -> Vec<u8> {
    let payload = [0x90; 0x200];
    let row = header + 24 + 224 + 2 * 40;
    let start = file.len() as u32;
    for (word, value) in [(8, 0x200), (12, 0x3000), (16, 0x200), (20, start), (36, 0xe000_0020)] {
        put32(&mut file, row + word, value);
    }
    file[header + 6] = 3;
    file.extend(payload);
    file
}

/// T1036.001 test 2: the signature of one binary in a folder for temporary files is on another one there.
fn metadata_copied() -> Scenario {
    let source = honest("The source of the copied metadata");
    let plain = host("The target of the copied metadata").bytes();
    Scenario {
        name: "t1036.001-test-2",
        files: vec![("copied.exe", graft(&source, &plain)), ("source.exe", source), ("target.exe", plain)],
    }
}
