//! The rules that compare files, one function each. Every function sees all entries in their order and gives findings in
//! the order of their first members.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::clones::one_version_several_signers;
use super::donors::{donor_by_first_page, donor_elsewhere};
use super::entry::Entry;
use super::leads::LeadsTo;
use super::table::row;
use crate::hex::lower as hex;
use crate::judge::Status;
use crate::record::{FINDING_SCHEMA, FindingLine, Severity};

type Rule = fn(&[Entry]) -> Vec<FindingLine>;

const RULES: &[Rule] = &[
    one_signature_several_contents,
    one_signature_several_wrappings,
    donor_elsewhere,
    one_number_several_certificates,
    one_name_several_keys,
    one_timestamp_several_signatures,
    one_content_several_files,
    one_version_several_signers,
    donor_by_first_page,
];

/// What all rules find, rule by rule.
pub(super) fn findings(entries: &[Entry]) -> Vec<FindingLine> {
    RULES.iter().flat_map(|rule| rule(entries)).collect()
}

/// Entries that share a key: groups of two and more, in the order of their first members.
pub(super) fn groups<'e>(entries: &'e [Entry], key: impl Fn(&'e Entry) -> Option<&'e [u8]>) -> Vec<Vec<&'e Entry>> {
    keyed_groups(entries, |entry| key(entry).into_iter()).into_iter().map(|(_, group)| group).collect()
}

/// The same by keys of which an entry has any number, each group with its key.
fn keyed_groups<'e, K: Iterator<Item = &'e [u8]>>(
    entries: &'e [Entry],
    keys: impl Fn(&'e Entry) -> K,
) -> Vec<(&'e [u8], Vec<&'e Entry>)> {
    let keyed = entries.iter().enumerate();
    let mut keyed: Vec<(&[u8], usize)> =
        keyed.flat_map(|(index, entry)| keys(entry).map(move |key| (key, index))).collect();
    keyed.sort_unstable();
    keyed.dedup(); // an entry is in a group once
    let runs = keyed.chunk_by(|left, right| left.0 == right.0).filter(|run| run.len() > 1);
    let mut groups: Vec<&[(&[u8], usize)]> = runs.collect();
    // In the order of their keys, which is kept among those with one first member.
    groups.sort_by_key(|run| run.first().map(|first| first.1));
    let group = |run: &&[(&'e [u8], usize)]| {
        let members = run.iter().filter_map(|(_, index)| entries.get(*index)).collect();
        Some((run.first()?.0, members))
    };
    groups.iter().filter_map(group).collect()
}

/// How many different values the entries have; those without one do not count.
fn distinct<'e>(group: &[&'e Entry], value: impl Fn(&'e Entry) -> Option<&'e [u8]>) -> usize {
    group.iter().filter_map(|entry| value(entry)).collect::<BTreeSet<_>>().len()
}

pub(super) fn finding(
    code: &str,
    severity: Option<Severity>,
    evidence: &[(&str, Value)],
    members: &[&Entry],
    donor: Option<&Entry>,
) -> Option<FindingLine> {
    let row = row(code)?;
    Some(FindingLine {
        schema: FINDING_SCHEMA.to_owned(),
        code: row.code.to_owned(),
        title: row.title.to_owned(),
        severity: severity.unwrap_or(row.severity),
        confidence: row.confidence,
        attack: row.attack.iter().map(|technique| (*technique).to_owned()).collect(),
        evidence: evidence.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        members: members.iter().map(|entry| entry.path.to_string()).collect(),
        hosts: if members.iter().any(|entry| entry.host.is_some()) {
            members.iter().map(|entry| host(entry)).collect()
        } else {
            Vec::new()
        },
        donor: donor.map(|entry| entry.path.to_string()),
        donor_host: donor.and_then(host),
    })
}

fn host(entry: &Entry) -> Option<String> {
    entry.host.as_deref().map(str::to_owned)
}

pub(super) fn key_text(octets: Option<&[u8]>) -> Value {
    octets.map_or(Value::Null, |octets| Value::String(hex(octets)))
}

/// The name in the signature that a group shares.
pub(super) fn signer(group: &[&Entry]) -> Value {
    group.iter().find_map(|entry| entry.signer.as_deref()).map_or(Value::Null, |name| json!(name))
}

/// The file that the signature was made for: among several copies the one with the best status, then the first.
fn genuine<'e>(group: &[&'e Entry]) -> Option<&'e Entry> {
    group.iter().copied().filter(|entry| entry.is_genuine()).min_by_key(|entry| entry.status.severity())
}

