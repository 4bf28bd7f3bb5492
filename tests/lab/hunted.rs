//! What a finding tells and no verdict: dates that contradict each other, data where nothing is signed.

use super::ca::*;
use super::cast;
use super::cms::Signature;
use super::der::*;
use super::keys::Key;
use super::pe::*;
use super::stamp::Token;

/// 2025-07-01 and 2014-06-01.
const LATER: u32 = 0x6863_2400;
const EARLIER: u32 = 0x538a_6c80;

/// The extension in which Omaha puts its tag (certificate_tag.go).
const OMAHA: &str = "1.3.6.1.4.1.11129.2.1.9999";

pub fn tricks() -> Vec<Trick> {
    [certificates(), attributes(), formats(), dates()].into_iter().flatten().collect()
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

/// The publisher's signature with one more certificate, which holds these octets in an extension.
fn with_certificate(dotted: &str, octets_in_it: &[u8]) -> Vec<u8> {
    let own = Cert::own(name(&[(COMMON_NAME, utf8("Dummy certificate"))]), Key::Other, &[1]);
    let own = own.with(seq(&[oid(dotted), octets(octets_in_it)]));
    let mut signature = Signature::default();
    signature.certs.push(own.by(&name(&[(COMMON_NAME, utf8("Unknown issuer"))]), Key::Other).der());
    signed(signature)
}

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
        Trick::new("padding-tag.exe", "a vendor's tag behind the PKCS#7", || {
            let image = padded(&Pe::pe32().bytes());
            let pkcs7 = Signature::default().build(&image);
            attach(&image, &entry(&[pkcs7, tag("appguid={8A69}", 64)].concat()))
        })
        .gives("Valid", &[("S106", "info")]),
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
