//! Timestamps and dates that were made to hide what is wrong, or to make count what is over.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

#[path = "lab/mod.rs"]
mod lab;
mod program;

use std::fs;
use std::path::Path;
use std::process::Command;

use lab::ca::*;
use lab::cast::{
    authority, expired_leaf, inter, inter_name, leaf, publisher, root_name, self_signed, tsa, tsa_root_name,
};
use lab::cms::{Signature, flip};
use lab::der::*;
use lab::keys::{Hash, Key};
use lab::pe::*;
use lab::stamp::{Counter, Token};
use program::command::{judged, verdict};
use serde_json::{Value, json};

/// While the certificate of [`expired_leaf`] was valid, and while that of [`leaf`] was.
const THEN: &str = "20220301120000Z";
const NOW: &str = "20250301120000Z";

/// An attribute that nobody signs.
type Stamp = Box<dyn Fn(&[u8]) -> Der>;

/// A signature, the time of its timestamps, options, and its verdict without them.
type Case<'c> = (&'c dyn Fn() -> Signature, &'static str, &'c [&'c str], &'c str);

/// An algorithm that nobody knows.
fn unknown() -> Option<Der> {
    Some(alg("1.2.3.4"))
}

/// A signature, with its authority's certificate in the bag for whoever counter-signs.
fn by(cert: Cert, key: Key) -> Signature {
    let cert = cert.der();
    Signature { certs: vec![cert.clone(), inter().der(), tsa().der()], ..Signature::with(cert, key) }
}

/// Its status and reason with an attribute that nobody signed.
fn with(folder: &Path, signature: Signature, stamp: impl Fn(&[u8]) -> Der + 'static, options: &[&str]) -> String {
    verdict(folder, &sign(&image(), &signature.add(stamp)), options)
}

/// An issuer's list, as a file in the folder.
fn listed(folder: &Path, name: &str, list: &Crl) {
    fs::write(folder.join(name), list.der()).unwrap();
}

fn inter_list() -> Crl {
    Crl::by(inter_name(), Key::Inter).with(aki(&Key::Inter.id()))
}

/// Both lists of the publisher's chain: the publisher was revoked after the timestamps of [`NOW`].
fn revoked(folder: &Path) -> [&'static str; 4] {
    listed(folder, "inter.crl", &inter_list().lists(&leaf().serial, "20250401000000Z", &[crl_reason(1)]));
    listed(folder, "root.crl", &Crl::by(root_name(), Key::Root).with(aki(&Key::Root.id())));
    ["--crl", "inter.crl", "--crl", "root.crl"]
}