/// What every group of falsely signed files says of itself.
fn graft_evidence(group: &[&Entry], key: &'static str, value: Value) -> [(&'static str, Value); 4] {
    let carriers = group.iter().filter(|entry| entry.content().is_some() && !entry.is_genuine()).count();
    let contents = distinct(group, Entry::content);
    [(key, value), ("contents", json!(contents)), ("carriers", json!(carriers)), ("signer", signer(group))]
}

fn one_signature_several_contents(entries: &[Entry]) -> Vec<FindingLine> {
    let groups = groups(entries, Entry::pkcs7);
    let grafted = groups.iter().filter(|group| distinct(group, Entry::content) > 1);
    grafted
        .filter_map(|group| {
            let key = key_text(group.first().and_then(|entry| entry.pkcs7()));
            let mut evidence = graft_evidence(group, "pkcs7_sha256", key).to_vec();
            // One signature holds one digest: where records give it several, somebody made one up, and maybe the donor.
            let signed = distinct(group, |entry| entry.signed_digest.as_deref());
            if signed > 1 {
                evidence.push(("contradictory_digests", json!(signed)));
            }
            let donor = genuine(group).filter(|_| signed <= 1);
            finding("X201", None, &evidence, group, donor)
        })
        .collect()
}

fn one_signature_several_wrappings(entries: &[Entry]) -> Vec<FindingLine> {
    let groups = groups(entries, Entry::signer_info);
    let rewrapped =
        groups.iter().filter(|group| distinct(group, Entry::pkcs7) > 1 && distinct(group, Entry::content) > 1);
    rewrapped
        .filter_map(|group| {
            let key = key_text(group.first().and_then(|entry| entry.signer_info()));
            finding("X202", None, &graft_evidence(group, "signer_info_sha256", key), group, genuine(group))
        })
        .collect()
}

/// Whether somebody trusted vouches for the signer's certificate: `None` where the reasons do not tell.
fn vouched(entry: &Entry) -> Option<bool> {
    match entry.leads_to? {
        LeadsTo::TrustedRoot => Some(true),
        LeadsTo::UntrustedRoot => Some(false),
        LeadsTo::Nowhere => None,
    }
}

/// Whether the signer's certificate leads nowhere. Beside a trusted certificate with the same issuer and number that is as
/// telling as an untrusted root: what such copies leave out is the issuer that never signed them.
fn stray(entry: &Entry) -> bool {
    matches!(entry.leads_to, Some(LeadsTo::UntrustedRoot | LeadsTo::Nowhere))
}

/// The members are the files of the other certificates, and one that stands for those of the trusted one: a publisher's
/// files can be thousands.
fn one_number_several_certificates(entries: &[Entry]) -> Vec<FindingLine> {
    let groups = groups(entries, |entry| entry.issuer_serial().filter(|_| !entry.self_signed));
    let repeated = groups.iter().filter(|group| distinct(group, Entry::tbs) > 1);
    repeated
        .filter_map(|group| {
            let original = group.iter().copied().find(|entry| vouched(entry) == Some(true));
            let copied = original.is_some() && group.iter().any(|entry| stray(entry));
            let severity = if copied { Severity::Critical } else { Severity::Medium };
            let trusted: BTreeSet<_> =
                group.iter().filter(|entry| vouched(entry) == Some(true)).filter_map(|entry| entry.tbs()).collect();
            let told = |entry: &&Entry| {
                original.is_some_and(|original| std::ptr::eq(original, *entry))
                    || entry.tbs().is_none_or(|certificate| !trusted.contains(certificate))
                    || trusted.len() > 1
            };
            let members: Vec<&Entry> = group.iter().copied().filter(told).collect();
            let evidence = [
                ("issuer_serial_key", key_text(group.first().and_then(|entry| entry.issuer_serial()))),
                ("certificates", json!(distinct(group, Entry::tbs))),
                ("signer", signer(group)),
            ];
            finding("X204", Some(severity), &evidence, &members, original)
        })
        .collect()
}

