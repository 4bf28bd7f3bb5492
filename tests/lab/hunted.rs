//! What a finding tells and no verdict: dates that contradict each other, data where nothing is signed.

use super::ca::*;
use super::cast;
use super::cms::Signature;
use super::der::*;
use super::keys::{Hash, Key};
use super::pe::*;
use super::stamp::Token;

/// 2025-07-01 and 2014-06-01.
const LATER: u32 = 0x6863_2400;
const EARLIER: u32 = 0x538a_6c80;

/// The extension in which Omaha puts its tag (certificate_tag.go).
const OMAHA: &str = "1.3.6.1.4.1.11129.2.1.9999";

pub fn tricks() -> Vec<Trick> {
    [certificates(), attributes(), entries(), formats(), dates()].into_iter().flatten().collect()
}

/// A file with the status and the findings (code and severity) that it must have, from what was done to it.
pub struct Trick {
    pub name: &'static str,
    pub about: &'static str,
    pub build: fn() -> Vec<u8>,
    pub status: &'static str,
    pub findings: &'static [(&'static str, &'static str)],
}

impl Trick {
    fn new(name: &'static str, about: &'static str, build: fn() -> Vec<u8>) -> Trick {
        Trick { name, about, build, status: "", findings: &[] }
    }

    fn gives(mut self, status: &'static str, findings: &'static [(&'static str, &'static str)]) -> Trick {
        (self.status, self.findings) = (status, findings);
        self
    }
}

fn signed(signature: Signature) -> Vec<u8> {
    sign(&Pe::pe32().bytes(), &signature)
}

/// A certificate that nothing needs, which holds these octets in extensions.
fn dummy(extensions: &[(&str, &[u8])]) -> Der {
    let mut own = Cert::own(name(&[(COMMON_NAME, utf8("Dummy certificate"))]), Key::Other, &[1]);
    for (dotted, octets_in_it) in extensions {
        own = own.with(seq(&[oid(dotted), octets(octets_in_it)]));
    }
    own.by(&name(&[(COMMON_NAME, utf8("Unknown issuer"))]), Key::Other).der()
}

/// The publisher's signature with more certificates.
fn with_certificates(more: &[Der]) -> Vec<u8> {
    let mut signature = Signature::default();
    signature.certs.extend_from_slice(more);
    signed(signature)
}

fn with_certificate(dotted: &str, octets_in_it: &[u8]) -> Vec<u8> {
    with_certificates(&[dummy(&[(dotted, octets_in_it)])])
}

/// Octets of every value equally often, as something encrypted has them.
fn dense(length: usize) -> Vec<u8> {
    (0..length).map(|index| index as u8).collect()
}

/// The publisher's signature with this behind it in its entry, and further entries of these octets.
fn with_entries(tail: &[u8], further: &[&[u8]]) -> Vec<u8> {
    let image = padded(&Pe::pe32().bytes());
    let first = entry(&[Signature::default().build(&image), tail.to_vec()].concat());
    let further = further.iter().flat_map(|octets| entry(octets));
    attach(&image, &first.into_iter().chain(further).collect::<Vec<u8>>())
}

const SIGFLIP: [u8; 8] = [0xfe, 0xed, 0xfa, 0xce, 0xfe, 0xed, 0xfa, 0xce];

fn tag(text: &str, room: usize) -> Vec<u8> {
    let mut tag = b"Gact2.0Omaha".to_vec();
    tag.extend((text.len() as u16).to_be_bytes());
    tag.extend(text.as_bytes());
    tag.resize(room, 0);
    tag
}

fn certificates() -> Vec<Trick> {
    vec![
        Trick::new("certificate-tag.exe", "a tag in a certificate that is there for it, as Chrome has it", || {
            with_certificate(OMAHA, &tag("appguid={8A69}&ap=x64", 2048))
        })
        .gives("Valid", &[("S110", "info")]),
        Trick::new("certificate-tag-cargo.exe", "the same certificate with something behind the tag", || {
            with_certificate(OMAHA, &[tag("appguid={8A69}", 64), vec![0x5a; 2048]].concat())
        })
        .gives("Valid", &[("S110", "medium")]),
        Trick::new("certificate-cargo.exe", "two kilobytes in an extension of a superfluous certificate", || {
            with_certificate("2.999.5", &[0x5a; 2048])
        })
        .gives("Valid", &[("S110", "medium")]),
        Trick::new("certificate-tag-no-text.exe", "two kilobytes that are no text where a tag has its text", || {
            let text = dense(2048);
            let head = [b"Gact2.0Omaha".as_slice(), &(text.len() as u16).to_be_bytes()].concat();
            with_certificate(OMAHA, &[head, text].concat())
        })
        .gives("Valid", &[("S110", "medium")]),
        Trick::new(
            "certificate-tag-and-cargo.exe",
            "a tag, and three kilobytes in another extension beside it",
            || with_certificates(&[dummy(&[(OMAHA, &tag("appguid={8A69}", 64)), ("2.999.5", &dense(3000))])]),
        )
        .gives("Valid", &[("S110", "medium")]),
        Trick::new("certificate-tags.exe", "two certificates with a tag each", || {
            let one = |text| dummy(&[(OMAHA, &tag(text, 2048))]);
            with_certificates(&[one("appguid={8A69}"), one("appguid={8A70}")])
        })
        .gives("Valid", &[("S110", "medium")]),
        Trick::new("certificate-former.exe", "the publisher's former certificate is in the bag too", || {
            let mut signature = Signature::default();
            signature.certs.push(cast::expired_leaf().der());
            signed(signature)
        })
        .gives("Valid", &[]),
    ]
}