/// Anybody adds a token of two hundred octets that names an algorithm of his own, or a counter-signature of an authority of
/// his own. What is wrong with the signature stays as wrong as it was.
#[test]
fn no_timestamp_hides_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let at = |time: &'static str| Token::at(time);
    // Keys that nobody computes: DSA, and Ed25519.
    let stranger = |key_alg: &str, time: &'static str| {
        let cert = Cert::own(dn("Somebody's Time"), Key::Other, &[9]).with(eku_critical(&[TIME_STAMPING]));
        let spki = seq(&[alg(key_alg), bits(&[5; 32])]);
        Token { key: Key::Other, ..at(time).from(Cert { spki, ..cert }.der()) }
    };
    let kinds = |time: &'static str| -> [(&str, Stamp); 7] {
        let junk = Token { imprint_alg: unknown(), certs: Vec::new(), ..stranger("1.3.101.112", time) };
        let counter = Counter { digest_alg: unknown(), ..Counter::at(time) };
        let raised = |key_alg| Box::new(stranger(key_alg, time).attribute()) as Stamp;
        [
            ("junk", Box::new(junk.attribute())),
            ("DSA", raised("1.2.840.10040.4.1")),
            ("Ed25519", raised("1.3.101.112")),
            ("imprint", Box::new(Token { imprint_alg: unknown(), ..at(time) }.attribute())),
            ("digest", Box::new(Token { digest_alg: unknown(), ..at(time) }.attribute())),
            ("counter", Box::new(counter.attribute())),
            ("broken imprint", Box::new(Token { imprint_alg: unknown(), broken: true, ..at(time) }.attribute())),
        ]
    };
    let crls = revoked(folder);
    let own = || self_signed(dn_of("Microsoft Corporation", "Microsoft Corporation"));
    let nowhere = || leaf().by(&dn("Nowhere"), Key::Other).without(AUTHORITY_KEY_ID);
    let usage = || leaf().without("2.5.29.37").with(eku(&[TIME_STAMPING]));
    let tampered = || Signature { bend_digest: |digest| flip(digest), ..by(leaf(), Key::Leaf) };
    let short = || publisher(Key::Rsa512).valid("20050101000000Z", "20280101000000Z");
    let old = "20090601120000Z";
    let signers: [Case<'_>; 8] = [
        (&|| by(own(), Key::Other), NOW, &[], "Untrusted/self-signed"),
        (&|| by(nowhere(), Key::Leaf), NOW, &[], "Untrusted/chain-incomplete"),
        (&|| by(usage(), Key::Leaf), NOW, &[], "Untrusted/wrong-usage"),
        (&|| by(leaf(), Key::Leaf), NOW, &crls, "Revoked/cert-revoked"),
        (&tampered, NOW, &[], "Invalid/bad-digest"),
        (&|| by(expired_leaf(), Key::Leaf), THEN, &[], "Expired/cert-expired"),
        (&|| by(short(), Key::Rsa512), old, &[], "Untrusted/weak-signature"),
        (
            &|| by(leaf(), Key::Leaf),
            NOW,
            &["--crl", "root.crl", "--require-revocation"],
            "Untrusted/revocation-unknown",
        ),
    ];
    for (signer, time, options, expected) in signers {
        assert_eq!(verdict(folder, &sign(&image(), &signer()), options), expected);
        for (kind, stamp) in kinds(time) {
            // What is broken for certain is worse than not to know whether somebody is revoked.
            let worse = match (kind, expected) {
                ("junk" | "broken imprint", "Untrusted/revocation-unknown") => "Invalid/timestamp-invalid",
                ("DSA" | "Ed25519", "Untrusted/revocation-unknown") => "Untrusted/timestamp-untrusted",
                _ => expected,
            };
            assert_eq!(with(folder, signer(), stamp, options), worse, "{kind} beside {expected}");
        }
    }
    // With nothing else wrong, only an authority that Windows may trust leaves the question open.
    let (broken, untrusted) = ("Invalid/timestamp-invalid", "Untrusted/timestamp-untrusted");
    let open = "Error/unsupported-algorithm";
    let expected = [broken, untrusted, untrusted, open, open, open, broken];
    for ((kind, stamp), expected) in kinds(NOW).into_iter().zip(expected) {
        assert_eq!(with(folder, by(leaf(), Key::Leaf), stamp, &[]), expected, "{kind}");
    }
    // Beside a token of another signature, or one that is usable.
    let wrong = || Token { bend_imprint: |imprint| flip(imprint), ..at(NOW) };
    for ((kind, stamp), expected) in kinds(NOW).into_iter().zip([broken, broken, broken, open, open, open, broken]) {
        assert_eq!(with(folder, by(leaf(), Key::Leaf).add(wrong().attribute()), stamp, &[]), expected, "{kind}");
    }
    for (kind, stamp) in kinds(NOW) {
        assert_eq!(with(folder, by(leaf(), Key::Leaf).add(at(NOW).attribute()), stamp, &[]), "Valid/ok", "{kind}");
    }
}

