//! Who revokes whom: the lists and responses of `testdata/crl/` and `testdata/ocsp/`, and the delegates of
//! `testdata/intermediates/` that sign some of them.

use super::ca::*;
use super::cast::{inter_name, root_name, tsa_root_name};
use super::der::*;
use super::keys::Key;
use super::ocsp::{Ocsp, Said};

/// The publisher's serial number.
pub const LEAF: [u8; 3] = [0x10, 0x20, 0x30];

/// The intermediate's current revocation list.
fn inter_crl() -> Crl {
    Crl::by(inter_name(), Key::Inter).with(aki(&Key::Inter.id())).with(crl_number(7))
}

/// The same, naming the publisher from one second before the fixtures' timestamp of 2025-03-01T12:00:00Z.
pub fn leaf_before() -> Crl {
    inter_crl().lists(&LEAF, "20250301115959Z", &[crl_reason(1), invalidity_date("20250201000000Z")])
}

/// A delegate of the intermediate's name with a key of its own, by the root.
fn crl_signer() -> Cert {
    let cert = Cert::own(inter_name(), Key::P256, &[0x0d]).with(key_usage(&[6])).with(ski(&Key::P256.id()));
    cert.by(&root_name(), Key::Root).with(aki(&Key::Root.id()))
}

/// What `testdata/intermediates/` holds.
pub fn delegates() -> Vec<(&'static str, Der)> {
    let cannot = crl_signer().without("2.5.29.15").with(key_usage(&[0]));
    let elsewhere = crl_signer().without(AUTHORITY_KEY_ID).by(&tsa_root_name(), Key::TsaRoot);
    vec![
        ("crl-signer", crl_signer().der()),
        ("crl-signer-without-usage", cannot.der()),
        ("crl-signer-of-another-root", elsewhere.with(aki(&Key::TsaRoot.id())).der()),
        ("crl-signer-expired", crl_signer().valid("20200101000000Z", "20260430235959Z").der()),
    ]
}

/// One of a set of reasons, as onlySomeReasons.
fn some_reasons(bits: &[u8]) -> Der {
    let named = named_bits(bits);
    distribution_point(&ctx_prim(3, split(&named).0))
}

/// `http://fixture.example/NAME` as a DistributionPointName.
pub fn full_name(name: &str) -> Der {
    ctx(0, &ctx(0, &ctx_prim(6, format!("http://fixture.example/{name}").as_bytes())))
}

/// What `testdata/crl/` holds: one in PEM, the others in DER. Those without a remark are of the intermediate, sound and current.
pub fn crls() -> Vec<(String, Vec<u8>)> {
    let root_crl = || Crl::by(root_name(), Key::Root).with(aki(&Key::Root.id())).with(crl_number(1));
    let tsa_crl = Crl::by(tsa_root_name(), Key::TsaRoot).with(aki(&Key::TsaRoot.id()));
    let delegated = || Crl { key: Key::P256, exts: vec![aki(&Key::P256.id()), crl_number(7)], ..inter_crl() };
    let delta = |since| Crl { exts: vec![aki(&Key::Inter.id()), crl_number(8), delta_of(since)], ..inter_crl() };
    let flag = |number| ctx_prim(number, &[0xff]);
    let late = "20250301120001Z";
    let crls = [
        ("clear", inter_crl().lists(&[0x10, 0x20, 0x31], "20250101000000Z", &[])),
        ("leaf-before", leaf_before()),
        ("leaf-at", inter_crl().lists(&LEAF, "20250301120000Z", &[crl_reason(4)])),
        ("leaf-after", inter_crl().lists(&LEAF, late, &[crl_reason(1), invalidity_date("20240601000000Z")])),
        ("leaf-hold", inter_crl().valid("20260401000000Z", "20270401000000Z").lists(&LEAF, late, &[crl_reason(6)])),
        ("wrong-signature", Crl { broken: true, ..leaf_before() }),
        ("wrong-issuer", Crl { issuer: dn("Fixture Other CA"), key: Key::Other, exts: Vec::new(), ..leaf_before() }),
        ("wrong-key", Crl { key: Key::Other, exts: Vec::new(), ..leaf_before() }),
        ("stale-listing", leaf_before().valid("20250401000000Z", "20250501000000Z")),
        ("stale-silent", inter_crl().valid("20250401000000Z", "20250501000000Z")),
        ("future", leaf_before().valid("20260601000001Z", "20270601000000Z")),
        ("indirect", leaf_before().with(distribution_point(&flag(4)))),
        ("foreign-entry", inter_crl().lists(&LEAF, late, &[certificate_issuer(&dn("Fixture Other CA"))])),
        ("attributes", inter_crl().with(distribution_point(&flag(5)))),
        ("some-reasons", inter_crl().with(some_reasons(&[1]))),
        ("reasons-1-4", inter_crl().with(some_reasons(&[1, 2, 3, 4]))),
        ("reasons-5-8", inter_crl().valid("20260502000000Z", "20270501000000Z").with(some_reasons(&[5, 6, 7, 8]))),
        ("reasons-5-8-leaf-after", inter_crl().with(some_reasons(&[5, 6, 7, 8])).lists(&LEAF, late, &[crl_reason(5)])),
        ("part", inter_crl().with(distribution_point(&full_name("part-2.crl")))),
        ("part-1", inter_crl().with(distribution_point(&full_name("part-1.crl")))),
        ("delegated", delegated()),
        ("delegated-leaf-before", Crl { entries: leaf_before().entries, ..delegated() }),
        ("delta", delta(7)),
        ("delta-adds", delta(7).lists(&LEAF, late, &[crl_reason(1)])),
        ("delta-removes", delta(7).lists(&LEAF, late, &[crl_reason(8)])),
        ("delta-of-later", delta(8)),
        ("delta-stale", delta(7).valid("20260501000000Z", "20260508000000Z")),
        ("unknown-critical", leaf_before().with(unknown_critical())),
        ("inter-revoked", root_crl().lists(&[2], "20250101000000Z", &[crl_reason(2)])),
        ("signer-revoked", root_crl().lists(&[0x0d], "20260502000000Z", &[crl_reason(5)])),
        ("responder-revoked", inter_crl().lists(&[0x0c], "20260502000000Z", &[crl_reason(5)])),
        ("tsa", tsa_crl.lists(&[0x74], "20240101000000Z", &[crl_reason(1)])),
    ];
    let mut files: Vec<_> = crls.into_iter().map(|(stem, crl)| (format!("{stem}.crl"), crl.der())).collect();
    files.push(("root.pem".to_owned(), pem_block("X509 CRL", &root_crl().der())));
    files
}