fn attributes() -> Vec<Trick> {
    vec![
        Trick::new("attribute-tag.exe", "a vendor's tag as an unsigned attribute", || {
            signed(Signature::default().add(|_| attribute("2.999.4", &[octets(b"DBPREAUTH::chrome::eJyrVkos")])))
        })
        .gives("Valid", &[("S109", "info")]),
        Trick::new("attribute-tag-second-value.exe", "a tag, and five kilobytes as a second value", || {
            let values = [octets(b"DBPREAUTH::chrome::eJyrVkos"), octets(&dense(5000))];
            signed(Signature::default().add(move |_| attribute("2.999.4", &values)))
        })
        .gives("Valid", &[("S109", "high")]),
        Trick::new("attribute-tag-no-text.exe", "five kilobytes that are no text where a tag has its text", || {
            let text = dense(5000);
            let value = [b"Gact2.0Omaha".as_slice(), &(text.len() as u16).to_be_bytes(), &text].concat();
            signed(Signature::default().add(move |_| attribute("2.999.4", &[octets(&value)])))
        })
        .gives("Valid", &[("S109", "high")]),
        Trick::new(
            "attribute-tag-and-cargo.exe",
            "a tag, and five kilobytes where a digest's parameters belong",
            || {
                let algorithm = seq(&[oid(Hash::Sha256.oid()), octets(&dense(5000))]);
                let signature = Signature { digest_algs: Some(vec![algorithm]), ..Signature::default() };
                signed(signature.add(|_| attribute("2.999.4", &[octets(b"DBPREAUTH::chrome::eJyrVkos")])))
            },
        )
        .gives("Valid", &[("S109", "high")]),
    ]
}

/// Octets behind a signature or beside it in the table.
fn entries() -> Vec<Trick> {
    vec![
        Trick::new("padding-tag.exe", "a vendor's tag behind the PKCS#7", || {
            with_entries(&tag("appguid={8A69}", 64), &[])
        })
        .gives("Valid", &[("S106", "info")]),
        Trick::new("padding-tag-far-cargo.exe", "the same, five kilobytes of zeros, and one octet", || {
            with_entries(&[tag("appguid={8A69}", 5000), vec![1]].concat(), &[])
        })
        .gives("Valid", &[("S106", "medium")]),
        Trick::new("padding-tag-no-text.exe", "two kilobytes that are no text where a tag has its text", || {
            let text = dense(2048);
            let head = [b"Gact2.0Omaha".as_slice(), &(text.len() as u16).to_be_bytes()].concat();
            with_entries(&[head, text].concat(), &[])
        })
        .gives("Valid", &[("S106", "high")]),
        Trick::new("padding-tag-long-text.exe", "a text that is longer than any tag's", || {
            with_entries(&[b"DBPREAUTH::chrome::".as_slice(), &[b'a'; 6000]].concat(), &[])
        })
        .gives("Valid", &[("S106", "medium")]),
        Trick::new("padding-far-mark.exe", "SigFlip's tag behind five kilobytes of a letter", || {
            with_entries(&[&[b'A'; 5000][..], &SIGFLIP].concat(), &[])
        })
        .gives("Valid", &[("S106", "critical")]),
        Trick::new("padding-far-dense.exe", "what looks encrypted behind eight kilobytes of a letter", || {
            with_entries(&[vec![b'A'; 8192], dense(4096)].concat(), &[])
        })
        .gives("Valid", &[("S106", "high")]),
        Trick::new("padding-far-script.exe", "a script behind five kilobytes of a letter", || {
            with_entries(&[&[b'A'; 5000][..], b"<script>"].concat(), &[])
        })
        .gives("Valid", &[("S106", "medium"), ("S111", "high")]),
        Trick::new("further-entry-signed.exe", "the same signature twice, and SigFlip's tag behind the second", || {
            let pkcs7 = Signature::default().build(&padded(&Pe::pe32().bytes()));
            with_entries(&tag("appguid={8A69}", 64), &[&[pkcs7, SIGFLIP.to_vec()].concat()])
        })
        .gives("Valid", &[("S106", "critical")]),
        Trick::new("further-entry-dense.exe", "a further entry that is no signature at all", || {
            with_entries(&[], &[&dense(2048)])
        })
        .gives("Valid", &[("S106", "high")]),
        Trick::new("further-entry-der.exe", "a further entry of DER that is no SignedData", || {
            with_entries(&[], &[&seq(&[octets(&dense(2048))])])
        })
        .gives("Valid", &[("S106", "high")]),
        Trick::new(
            "further-entry-tag.exe",
            "a further entry of a vendor's tag, which belongs behind a signature",
            || with_entries(&[], &[&tag("appguid={8A69}", 64)]),
        )
        .gives("Valid", &[("S106", "medium")]),
        Trick::new("further-entry-script.exe", "a further entry of markup that a script host runs", || {
            with_entries(&[], &[b"<hta:application/><script>"])
        })
        .gives("Valid", &[("S106", "medium"), ("S111", "high")]),
        Trick::new("further-entry-zeros.exe", "a further entry of zeros", || with_entries(&[], &[&[0; 64]]))
            .gives("Valid", &[]),
    ]
}