/// S118 of a file: severity and fault.
fn proves_nothing(record: &Value) -> Option<(Value, Value)> {
    let found = record["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == "S118")?;
    Some((found["severity"].clone(), found["evidence"]["fault"].clone()))
}

#[test]
fn a_timestamp_that_proves_nothing_is_found_behind_one_that_is_not_known() {
    let folder = tempfile::tempdir().unwrap();
    let of = |tokens: Vec<Token>| {
        let signature = tokens.into_iter().fold(by(leaf(), Key::Leaf), |all, token| all.add(token.attribute()));
        proves_nothing(&judged(folder.path(), &sign(&image(), &signature), &[]))
    };
    let open = || Token { digest_alg: unknown(), ..Token::at(NOW) };
    let stranger = || {
        let cert = Cert::own(dn("Somebody's Time"), Key::Tsa, &[9]).with(eku_critical(&[TIME_STAMPING]));
        Token { digest_alg: unknown(), ..Token::at(NOW).from(cert.der()) }
    };
    let wrong = || Token { bend_imprint: |imprint| flip(imprint), ..Token::at(NOW) };
    assert_eq!(of(vec![open()]), None);
    assert_eq!(of(vec![stranger()]), Some((json!("medium"), json!("unsupported-algorithm"))));
    assert_eq!(of(vec![open(), wrong()]), Some((json!("high"), json!("imprint"))));
    assert_eq!(of(vec![Token { imprint: Hash::Md2, ..Token::at(NOW) }]), Some((json!("high"), json!("bad-algorithm"))));
}

/// Tokens whose authority might be issued by any of a crowd of namesakes with the largest keys. Three use up what a file may cost.
fn costly(signature: Signature, time: &'static str) -> Signature {
    let name = dn("Costly Time");
    let key = |number: u8| {
        let modulus = [&[0xc5; 2_046][..], &[number, 1]].concat();
        seq(&[alg_null("1.2.840.113549.1.1.1"), bits(&seq(&[uint(&modulus), uint(&[0xff; 8])]))])
    };
    let crowd = (0..32u8).map(|number| {
        let cert =
            Cert { spki: key(number), ..authority(name.clone(), Key::Other, number + 1).without(SUBJECT_KEY_ID) };
        cert.by(&dn("Nobody"), Key::Other).der()
    });
    let crowd: Vec<Der> = crowd.collect();
    (0..8u8).fold(signature, |all, number| {
        let cert = Cert::own(dn("Costly"), Key::Tsa, &[9, number + 1]).with(eku_critical(&[TIME_STAMPING]));
        let mut token = Token::at(time).from(cert.by(&name, Key::Other).der());
        token.certs.extend(crowd.iter().cloned());
        all.add(token.attribute())
    })
}

/// What is certain without timestamps stays certain, whatever they cost; what one could change is not said.
#[test]
fn no_timestamp_spends_what_the_signer_needs() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let crls = revoked(folder);
    let of = |signature: Signature, time, options: &[&str]| {
        verdict(folder, &sign(&image(), &costly(signature, time)), options)
    };
    let own = self_signed(dn_of("Microsoft Corporation", "Microsoft Corporation"));
    assert_eq!(of(by(own, Key::Other), NOW, &[]), "Untrusted/self-signed");
    let nowhere = leaf().by(&dn("Nowhere"), Key::Other).without(AUTHORITY_KEY_ID);
    assert_eq!(of(by(nowhere, Key::Leaf), NOW, &[]), "Untrusted/chain-incomplete");
    assert_eq!(of(by(leaf(), Key::Leaf), NOW, &crls), "Revoked/cert-revoked");
    let tampered = Signature { bend_digest: |digest| flip(digest), ..by(leaf(), Key::Leaf) };
    assert_eq!(of(tampered, NOW, &[]), "Invalid/bad-digest");
    // One that was not looked at may be sound, and would help only if it is of the right time.
    assert_eq!(of(by(expired_leaf(), Key::Leaf), THEN, &[]), "Error/limit");
    assert_eq!(of(by(expired_leaf(), Key::Leaf), NOW, &[]), "Expired/cert-expired");
    let lifetime = || expired_leaf().without("2.5.29.37").with(eku(&[CODE_SIGNING, "1.3.6.1.4.1.311.10.3.13"]));
    assert_eq!(of(by(lifetime(), Key::Leaf), THEN, &[]), "Expired/cert-expired");
    assert_eq!(of(by(leaf(), Key::Leaf), NOW, &[]), "Error/limit");
    // Nor is anything Valid by what was spent behind a usable one.
    let stamped = |cert, time| by(cert, Key::Leaf).add(Token::at(time).attribute());
    assert_eq!(of(stamped(leaf(), NOW), NOW, &[]), "Error/limit");
    assert_eq!(of(stamped(expired_leaf(), NOW), NOW, &[]), "Expired/timestamp-outside-validity");
    assert_eq!(of(stamped(expired_leaf(), NOW), THEN, &[]), "Error/limit");
    let record = judged(folder, &sign(&image(), &costly(by(leaf(), Key::Leaf), NOW)), &[]);
    let faults = record["signatures"][0]["timestamps"].as_array().unwrap().iter().map(|stamp| &stamp["fault"]);
    assert!(faults.into_iter().any(|fault| fault == "limit"));
    assert_eq!(record["signer"]["common_name"], "Fixture Publisher");
}