/// The members are the files of untrusted keys; those of the trusted one can be thousands, and one of them stands for
/// all. A key whose chain leads nowhere is no trusted one, but it disowns none either: signers forget certificates.
fn one_name_several_keys(entries: &[Entry]) -> Vec<FindingLine> {
    let groups = groups(entries, Entry::subject);
    groups
        .iter()
        .filter_map(|group| {
            let of = |wanted: bool| group.iter().copied().filter(move |entry| vouched(entry) == Some(wanted));
            let keys = |wanted: bool| of(wanted).filter_map(|entry| entry.spki()).collect::<BTreeSet<&[u8]>>();
            // A key that one record calls trusted and another does not is no proof, unless there is no better one.
            let (called_real, disowned) = (keys(true), keys(false));
            let undisputed: BTreeSet<&[u8]> = called_real.difference(&disowned).copied().collect();
            let real = if undisputed.is_empty() { called_real } else { undisputed };
            let trusted: Vec<&Entry> =
                of(true).filter(|entry| entry.spki().is_none_or(|key| real.contains(key))).collect();
            let foreign = |entry: &&Entry| entry.spki().is_some_and(|key| !real.contains(key)) && !real.is_empty();
            let disguised: Vec<&Entry> = group.iter().copied().filter(|entry| stray(entry)).filter(foreign).collect();
            let first = disguised.first()?;
            let own = disguised.iter().any(|entry| entry.self_signed);
            let rooted = disguised.iter().any(|entry| vouched(entry) == Some(false));
            let evidence = [
                ("subject_key", key_text(first.subject())),
                ("signer", signer(&disguised)),
                ("trusted_keys", json!(real.len())),
                ("trusted_files", json!(trusted.len())),
                ("untrusted_keys", json!(distinct(&disguised, Entry::spki))),
            ];
            let severity = match () {
                () if own => Severity::Critical,
                () if rooted => Severity::Medium,
                () => Severity::Low,
            };
            finding("X205", Some(severity), &evidence, &disguised, trusted.first().copied())
        })
        .collect()
}

fn one_timestamp_several_signatures(entries: &[Entry]) -> Vec<FindingLine> {
    let groups = keyed_groups(entries, Entry::tokens);
    let reused = groups.iter().filter(|(_, group)| distinct(group, Entry::signer_info) > 1);
    reused
        .filter_map(|(token, group)| {
            let evidence = [
                ("timestamp_token_sha256", key_text(Some(token))),
                ("signatures", json!(distinct(group, Entry::signer_info))),
            ];
            finding("X206", None, &evidence, group, None)
        })
        .collect()
}

