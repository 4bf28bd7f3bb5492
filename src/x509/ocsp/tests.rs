use super::*;
use crate::x509::Certificate;

fn hex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

fn root() -> Vec<u8> {
    pem::parse(include_str!("../../../testdata/pki/root.pem")).unwrap().into_contents()
}

/// What `openssl ocsp -issuer testdata/pki/root.pem -serial 0x102030 -no_nonce -reqout` and, with `-sha256` and a nonce,
/// `-serial 0x9a0b` write.
#[test]
fn requests_are_those_that_openssl_makes() {
    let der = root();
    let issuer = Certificate::parse(&der).unwrap();
    let id = |hash, serial: &[u8]| cert_id(hash, issuer.subject, issuer.spki, serial).unwrap();
    assert_eq!(
        request(&[id(DigestAlgorithm::Sha1, &[0x10, 0x20, 0x30])], None),
        hex("304430423040303e303c300906052b0e03021a0500041438eb6470b00432f6c944f3e709993d2df42ff99d\
             041472a8f136519bf083ffd4dca74e94624f7d5393d10203102030")
    );
    let nonce = hex("0c65cb872a4c7826f222e3785ab477d5");
    assert_eq!(
        request(&[id(DigestAlgorithm::Sha256, &[0x00, 0x9a, 0x0b])], Some(&nonce)),
        hex("308186308183305c305a3058300d060960864801650304020105000420cef674207725474d7c40f38ced62cfa7\
             47b21ef61cfad58491bc6bdde1824d050420becd2902c1ac7440edaf7f1f81c7b7ac26ed167f7e8ca37ba82a8b\
             ab3030e6c50203009a0ba2233021301f06092b0601050507300102041204100c65cb872a4c7826f222e3785ab4\
             77d5")
    );
    assert_eq!(cert_id(DigestAlgorithm::Md4, issuer.subject, issuer.spki, &[1]), None);
    assert_eq!(cert_id(DigestAlgorithm::Sha1, issuer.subject, b"no key", &[1]), None);
}

fn seq(parts: &[&[u8]]) -> Vec<u8> {
    element(tag::SEQUENCE, parts)
}

fn moment(text: &str) -> Vec<u8> {
    element(tag::GENERALIZED_TIME, &[text.as_bytes()])
}

/// A response with these answers and extensions by a responder with a key hash, with a signature of no meaning.
fn response(answers: &[&[u8]], extensions: &[u8]) -> Vec<u8> {
    let algorithm = seq(&[&element(tag::OID, &[&[0x2a, 0x03, 0x04]])]);
    let responder = element(tag::context_constructed(2), &[&element(tag::OCTET_STRING, &[&[7; 20]])]);
    let tbs = seq(&[&responder, &moment("20260501000001Z"), &seq(answers), extensions]);
    let basic = seq(&[&tbs, &algorithm, &element(tag::BIT_STRING, &[&[0, 1, 2, 3]])]);
    let typed = seq(&[&element(tag::OID, &[oids::OCSP_BASIC_RESPONSE]), &element(tag::OCTET_STRING, &[&basic])]);
    seq(&[&element(ENUMERATED, &[&[0]]), &element(tag::context_constructed(0), &[&typed])])
}

fn answer(serial: &[u8], status: &[u8], rest: &[u8]) -> Vec<u8> {
    let der = root();
    let issuer = Certificate::parse(&der).unwrap();
    let id = cert_id(DigestAlgorithm::Sha1, issuer.subject, issuer.spki, serial).unwrap();
    seq(&[&id, status, &moment("20260501000000Z"), rest])
}

#[test]
fn responses_are_read_with_every_kind_of_answer() {
    let revoked = [&moment("20250301120000Z")[..], &element(0xa0, &[&element(ENUMERATED, &[&[1]])])].concat();
    let until = element(0xa0, &[&moment("20260508000000Z")]);
    let nonce = element(tag::OCTET_STRING, &[&element(tag::OCTET_STRING, &[b"once"])]);
    let extension = seq(&[&element(tag::OID, &[oids::OCSP_NONCE]), &nonce]);
    let bytes = response(
        &[
            &answer(&[1], &[0x80, 0x00], &until),
            &answer(&[2], &element(0xa1, &[&revoked]), &[]),
            &answer(&[3], &[0x82, 0x00], &element(0xa0, &[&moment("whenever")])),
        ],
        &element(0xa1, &[&seq(&[&extension])]),
    );
    let parsed = OcspResponse::parse(&bytes).unwrap();
    assert_eq!((parsed.raw.len(), parsed.status.name()), (bytes.len(), "successful"));
    let basic = parsed.basic.unwrap();
    assert_eq!(basic.responder, ResponderId::Key(&[7; 20]));
    assert_eq!(basic.produced_at, Time::parse_rfc3339("2026-05-01T00:00:01Z"));
    assert_eq!(basic.nonce(), Some(&b"once"[..]));
    let said: Vec<_> = basic.answers.iter().map(|one| (one.id.serial, one.status, one.next_update)).collect();
    let date = Time::parse_rfc3339("2025-03-01T12:00:00Z");
    assert_eq!(
        said,
        [
            (&[1][..], CertStatus::Good, NextUpdate::At(Time::parse_rfc3339("2026-05-08").unwrap())),
            (&[2], CertStatus::Revoked { date, reason: Some(RevocationReason(1)) }, NextUpdate::Absent),
            (&[3], CertStatus::Unknown, NextUpdate::Unreadable),
        ]
    );
    let der = root();
    let issuer = Certificate::parse(&der).unwrap();
    let id = basic.answers[0].id;
    let compare = |names: &[&[u8]], serial: &[u8]| Matcher::new(names, issuer.spki, serial).compare(&id);
    assert_eq!(compare(&[issuer.subject], &[1]), Match::Certificate);
    assert_eq!(compare(&[&[0x30, 0x00], issuer.subject], &[0, 1]), Match::Certificate);
    assert_eq!(compare(&[issuer.subject], &[2]), Match::Nothing);
    assert_eq!(compare(&[&[0x30, 0x00]], &[1]), Match::OtherName);
    assert_eq!(Matcher::new(&[issuer.subject], b"no key", &[1]).compare(&id), Match::Nothing);
}

#[test]
fn refusals_have_no_answer_and_say_why() {
    for (code, name) in [(1, "malformedRequest"), (3, "tryLater"), (6, "unauthorized"), (9, "unknown")] {
        let bytes = seq(&[&element(ENUMERATED, &[&[code]])]);
        let parsed = OcspResponse::parse(&bytes).unwrap();
        assert!(parsed.basic.is_none());
        assert_eq!(parsed.status.name(), name);
    }
}

#[test]
fn any_octet_may_be_anything() {
    let whole = response(&[&answer(&[1], &[0x80, 0x00], &[])], &[]);
    for end in 0..whole.len() {
        assert!(OcspResponse::parse(&whole[..end]).is_err());
    }
    for place in 0..whole.len() {
        for value in [0x00, 0x01, 0x30, 0x7f, 0x80, 0xff] {
            let mut damaged = whole.clone();
            damaged[place] = value;
            if let Ok(OcspResponse { basic: Some(basic), .. }) = OcspResponse::parse(&damaged) {
                let mut matcher = Matcher::new(&[], &[], &[1]);
                let _ = (basic.nonce(), basic.answers.iter().any(|one| matcher.compare(&one.id) == Match::Certificate));
            }
        }
    }
}