/// RFC 3161 section 4: whoever has an authority's key writes any date.
#[test]
fn a_time_authority_that_was_revoked_does_not_vouch_for_itself() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let file = sign(&image(), &by(expired_leaf(), Key::Leaf).add(Token::at(THEN).attribute()));
    let list = || Crl::by(tsa_root_name(), Key::TsaRoot).with(aki(&Key::TsaRoot.id()));
    let of = |date: &str, extensions: &[Der], policy: &str| {
        listed(folder, "tsa.crl", &list().lists(&tsa().serial, date, extensions));
        verdict(folder, &file, &["--crl", "tsa.crl", "--policy", policy])
    };
    assert_eq!(verdict(folder, &file, &["--policy", "rfc5280"]), "Valid/ok");
    let (before, after) = ("20220201000000Z", "20260301000000Z");
    let reasons = [None, Some(0), Some(1), Some(2), Some(3), Some(4), Some(5), Some(6), Some(9), Some(10)];
    for reason in reasons {
        let extensions: Vec<Der> = reason.map(crl_reason).into_iter().collect();
        let late = if matches!(reason, Some(0 | 3 | 4 | 5)) { "Valid/ok" } else { "Expired/cert-expired" };
        assert_eq!(of(after, &extensions, "rfc5280"), late, "{reason:?}");
        assert_eq!(of(before, &extensions, "rfc5280"), "Expired/cert-expired", "{reason:?}");
        for policy in ["windows", "windows-strict", "kernel"] {
            let strict = policy == "windows-strict"; // which wants lists of the signer's authorities
            let expected = if strict { "Untrusted/revocation-unknown" } else { "Valid/ok" };
            assert_eq!(of(after, &extensions, policy), expected, "{reason:?}");
            assert_eq!(of(before, &extensions, policy), expected, "{reason:?}");
        }
    }
    // A list of other reasons, with an earlier date, does not hide the one that counts.
    let some = |bits: &[u8]| distribution_point(&ctx_prim(3, split(&named_bits(bits)).0));
    let stolen = list().with(some(&[1, 2])).lists(&tsa().serial, after, &[crl_reason(1)]);
    let closed = list().with(some(&[3, 4, 5, 6, 7, 8])).lists(&tsa().serial, "20260201000000Z", &[crl_reason(5)]);
    listed(folder, "stolen.crl", &stolen);
    listed(folder, "closed.crl", &closed);
    let policy = ["--policy", "rfc5280"];
    let both = [&["--crl", "stolen.crl", "--crl", "closed.crl"][..], &policy].concat();
    assert_eq!(verdict(folder, &file, &both), "Expired/cert-expired");
    assert_eq!(verdict(folder, &file, &[&["--crl", "closed.crl"][..], &policy].concat()), "Valid/ok");
    // A signer's revocation is of another's word, whatever its reason.
    let crls = revoked(folder);
    let stamped = sign(&image(), &by(leaf(), Key::Leaf).add(Token::at(NOW).attribute()));
    assert_eq!(verdict(folder, &stamped, &[&crls[..], &policy].concat()), "Valid/ok");
}