fn one_content_several_files(entries: &[Entry]) -> Vec<FindingLine> {
    let valid = |entry: &Entry| entry.status == Status::Valid && entry.is_genuine();
    let groups = groups(entries, |entry| entry.content().filter(|_| valid(entry)));
    let variants = groups.iter().filter(|group| distinct(group, Entry::sha256) > 1);
    variants
        .filter_map(|group| {
            let hiding = group.iter().filter(|entry| entry.hides_data).count();
            let severity = (hiding > 0).then_some(Severity::High);
            let evidence = [
                ("authentihash", key_text(group.first().and_then(|entry| entry.content()))),
                ("files", json!(distinct(group, Entry::sha256))),
                ("hiding_data", json!(hiding)),
                ("signer", signer(group)),
            ];
            finding("X207", severity, &evidence, group, None)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hunt::{Correlator, KeysLine};
    use crate::judge::Reason;
    use crate::record::Keys;

    /// A file whose keys are digests that repeat one octet each; 0 leaves a key out.
    fn file(path: &str, (status, reason): (Status, Reason), digests: (u8, u8), keys: [u8; 7]) -> KeysLine {
        let text = |octet: u8| (octet != 0).then(|| hex(&[octet; 32]));
        let [pkcs7, signer_info, token, tbs, spki, number, subject] = keys.map(text);
        KeysLine {
            self_signed: reason == Reason::SelfSigned,
            signer: Some("Somebody".to_owned()),
            sha256: Some(hex(&[path.as_bytes()[0]; 32])),
            authentihash: text(digests.1).map(|digest| ("sha256".to_owned(), digest)).into_iter().collect(),
            keys: Keys {
                signed_digest: text(digests.0),
                pkcs7_sha256: pkcs7,
                signer_info_sha256: signer_info,
                timestamp_token_sha256: token,
                other_timestamps_sha256: Vec::new(),
                leaf_tbs_sha256: tbs,
                leaf_spki_sha256: spki,
                issuer_serial_key: number,
                subject_key: subject,
                version_res_sha256: None,
                first_page_sha256: None,
                signed_first_page_sha256: None,
            },
            ..KeysLine::bare(path, status, reason)
        }
    }

    const VALID: (Status, Reason) = (Status::Valid, Reason::Ok);
    const GRAFT: (Status, Reason) = (Status::Invalid, Reason::BadDigest);
    const OWN: (Status, Reason) = (Status::Untrusted, Reason::SelfSigned);
    const FOREIGN: (Status, Reason) = (Status::Untrusted, Reason::UntrustedRoot);

    const REVOKED: (Status, Reason) = (Status::Revoked, Reason::CertRevoked);
    const WEAK: (Status, Reason) = (Status::Untrusted, Reason::WeakSignature);

    /// Code, severity, members and donor of what is found.
    fn found(files: &[KeysLine]) -> Vec<String> {
        let mut correlator = Correlator::new();
        files.iter().for_each(|file| correlator.add_line(file));
        let (_, findings) = correlator.finish();
        let text = |f: &FindingLine| {
            format!("{} {:?} {} <- {}", f.code, f.severity, f.members.join(","), f.donor.as_deref().unwrap_or("?"))
        };
        findings.iter().map(text).collect()
    }

    #[test]
    fn a_grafted_signature_names_its_donor() {
        let donor = file("c", VALID, (1, 1), [1, 1, 1, 1, 1, 1, 1]);
        let graft = |path| file(path, GRAFT, (1, 2), [1, 1, 1, 1, 1, 1, 1]);
        assert_eq!(found(&[donor.clone(), graft("a"), graft("b")]), ["X201 Critical a,b,c <- c"]);
        // Two copies of one graft are one content: without a second one nothing is proven.
        assert_eq!(found(&[graft("a"), graft("b")]), [""; 0]);
        assert_eq!(found(&[donor.clone(), donor]), [""; 0]);
        let other = file("b", GRAFT, (1, 3), [1, 1, 1, 1, 1, 1, 1]);
        assert_eq!(found(&[graft("a"), other]), ["X201 Critical a,b <- ?"]);
    }

    #[test]
    fn another_wrapping_does_not_hide_a_graft() {
        let donor = file("b", VALID, (1, 1), [1, 1, 1, 1, 1, 1, 1]);
        let graft = file("a", GRAFT, (1, 2), [2, 1, 1, 1, 1, 1, 1]);
        assert_eq!(found(&[donor.clone(), graft]), ["X202 Critical a,b <- b"]);
        // A vendor's tag changes the wrapping of one content.
        let tagged = file("a", VALID, (1, 1), [2, 1, 1, 1, 1, 1, 1]);
        assert_eq!(found(&[donor, tagged]), ["X207 Info a,b <- ?"]);
    }

    #[test]
    fn a_donor_without_its_signature_is_found_by_content() {
        let graft = file("b", GRAFT, (1, 2), [1, 1, 1, 1, 1, 1, 1]);
        let stripped = file("a", (Status::Unsigned, Reason::NoSignature), (0, 1), [0; 7]);
        assert_eq!(found(&[graft.clone(), stripped.clone()]), ["X203 High a,b <- a"]);
        // Where a file carries the signature and fits it, that one is the donor.
        let donor = file("c", VALID, (1, 1), [1, 1, 1, 1, 1, 1, 1]);
        assert_eq!(found(&[graft, stripped, donor]), ["X201 Critical b,c <- c"]);
    }

    #[test]
    fn a_variant_that_hides_data_is_worse_than_a_tag() {
        let tool = file("b", VALID, (1, 1), [1, 1, 1, 1, 1, 1, 1]);
        let mut variant = file("a", VALID, (1, 1), [1, 1, 1, 1, 1, 1, 1]);
        assert_eq!(found(&[tool.clone(), variant.clone()]), ["X207 Info a,b <- ?"]);
        variant.hides_data = true;
        assert_eq!(found(&[tool, variant]), ["X207 High a,b <- ?"]);
    }

    #[test]
    fn a_copied_number_needs_no_untrusted_root() {
        let real = file("b", VALID, (1, 1), [1, 1, 1, 1, 1, 1, 1]);
        let copy = file("a", (Status::Untrusted, Reason::ChainIncomplete), (2, 2), [2, 2, 2, 2, 2, 1, 1]);
        let expected = ["X204 Critical a,b <- b", "X205 Low a <- b"];
        assert_eq!(found(&[real.clone(), copy.clone()]), expected);
        // Another file of the trusted certificate, and one that carries its signature falsely, add nothing to that.
        let more = file("c", VALID, (4, 4), [4, 4, 4, 1, 1, 1, 1]);
        let graft = file("d", GRAFT, (5, 6), [5, 5, 5, 1, 1, 1, 1]);
        assert_eq!(found(&[real, copy.clone(), more, graft]), expected);
        let other = file("b", (Status::Untrusted, Reason::ChainIncomplete), (3, 3), [3, 3, 3, 3, 3, 1, 1]);
        assert_eq!(found(&[copy, other]), ["X204 Medium a,b <- ?"]);
    }

    #[test]
    fn copied_names_and_numbers() {
        let real = file("b", VALID, (1, 1), [1, 1, 1, 1, 1, 1, 1]);
        let copy = file("a", FOREIGN, (2, 2), [2, 2, 2, 2, 2, 1, 2]);
        assert_eq!(found(&[real.clone(), copy]), ["X204 Critical a,b <- b"]);
        let renewed = file("a", VALID, (2, 2), [2, 2, 2, 2, 2, 2, 1]);
        assert_eq!(found(&[real.clone(), renewed]), [""; 0]);
        let disguised = file("a", OWN, (2, 2), [2, 2, 2, 2, 2, 2, 1]);
        assert_eq!(found(&[real.clone(), disguised.clone()]), ["X205 Critical a <- b"]);
        let program = file("a", FOREIGN, (2, 2), [2, 2, 2, 2, 2, 2, 1]);
        assert_eq!(found(&[real, program]), ["X205 Medium a <- b"]);
        // Two people who sign themselves may choose one name, or count from 1.
        let other = file("c", OWN, (3, 3), [3, 3, 3, 3, 3, 2, 1]);
        assert_eq!(found(&[disguised, other]), [""; 0]);
    }

    #[test]
    fn a_chain_that_leads_nowhere_vouches_for_no_name_and_disowns_none() {
        let real = file("b", VALID, (1, 1), [1, 1, 1, 1, 1, 1, 1]);
        let astray = (Status::Untrusted, Reason::ChainIncomplete);
        let stray = file("a", astray, (2, 2), [2, 2, 2, 2, 2, 2, 1]);
        assert_eq!(found(&[real.clone(), stray.clone()]), ["X205 Low a <- b"]);
        let rooted = file("c", FOREIGN, (3, 3), [3, 3, 3, 3, 3, 3, 1]);
        assert_eq!(found(&[real.clone(), stray.clone(), rooted]), ["X205 Medium a,c <- b"]);
        // The publisher's own, without the certificate of its issuer.
        let own = file("d", astray, (4, 4), [4, 4, 4, 1, 1, 1, 1]);
        assert_eq!(found(&[real, own.clone()]), [""; 0]);
        assert_eq!(found(&[stray, own]), [""; 0]);
    }

    /// Whoever founds an authority can revoke with it, and choose a weak hash.
    #[test]
    fn an_authority_of_anybodys_makes_nothing_genuine() {
        let real = file("b", VALID, (1, 1), [1, 1, 1, 1, 1, 1, 1]);
        let told = |path: &str, (status, reason), leads_to, number, name: u8| KeysLine {
            leads_to,
            ..file(path, (status, reason), (2, 2), [2, 2, 2, 2, 2, number, name])
        };
        for (verdict, severity) in [(REVOKED, "Medium"), (WEAK, "Medium")] {
            let own = |leads_to| told("a", verdict, leads_to, 1, 1);
            let found = |leads_to| found(&[real.clone(), own(leads_to)]);
            let copied = "X204 Critical a,b <- b".to_owned();
            assert_eq!(found(Some(LeadsTo::UntrustedRoot)), [copied.clone(), format!("X205 {severity} a <- b")]);
            assert_eq!(found(Some(LeadsTo::Nowhere)), [copied, "X205 Low a <- b".to_owned()]);
            // What an old line does not say: the file is no original, and not disguised.
            assert_eq!(found(None), ["X204 Medium a,b <- b"]);
        }
        // Nor does it hide another file of its key.
        let disguised = file("c", OWN, (3, 3), [3, 3, 3, 3, 2, 3, 1]);
        let revoked = told("a", REVOKED, Some(LeadsTo::UntrustedRoot), 2, 1);
        assert_eq!(found(&[real.clone(), disguised.clone(), revoked]), ["X205 Critical a,c <- b"]);
        // A publisher whose certificate was stolen is one still.
        let stolen = told("d", REVOKED, Some(LeadsTo::TrustedRoot), 2, 1);
        let other = file("c", OWN, (3, 3), [3, 3, 3, 3, 3, 3, 1]);
        assert_eq!(found(&[stolen.clone(), other.clone()]), ["X205 Critical c <- d"]);
        assert_eq!(found(&[KeysLine { leads_to: None, ..stolen }, other]), [""; 0]);
    }

    #[test]
    fn one_made_up_record_neither_hides_nor_frames() {
        let real = file("b", VALID, (1, 1), [1, 1, 1, 1, 1, 1, 1]);
        let own = file("c", OWN, (3, 3), [3, 3, 3, 3, 3, 3, 1]);
        // That somebody calls the key of a disguised file trusted.
        let mut hiding = file("d", VALID, (4, 4), [4, 4, 4, 4, 3, 4, 1]);
        assert_eq!(found(&[real.clone(), own.clone(), hiding.clone()]), ["X205 Critical c <- b"]);
        hiding.path = "a".to_owned();
        assert_eq!(found(&[real.clone(), own.clone(), hiding]), ["X205 Critical c <- b"]);
        // That somebody calls the only key that is trusted a disguise.
        let framing = file("d", OWN, (4, 4), [4, 4, 4, 4, 1, 4, 1]);
        assert_eq!(found(&[real.clone(), own, framing]), ["X205 Critical c <- b"]);
        // That somebody has another file that a copied signature was made for.
        let graft = file("c", GRAFT, (1, 2), [1, 1, 1, 1, 1, 1, 1]);
        let donor = file("a", VALID, (7, 7), [1, 1, 1, 1, 1, 1, 1]);
        assert_eq!(found(&[real, graft.clone(), donor.clone()]), ["X201 Critical a,b,c <- ?"]);
        let mut correlator = Correlator::new();
        [&graft, &donor].into_iter().for_each(|line| correlator.add_line(line));
        let evidence = &correlator.finish().1[0].evidence;
        assert_eq!(evidence["contradictory_digests"], 2);
    }

    #[test]
    fn a_timestamp_fits_one_signature() {
        let real = file("a", VALID, (1, 1), [1, 1, 1, 1, 1, 1, 1]);
        let moved = file("b", (Status::Invalid, Reason::TimestampInvalid), (2, 2), [2, 2, 1, 1, 1, 1, 1]);
        assert_eq!(found(&[real.clone(), moved.clone()]), ["X206 High a,b <- ?"]);
        // Behind one of its own, in front of one, and twice.
        let own = |keys: Keys| KeysLine { keys, ..moved.clone() };
        let stolen = moved.keys.timestamp_token_sha256.clone().unwrap();
        let mut behind = own(moved.keys.clone());
        behind.keys.timestamp_token_sha256 = Some(hex(&[9; 32]));
        behind.keys.other_timestamps_sha256 = vec![hex(&[8; 32]), stolen.clone(), stolen];
        assert_eq!(found(&[real.clone(), behind.clone()]), ["X206 High a,b <- ?"]);
        behind.keys.other_timestamps_sha256.clear();
        assert_eq!(found(&[real, behind]), [""; 0]);
    }
}