/// A responder whom the intermediate authorised, with a key of its own.
fn responder() -> Cert {
    let cert = Cert::own(dn("Fixture Responder"), Key::P256, &[0x0c]).valid("20260401000000Z", "20270401000000Z");
    let cert = cert.with(key_usage(&[0])).with(eku(&[OCSP_SIGNING])).with(ski(&Key::P256.id()));
    cert.by(&inter_name(), Key::Inter).with(aki(&Key::Inter.id()))
}

/// What `testdata/ocsp/` holds. Those without a remark are by the intermediate's own key, about the publisher, sound and
/// current.
pub fn responses() -> Vec<(String, Vec<u8>)> {
    let by_issuer = |said| Ocsp::by(Key::Inter).about(&inter_name(), Key::Inter, &LEAF, said);
    let by = |cert: Cert| Ocsp { certs: vec![cert.der()], ..Ocsp::by(Key::P256).named(&dn("Fixture Responder")) };
    let delegated = |cert| by(cert).about(&inter_name(), Key::Inter, &LEAF, Said::Good);
    let from_root = responder().by(&root_name(), Key::Root);
    let responses = [
        ("good", by_issuer(Said::Good)),
        ("good-sha256", Ocsp::sha256(Key::Inter).about(&inter_name(), Key::Inter, &LEAF, Said::Good)),
        ("revoked-before", by_issuer(Said::Revoked("20250301115959Z", 1))),
        ("revoked-at", by_issuer(Said::Revoked("20250301120000Z", 4))),
        ("revoked-after", by_issuer(Said::Revoked("20250301120001Z", 1))),
        ("unknown", by_issuer(Said::Unknown)),
        (
            "expired",
            Ocsp::by(Key::Inter).valid("20260501000000Z", Some("20260508000000Z")).about(
                &inter_name(),
                Key::Inter,
                &LEAF,
                Said::Good,
            ),
        ),
        (
            "expired-revoked",
            Ocsp::by(Key::Inter).valid("20260501000000Z", Some("20260508000000Z")).about(
                &inter_name(),
                Key::Inter,
                &LEAF,
                Said::Revoked("20250301115959Z", 1),
            ),
        ),
        (
            "open-ended",
            Ocsp::by(Key::Inter).valid("20260531000000Z", None).about(&inter_name(), Key::Inter, &LEAF, Said::Good),
        ),
        (
            "future",
            Ocsp::by(Key::Inter).valid("20260601000001Z", Some("20260608000000Z")).about(
                &inter_name(),
                Key::Inter,
                &LEAF,
                Said::Good,
            ),
        ),
        ("wrong-signature", Ocsp { broken: true, ..by_issuer(Said::Good) }),
        ("wrong-name", Ocsp::by(Key::Inter).about(&dn("Fixture Other CA"), Key::Inter, &LEAF, Said::Good)),
        ("wrong-key", Ocsp::by(Key::Inter).about(&inter_name(), Key::Other, &LEAF, Said::Good)),
        ("wrong-serial", Ocsp::by(Key::Inter).about(&inter_name(), Key::Inter, &[0x10, 0x20, 0x31], Said::Good)),
        ("delegated", delegated(responder().with(ocsp_no_check()))),
        ("delegated-checked", delegated(responder())),
        ("delegated-without-usage", delegated(responder().without(EKU).with(ocsp_no_check()))),
        ("delegated-expired", delegated(responder().valid("20250401000000Z", "20260401000000Z").with(ocsp_no_check()))),
        ("delegated-by-another", delegated(from_root.with(ocsp_no_check()))),
        ("delegated-forged", delegated(Cert { broken: true, ..responder() }.with(ocsp_no_check()))),
        ("delegated-missing", Ocsp { certs: Vec::new(), ..delegated(responder()) }),
        ("critical", Ocsp { exts: vec![unknown_critical()], ..by_issuer(Said::Good) }),
        ("refusal", Ocsp { refusal: Some(6), ..by_issuer(Said::Good) }),
        ("inter-good", Ocsp::by(Key::Root).about(&root_name(), Key::Root, &[2], Said::Good)),
    ];
    responses.into_iter().map(|(stem, response)| (format!("{stem}.ocsp"), response.der())).collect()
}

/// One of them.
pub fn response(stem: &str) -> Der {
    let wanted = format!("{stem}.ocsp");
    responses().into_iter().find(|(name, _)| *name == wanted).unwrap().1
}