/// A list that does not say when it was made clears nobody, and what it lists it lists.
#[test]
fn a_list_without_a_date_is_believed_for_what_it_lists() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    listed(folder, "root.crl", &Crl::by(root_name(), Key::Root).with(aki(&Key::Root.id())));
    let dated = |made: &'static str| inter_list().valid(made, "20270501000000Z");
    let undated = || dated("2026050100Z");
    let plain = sign(&image(), &Signature::default());
    let stamped = sign(&image(), &Signature::default().add(Token::at(NOW).attribute()));
    let of = |file: &[u8], lists: &[Crl], more: &[&str]| {
        let names = ["1.crl", "2.crl"];
        let mut options = vec!["--crl", "root.crl"];
        for (name, list) in names.into_iter().zip(lists) {
            listed(folder, name, list);
            options.extend(["--crl", name]);
        }
        let record = judged(folder, file, &[&options[..], more].concat());
        format!("{}/{}/{}", record["status"], record["reason"], record["revocation"]).replace('"', "")
    };
    let names = |list: Crl, day: &str, reason: u8| list.lists(&leaf().serial, day, &[crl_reason(reason)]);
    let (early, late) = ("20240601000000Z", "20250901000000Z");
    for (file, day, expected) in [
        (&plain, early, "Revoked/cert-revoked/revoked"),
        (&plain, late, "Revoked/cert-revoked/revoked"),
        (&stamped, early, "Revoked/cert-revoked/revoked"),
        (&stamped, late, "Valid/ok/unknown"),
    ] {
        assert_eq!(of(file, &[names(undated(), day, 1)], &[]), expected, "{day}");
    }
    let required = &["--require-revocation"][..];
    assert_eq!(of(&plain, &[dated("20260501000000Z")], required), "Valid/ok/good");
    assert_eq!(of(&plain, &[undated()], required), "Untrusted/revocation-unknown/unknown");
    assert_eq!(of(&stamped, &[names(undated(), late, 1)], required), "Untrusted/revocation-unknown/unknown");
    // Which of two is the later one is not known, so that none takes anything back.
    for later in [dated("20260502000000Z"), names(dated("20260502000000Z"), late, 5)] {
        assert_eq!(of(&stamped, &[names(undated(), early, 1), later], &[]), "Revoked/cert-revoked/revoked");
    }
    let held = [names(undated(), early, 6), dated("20260502000000Z")];
    assert_eq!(of(&plain, &held, &[]), "Revoked/cert-revoked/revoked");
    // What names a day to come is of a day to come.
    assert_eq!(of(&plain, &[names(undated(), "20260901000000Z", 1)], &[]), "Valid/ok/unknown");
    // Whether a delegate could sign it then is not known.
    let signer = Cert::own(inter_name(), Key::Other, &[0x0d]).valid("20240101000000Z", "20300101000000Z");
    let signer = signer.with(key_usage(&[6])).with(ski(&Key::Other.id())).by(&root_name(), Key::Root);
    fs::write(folder.join("signer.pem"), pem(&signer.with(aki(&Key::Root.id())).der())).unwrap();
    let by_delegate =
        |made| Crl::by(inter_name(), Key::Other).with(aki(&Key::Other.id())).valid(made, "20270501000000Z");
    let given = &["--intermediates", "signer.pem"][..];
    let dated = names(by_delegate("20260501000000Z"), early, 1);
    assert_eq!(of(&plain, &[dated], given), "Revoked/cert-revoked/revoked");
    assert_eq!(of(&plain, &[names(by_delegate("2026050100Z"), early, 1)], given), "Valid/ok/unknown");
}

/// RFC 3161 section 2.4.2 leaves an authority one way to write a time.
#[test]
fn a_time_is_written_as_it_has_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let signer = || Cert { not_after: time("20230101000000Z"), ..expired_leaf() };
    let judge = |stamp: Stamp| {
        let record = judged(folder.path(), &sign(&image(), &by(signer(), Key::Leaf).add(stamp)), &[]);
        let stamp = &record["signatures"][0]["timestamps"][0];
        let fault = stamp["fault"].as_str().unwrap_or("sound");
        format!("{}/{} {fault}", record["status"], record["reason"]).replace('"', "")
    };
    let token = |text: &str| Some(generalized_time(text));
    let of = |time_form: Option<Der>| judge(Box::new(Token { time_form, ..Token::at(THEN) }.attribute()));
    let counter = |time_form: Option<Der>| judge(Box::new(Counter { time_form, ..Counter::at(THEN) }.attribute()));
    let (sound, over) = ("Valid/ok sound", "Expired/timestamp-outside-validity sound");
    let none = "Expired/cert-expired no-time";
    for (text, expected) in [
        ("20220301120000Z", sound),
        ("20220301120000.123Z", sound),
        ("20220301120000.500Z", sound),
        ("20220301120000", none),
        ("20220301120000.5", none),
        ("20220301120000+0000", none),
        ("20220301120000,5Z", none),
        ("20220301120000.Z", none),
        ("202203011200Z", none),
        ("202203011200.9Z", none),
        ("2022030112.9Z", none),
        // Until its last second a certificate is valid, and no part of a second longer.
        ("20221231235959.9Z", sound),
        ("20221231235960Z", sound),
        ("20230101000000Z", sound),
        ("20230101000000.0Z", sound),
        ("20230101000000.1Z", over),
        ("20230101000001Z", over),
    ] {
        assert_eq!(of(token(text)), expected, "{text}");
    }
    assert_eq!(of(Some(utc_time("20220301120000Z"))), none);
    for (form, expected) in [
        (utc_time("20220301120000Z"), sound),
        (utc_time("20220301130000+0100"), sound),
        (generalized_time("20220301120000Z"), sound),
        (generalized_time("20220301120000"), none),
        (generalized_time("202203011200.9Z"), none),
        (utc_time("20230101000000Z"), sound),
        (generalized_time("20230101000000.1Z"), over),
    ] {
        assert_eq!(counter(Some(form.clone())), expected, "{}", String::from_utf8_lossy(&form));
    }
    // A leap second is in the day before.
    let leap = Cert { not_after: time("20221231235959Z"), ..expired_leaf() };
    let file = sign(&image(), &by(leap, Key::Leaf).add(Token::at("20221231235960Z").attribute()));
    assert_eq!(verdict(folder.path(), &file, &[]), "Expired/timestamp-outside-validity");
}

