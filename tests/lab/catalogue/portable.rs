//! PE layout, hashing and the certificate table: traps T1 to T16.

use super::{Fixture, signed};
use crate::lab::cast;
use crate::lab::cms::Signature;
use crate::lab::keys::{Hash, Key};
use crate::lab::pe::*;

pub fn fixtures() -> Vec<Fixture> {
    [layouts(), digests(), tables(), entries(), absent()].into_iter().flatten().collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sound(pe: &Pe) -> Vec<u8> {
    sign(&pe.bytes(), &Signature::default())
}

/// The small PE32, padded, and its PKCS#7.
fn parts() -> (Vec<u8>, Vec<u8>) {
    let image = padded(&Pe::pe32().bytes());
    let pkcs7 = Signature::default().build(&image);
    (image, pkcs7)
}

/// The small PE32 with a table of our own making.
fn with_table(make: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let (image, pkcs7) = parts();
    attach(&image, &make(&pkcs7))
}

/// The small PE32, signed, and its directory entry rewritten.
fn pointing(offset: impl Fn(u32, u32) -> (u32, u32)) -> Vec<u8> {
    let mut file = sound(&Pe::pe32());
    let (table, size) = Offsets::of(&file).table(&file);
    let (table, size) = offset(table as u32, size as u32);
    point(&mut file, table, size);
    file
}

fn layouts() -> Vec<Fixture> {
    vec![
        Fixture::new("pe32.exe", "T1", "PE32, RSA and SHA-256", || sound(&Pe::pe32()))
            .valid()
            .fact("/signer/common_name", "Fixture Publisher")
            .fact("/timestamp", "null")
            .fact("/version_info/company", "Sigscan Fixtures"),
        Fixture::new("pe64.exe", "T1", "PE32+, RSA and SHA-256", || sound(&Pe::pe64())).valid(),
        Fixture::new("magic-pe64-machine-i386.exe", "T1", "PE32+ by its magic, i386 by its machine", || {
            sound(&Pe { machine: I386, ..Pe::pe64() })
        })
        .valid(),
        Fixture::new("magic-pe32-machine-amd64.exe", "T1", "PE32 by its magic, AMD64 by its machine", || {
            sound(&Pe { machine: AMD64, ..Pe::pe32() })
        })
        .valid(),
        Fixture::new("application.efi", "", "EFI application", || sound(&Pe { subsystem: 10, ..Pe::pe64() })).valid(),
        Fixture::new("native.sys", "", "native driver", || sound(&Pe { subsystem: 1, ..Pe::pe64() })).valid(),
        Fixture::new("directories-5.exe", "T2 T3", "NumberOfRvaAndSizes 5, optional header just as long", || {
            sound(&Pe { directories: 5, ..Pe::pe32() })
        })
        .valid(),
        Fixture::new(
            "optional-header-long.exe",
            "T3",
            "SizeOfOptionalHeader is 0x1c more than its directories",
            || sound(&Pe { optional_extra: 0x1c, ..Pe::pe64() }),
        )
        .valid(),
        Fixture::new("e-lfanew-low.exe", "T3", "PE header inside the DOS header", || {
            sound(&Pe { e_lfanew: 0x10, ..Pe::pe32() })
        })
        .valid(),
        Fixture::new(
            "headers-overlap-section.exe",
            "T4",
            "SizeOfHeaders past the first section, as UPX leaves it",
            || {
                let empty = Section { name: "UPX0", ..code(0x1000, 0x200, 0) };
                let empty = Section { virtual_size: 0x3000, content: Vec::new(), ..empty };
                let packed = Section { name: "UPX1", ..code(0x4000, 0x200, 0x400) };
                sound(&Pe { header_size: 0x400, sections: vec![empty, packed], ..Pe::pe32() })
            },
        )
        .valid(),
        Fixture::new("sections-overlap.exe", "T4", "two sections share half of their raw data", || {
            sound(&Pe { sections: vec![code(0x1000, 0x200, 0x400), resources(0x2000, 0x400, 0x400)], ..Pe::pe32() })
        })
        .valid(),
        Fixture::new("sections-gap.exe", "T4", "raw data between two sections that belongs to none", || {
            sound(&Pe { sections: vec![code(0x1000, 0x200, 0x200), resources(0x2000, 0x800, 0x400)], ..Pe::pe32() })
        })
        .valid(),
        Fixture::new("sections-unsorted.exe", "T4", "section table not in the order of raw data", || {
            sound(&Pe { sections: vec![code(0x1000, 0x600, 0x200), resources(0x2000, 0x200, 0x400)], ..Pe::pe32() })
        })
        .valid(),
        Fixture::new("overlay.exe", "T4", "installer data between the last section and the table", || {
            sound(&Pe { overlay: b"overlay ".repeat(20), ..Pe::pe32() })
        })
        .valid(),
        Fixture::new("length-odd.exe", "T6", "image of odd length, padded before signing", || {
            sound(&Pe { overlay: b"odd".to_vec(), ..Pe::pe32() })
        })
        .valid(),
    ]
}

/// An image whose code section spans more than one small page and less than one Itanium page.
fn paged(machine: u16) -> Vec<u8> {
    let sections = vec![code(0x2000, 0x200, 0x1600), resources(0x4000, 0x1800, 0x400)];
    Pe { machine, sections, alignment: (0x2000, 0x200), ..Pe::pe64() }.bytes()
}

fn with_pages(machine: u16, pages: (Hash, usize, bool)) -> Vec<u8> {
    sign(&paged(machine), &Signature { pages: Some(pages), ..Signature::default() })
}

fn digests() -> Vec<Fixture> {
    vec![
        Fixture::new("pages-sha1.exe", "T14", "page hashes v1, SectionAlignment 0x2000 and pages of 0x1000", || {
            with_pages(AMD64, (Hash::Sha1, 0x1000, false))
        })
        .valid(),
        Fixture::new("pages-sha256.exe", "T14", "page hashes v2, SectionAlignment 0x2000 and pages of 0x1000", || {
            with_pages(AMD64, (Hash::Sha256, 0x1000, false))
        })
        .valid(),
        Fixture::new("pages-itanium.exe", "T14", "page hashes over Itanium's pages of 0x2000", || {
            with_pages(IA64, (Hash::Sha256, 0x2000, false))
        })
        .valid(),
        Fixture::new("pages-wrong.exe", "T14", "a wrong page hash under a right digest: a fact, not a status", || {
            with_pages(AMD64, (Hash::Sha256, 0x1000, true))
        })
        .valid(),
        Fixture::new("checksum-wrong.exe", "T15", "CheckSum changed after signing", || {
            let mut file = sound(&Pe::pe32());
            let at = Offsets::of(&file).checksum;
            file[at] ^= 0x55;
            file
        })
        .valid(),
        Fixture::new("file-sha1-signer-sha256.exe", "T16", "file digest SHA-1, signer's digest SHA-256", || {
            signed(Signature { file_hash: Some(Hash::Sha1), ..Signature::default() })
        })
        .valid()
        .fact("/authentihash/sha1", &hex(&authentihash(&padded(&Pe::pe32().bytes()), Hash::Sha1))),
        Fixture::new("tampered-section.exe", "T4", "one bit of the code flipped", || flipped(0x210))
            .invalid("bad-digest")
            .fact("/signer", "null")
            .fact("/claimed_signer/common_name", "Fixture Publisher"),
        Fixture::new("tampered-header.exe", "T4", "one bit of TimeDateStamp flipped", || flipped(0x88))
            .invalid("bad-digest"),
        Fixture::new("tampered-overlay.exe", "T4", "one bit of the overlay flipped", || {
            let mut file = sound(&Pe { overlay: b"overlay ".to_vec(), ..Pe::pe32() });
            file[0x803] ^= 1;
            file
        })
        .invalid("bad-digest"),
    ]
}

fn flipped(offset: usize) -> Vec<u8> {
    let mut file = sound(&Pe::pe32());
    file[offset] ^= 1;
    file
}

fn thief_target() -> Vec<u8> {
    Pe { overlay: b"not the donor".to_vec(), ..Pe::pe64() }.bytes()
}

fn tables() -> Vec<Fixture> {
    vec![
        Fixture::new("bytes-after-table.exe", "T5", "an archive appended behind the table", || {
            [sound(&Pe::pe32()), b"PK\x05\x06 appended ".to_vec()].concat()
        })
        .invalid("bad-digest"),
        Fixture::new("bytes-after-table-signed.exe", "T5", "bytes behind the table that the digest covers", || {
            let (image, tail) = (padded(&Pe::pe32().bytes()), b"covered tail    ".to_vec());
            let digest = authentihash(&[image.clone(), tail.clone()].concat(), Hash::Sha256);
            let table = entry(&Signature::default().build_for(&image, &digest));
            let mut file = [&image, table.as_slice(), &tail].concat();
            point(&mut file, image.len() as u32, table.len() as u32);
            file
        })
        .invalid("malformed"),
        Fixture::new("table-unaligned.exe", "T7", "sound signature whose table starts at an odd offset", || {
            let image = Pe { overlay: b"odd".to_vec(), ..Pe::pe32() }.bytes();
            attach(&image, &entry(&Signature::default().build(&image)))
        })
        .valid(),
        Fixture::new("thief.exe", "T7", "another file's table, as SigThief copies it", || {
            graft(&sound(&Pe::pe32()), &padded(&thief_target()))
        })
        .invalid("bad-digest")
        .fact("/signer", "null")
        .fact("/claimed_signer/common_name", "Fixture Publisher"),
        Fixture::new("thief-unaligned.exe", "T7", "another file's table at an odd offset", || {
            graft(&sound(&Pe::pe32()), &thief_target())
        })
        .invalid("bad-digest"),
        Fixture::new("thief-over-signed.exe", "T7", "another file's table behind the target's own", || {
            graft(&sound(&Pe::pe32()), &sound(&Pe::pe64()))
        })
        .invalid("bad-digest"),
        Fixture::new("table-outside.exe", "T13", "table wholly behind the end of the file", || {
            pointing(|offset, size| (offset + 0x10_0000, size))
        })
        .invalid("malformed")
        .others_open(),
        Fixture::new("table-overflow.exe", "T13", "offset plus size exceeds 32 bits", || {
            pointing(|_, size| (0xffff_fff0, size))
        })
        .invalid("malformed")
        .others_open(),
        Fixture::new("table-size-huge.exe", "T13", "size 0xffffffff", || pointing(|offset, _| (offset, u32::MAX)))
            .invalid("malformed")
            .others_open(),
        Fixture::new("table-size-4.exe", "T9", "table shorter than an entry's header", || {
            pointing(|offset, _| (offset, 4))
        })
        .invalid("malformed")
        .others_open(),
        Fixture::new("table-offset-0.exe", "T2", "offset zero, size not", || pointing(|_, size| (0, size)))
            .invalid("malformed")
            .others_open(),
        Fixture::new("table-size-0.exe", "T2", "size zero, offset not", || pointing(|offset, _| (offset, 0)))
            .invalid("malformed")
            .others_open(),
        Fixture::new("table-zeroed.exe", "T9", "table overwritten with zeros", || {
            with_table(|pkcs7| vec![0; entry(pkcs7).len()])
        })
        .invalid("malformed")
        .others_open(),
        Fixture::new("truncated.exe", "T13", "file cut in the middle of the table", || {
            let mut file = sound(&Pe::pe32());
            file.truncate(0x900);
            file
        })
        .invalid("malformed")
        .others_open(),
    ]
}

fn entries() -> Vec<Fixture> {
    vec![
        Fixture::new("length-with-padding.exe", "T8", "dwLength counts the padding, as signtool writes it", || {
            with_table(entry)
        })
        .valid(),
        Fixture::new(
            "length-without-padding.exe",
            "T8",
            "dwLength leaves the padding out, the directory counts it",
            || {
                with_table(|pkcs7| {
                    let mut table = entry(pkcs7);
                    table[..4].copy_from_slice(&(pkcs7.len() as u32 + 8).to_le_bytes());
                    table
                })
            },
        )
        .valid(),
        Fixture::new("length-no-padding.exe", "T8", "no padding at all, the file ends with the PKCS#7", || {
            with_table(|pkcs7| win_certificate(pkcs7.len() as u32 + 8, REVISION_2, TYPE_PKCS7, pkcs7))
        })
        .valid(),
        Fixture::new("length-0.exe", "T9", "dwLength 0", || with_length(|_| 0)).invalid("malformed").others_open(),
        Fixture::new("length-7.exe", "T9", "dwLength 7", || with_length(|_| 7)).invalid("malformed").others_open(),
        Fixture::new("length-beyond.exe", "T9", "dwLength past the table's end", || {
            with_length(|right| right + 0x1000)
        })
        .invalid("malformed")
        .others_open(),
        Fixture::new("two-signatures.efi", "T10", "two PKCS#7 entries, as Microsoft dual-signs shim", || {
            let image = padded(&Pe { subsystem: 10, ..Pe::pe64() }.bytes());
            let second = Signature::by(Key::P256).build(&image);
            attach(&image, &[entry(&Signature::default().build(&image)), entry(&second)].concat())
        })
        .valid()
        .fact("/signatures/0/status", "Valid")
        .fact("/signatures/1/status", "Valid"),
        Fixture::new("second-entry-junk.exe", "T10", "sound entry, then one whose dwLength is 0", || {
            with_table(|pkcs7| [entry(pkcs7), win_certificate(0, 0, 0, &[0xaa; 16])].concat())
        })
        .valid(),
        Fixture::new("first-entry-x509.exe", "T10 T11", "an X.509 entry before the PKCS#7 one", || {
            with_table(|pkcs7| [entry_of(REVISION_2, TYPE_X509, &cast::root().der()), entry(pkcs7)].concat())
        })
        .valid(),
        Fixture::new("revision-1.exe", "T11", "wRevision 0x0100", || {
            with_table(|pkcs7| entry_of(REVISION_1, TYPE_PKCS7, pkcs7))
        })
        .valid(),
        Fixture::new("only-x509.exe", "T11", "nothing but an X.509 entry", || {
            with_table(|_| entry_of(REVISION_2, TYPE_X509, &cast::leaf().der()))
        })
        .invalid("malformed")
        .others_open(),
        Fixture::new("only-efi-guid.efi", "T11", "nothing but an EFI GUID entry", || {
            with_table(|_| entry_of(REVISION_2, TYPE_EFI_GUID, &[0x5a; 48]))
        })
        .invalid("malformed")
        .others_open(),
        Fixture::new("only-unknown-type.exe", "T11", "nothing but an entry of unknown type", || {
            with_table(|_| entry_of(REVISION_2, 9, &[0x5a; 48]))
        })
        .invalid("malformed")
        .others_open(),
        Fixture::new(
            "padding-payload.exe",
            "T12",
            "payload behind the PKCS#7, all lengths and CheckSum updated",
            || {
                with_table(|pkcs7| {
                    entry(&[pkcs7, b"\xfe\xed\xfa\xce\xfe\xed\xfa\xce stowaway".repeat(4).as_slice()].concat())
                })
            },
        )
        .valid()
        .invalid("cert-padding")
        .with_flags(&["--strict-padding"]),
        Fixture::new("padding-zeros.exe", "T12", "eight kilobits of zeros behind the PKCS#7", || {
            with_table(|pkcs7| entry(&[pkcs7, &[0; 1024]].concat()))
        })
        .valid()
        .valid()
        .with_flags(&["--strict-padding"]),
    ]
}

/// The sound table with another dwLength.
fn with_length(length: fn(u32) -> u32) -> Vec<u8> {
    with_table(|pkcs7| {
        let mut table = entry(pkcs7);
        let length = length(table.len() as u32);
        table[..4].copy_from_slice(&length.to_le_bytes());
        table
    })
}

fn absent() -> Vec<Fixture> {
    let odd = Pe { overlay: b"odd".to_vec(), ..Pe::pe64() }.bytes();
    vec![
        Fixture::new("unsigned-pe32.exe", "T2", "PE32 without a signature", || Pe::pe32().bytes())
            .judged("Unsigned", "no-signature"),
        Fixture::new("unsigned-pe64.exe", "T2", "PE32+ without a signature", || Pe::pe64().bytes())
            .judged("Unsigned", "no-signature"),
        Fixture::new("unsigned-odd.exe", "T6", "unsigned, of odd length: hashed as if padded to eight", || {
            Pe { overlay: b"odd".to_vec(), ..Pe::pe64() }.bytes()
        })
        .judged("Unsigned", "no-signature")
        .fact("/authentihash/sha256", &hex(&authentihash(&padded(&odd), Hash::Sha256))),
        Fixture::new("directories-4.exe", "T2", "sound signature that NumberOfRvaAndSizes 4 hides", || {
            let mut file = sound(&Pe::pe32());
            let count = Offsets::of(&file).directory_count;
            file[count] = 4;
            file
        })
        .judged("Unsigned", "no-signature"),
    ]
}