/// The end of an archive without members (APPNOTE 4.3.16).
fn empty_zip() -> Vec<u8> {
    [b"PK\x05\x06".as_slice(), &[0; 18]].concat()
}

fn formats() -> Vec<Trick> {
    vec![
        Trick::new("zip-behind-table.exe", "a ZIP archive behind the certificate table", || {
            [signed(Signature::default()), empty_zip()].concat()
        })
        .gives("Invalid", &[("S101", "high"), ("S108", "high"), ("S111", "high"), ("S112", "medium")]),
        Trick::new("zip-in-padding.exe", "a ZIP archive behind the PKCS#7", || {
            let image = padded(&Pe::pe32().bytes());
            let pkcs7 = Signature::default().build(&image);
            // The comment takes what alignment adds.
            let mut zip = empty_zip();
            let room = (pkcs7.len() + zip.len()).wrapping_neg() & 7;
            zip[20] = room as u8;
            zip.extend(vec![b' '; room]);
            attach(&image, &entry(&[pkcs7, zip].concat()))
        })
        .gives("Valid", &[("S106", "medium"), ("S111", "high")]),
        Trick::new("zip-in-overlay.exe", "a ZIP archive that is signed with the file", || {
            sign(&Pe { overlay: empty_zip(), ..Pe::pe32() }.bytes(), &Signature::default())
        })
        .gives("Valid", &[("S111", "info")]),
    ]
}

fn dates() -> Vec<Trick> {
    vec![
        Trick::new("thief-over-installer.exe", "a signature behind that of a signed file with an overlay", || {
            let host = sign(&Pe { overlay: vec![b'O'; 1000], ..Pe::pe64() }.bytes(), &Signature::default());
            graft(&signed(Signature::default()), &host)
        })
        .gives("Invalid", &[("S101", "high"), ("S104", "high"), ("S112", "medium")]),
        Trick::new("installer.exe", "a signed file that carries a signed file", || {
            let carried = [vec![b'O'; 1000], signed(Signature::default())].concat();
            sign(&Pe { overlay: carried, ..Pe::pe64() }.bytes(), &Signature::default())
        })
        .gives("Valid", &[]),
        Trick::new("thief-later-host.exe", "a stamped signature on a file that was built after it", || {
            let donor = signed(Signature::default().add(Token::at("20250301120000Z").attribute()));
            graft(&donor, &padded(&Pe { built: LATER, ..Pe::pe64() }.bytes()))
        })
        .gives("Invalid", &[("S101", "high"), ("S103", "high")]),
        Trick::new("token-earlier.exe", "signed four months before its header's date", || {
            let signature = Signature::default().add(Token::at("20250301120000Z").attribute());
            sign(&Pe { built: LATER, ..Pe::pe32() }.bytes(), &signature)
        })
        .gives("Valid", &[("S103", "low")]),
        Trick::new("driver-old.sys", "a driver of 2014, signed and stamped then", || {
            driver(EARLIER, Some("20140701000000Z"))
        })
        .gives("Valid", &[]),
        Trick::new("driver-backdated.sys", "a driver of 2025 under a certificate that ended in 2015", || {
            driver(LATER, Some("20140701000000Z"))
        })
        .gives("Valid", &[("S103", "low"), ("S119", "high")]),
        Trick::new("driver-old-unstamped.sys", "a driver of 2014 without a timestamp", || driver(EARLIER, None))
            .gives("Expired", &[("S119", "medium"), ("S120", "medium")]),
    ]
}

/// A driver by the publisher's certificate of 2013 to 2015.
fn driver(built: u32, stamp: Option<&'static str>) -> Vec<u8> {
    let mut signature = Signature::with(cast::leaf().valid("20130101000000Z", "20150101000000Z").der(), Key::Leaf);
    if let Some(time) = stamp {
        signature = signature.add(Token::at(time).attribute());
    }
    sign(&Pe { subsystem: 1, built, ..Pe::pe64() }.bytes(), &signature)
}