/// MD2 and MD4 are refused of files, and so of timestamps. MD5 is what honest old ones are made with.
#[test]
fn a_timestamp_by_a_refused_hash_proves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let of = |stamp: Stamp| {
        let record = judged(folder.path(), &sign(&image(), &by(expired_leaf(), Key::Leaf).add(stamp)), &[]);
        let fault = record["signatures"][0]["timestamps"][0]["fault"].as_str().unwrap_or("sound").to_owned();
        format!("{}/{} {fault}", record["status"], record["reason"]).replace('"', "")
    };
    let refused = "Expired/cert-expired bad-algorithm";
    for (hash, expected) in
        [(Hash::Md2, refused), (Hash::Md4, refused), (Hash::Md5, "Valid/ok sound"), (Hash::Sha1, "Valid/ok sound")]
    {
        let token = || Token::at(THEN);
        assert_eq!(of(Box::new(Token { imprint: hash, ..token() }.attribute())), expected, "imprint {hash:?}");
        assert_eq!(of(Box::new(Token { hash, ..token() }.attribute())), expected, "signer {hash:?}");
        assert_eq!(of(Box::new(Counter { hash, ..Counter::at(THEN) }.attribute())), expected, "counter {hash:?}");
    }
    let valid = Signature::default().add(Token { imprint: Hash::Md2, ..Token::at(NOW) }.attribute());
    assert_eq!(verdict(folder.path(), &sign(&image(), &valid), &[]), "Invalid/timestamp-invalid");
}

/// Every time in a record is one that RFC 3339 can write.
#[test]
fn no_record_states_a_year_that_has_not_four_digits() {
    let folder = tempfile::tempdir().unwrap();
    let beyond = ["99991231235959-2359", "00000101000000+0100"];
    for text in beyond {
        for (not_before, not_after) in [(text, "20280101000000Z"), ("20240101000000Z", text)] {
            let form = |text: &str| if text.len() > 15 { generalized_time(text) } else { time(text) };
            let cert = Cert { not_before: form(not_before), not_after: form(not_after), ..leaf() };
            let file = sign(&image(), &by(cert, Key::Leaf).add(Token::at(NOW).attribute()));
            let record = judged(folder.path(), &file, &[]);
            assert_eq!(record["reason"], "timestamp-outside-validity", "{text}");
            let text = record.to_string();
            assert!(!text.contains("10000-01-01") && !text.contains("-001-12-31"), "{text}");
        }
    }
    let program = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sigscan"));
        command.current_dir(folder.path()).args(["file", "--json", "--at"]);
        command
    };
    assert_eq!(program().arg("9999-12-31T23:59:59-23:58").output().unwrap().status.code(), Some(2));
    let last = program().arg("9999-12-31T23:58:59-00:01").output().unwrap();
    let record: Value =
        serde_json::from_slice(&last.stdout[..last.stdout.iter().position(|c| *c == b'\n').unwrap()]).unwrap();
    assert_eq!(record["judged_at"], "9999-12-31T23:59:59Z");
}

/// The advice says on which side of the certificate's life the timestamp lies.
#[test]
fn the_story_says_which_comes_first() {
    let folder = tempfile::tempdir().unwrap();
    let told = |time| {
        let file = sign(
            &image(),
            &by(leaf().valid("20240101000000Z", "20250101000000Z"), Key::Leaf).add(Token::at(time).attribute()),
        );
        assert_eq!(verdict(folder.path(), &file, &[]), "Expired/timestamp-outside-validity");
        let mut command = Command::new(env!("CARGO_BIN_EXE_sigscan"));
        command.current_dir(folder.path()).args(["file", "--at", "2026-06-01", "--color", "never"]);
        for stem in ["root", "tsa-root"] {
            command.arg("--trust-store").arg(program::testdata().join(format!("pki/{stem}.pem")));
        }
        let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
        text.split_whitespace().collect::<Vec<&str>>().join(" ")
    };
    let (early, late) = ("The timestamp is older than the signer's certificate", "points to a stale or leaked key");
    let (before, after) = (told("20230301120000Z"), told("20250301120000Z"));
    assert_eq!([before.contains(early), before.contains(late)], [true, false], "{before}");
    assert_eq!([after.contains(early), after.contains(late)], [false, true], "{after}");
}
