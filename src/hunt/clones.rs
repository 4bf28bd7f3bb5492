//! Version resources that were copied from one file into another.

use std::collections::{BTreeSet, HashSet};

use serde_json::json;

use super::entry::Entry;
use super::leads::LeadsTo;
use super::rules::{finding, groups, key_text, signer};
use crate::judge::Status;
use crate::record::{FindingLine, Severity};

/// What else a file is that has the version resource of an original.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// Its signer has the original's name and another key, and no chain leads to a root.
    Stray,
    /// Nobody signed it.
    Unsigned,
    /// Somebody else signed it, who is trusted, or was.
    Foreign,
    /// Its signature is not of its content, or nobody vouches for the signer.
    False,
}

/// Whether the file is its signer's own, by its own account and by the signer's.
fn is_original(entry: &Entry) -> bool {
    entry.status == Status::Valid && entry.names_signer
}

/// What the file is if its version resource is that of an original; `None` where it may be an original itself, and where
/// its status says nothing of it.
fn kind_of(entry: &Entry) -> Option<Kind> {
    match (entry.status, entry.leads_to) {
        (Status::Unsigned, _) => Some(Kind::Unsigned),
        (Status::Invalid, _) | (_, Some(LeadsTo::UntrustedRoot)) => Some(Kind::False),
        (_, Some(LeadsTo::Nowhere)) if !entry.names_signer => Some(Kind::False),
        (Status::Valid | Status::Expired | Status::Revoked, _) if !entry.names_signer => Some(Kind::Foreign),
        _ => None,
    }
}

/// Digests of the originals' contents, by which others are compared with them.
struct Contents<'e>(HashSet<&'e [u8]>, BTreeSet<usize>);

impl<'e> Contents<'e> {
    fn of(originals: &[&'e Entry]) -> Contents<'e> {
        let digests = || originals.iter().flat_map(|entry| entry.authentihash.iter().map(|(_, digest)| &**digest));
        Contents(digests().collect(), digests().map(<[u8]>::len).collect())
    }

    /// Whether the file is known to have none of these contents: without a digest of an algorithm in common nothing is
    /// known.
    fn differ_from(&self, entry: &Entry) -> bool {
        let mut digests = entry.authentihash.iter().map(|(_, digest)| &**digest);
        digests.clone().any(|digest| self.1.contains(&digest.len())) && digests.all(|digest| !self.0.contains(digest))
    }
}

/// X208. The members are the clones, and one file that stands for the originals: a product can have hundreds.
pub(super) fn one_version_several_signers(entries: &[Entry]) -> Vec<FindingLine> {
    groups(entries, Entry::version).iter().filter_map(|group| cloned(group)).collect()
}

/// The originals of a group. A content that one record calls original and another the work of somebody whom nobody trusts
/// is none, unless there is no other.
fn originals<'e>(group: &[&'e Entry]) -> Vec<&'e Entry> {
    let disowned = group.iter().filter(|entry| entry.leads_to == Some(LeadsTo::UntrustedRoot));
    let disowned: HashSet<&[u8]> =
        disowned.flat_map(|entry| &entry.authentihash).map(|(_, digest)| &**digest).collect();
    let all: Vec<&Entry> = group.iter().copied().filter(|entry| is_original(entry)).collect();
    let is_undisputed = |entry: &&Entry| entry.authentihash.iter().all(|(_, digest)| !disowned.contains(&**digest));
    let undisputed: Vec<&Entry> = all.iter().copied().filter(is_undisputed).collect();
    if undisputed.is_empty() { all } else { undisputed }
}

fn cloned(group: &[&Entry]) -> Option<FindingLine> {
    let originals = originals(group);
    let original = originals.first().copied()?;
    let contents = Contents::of(&originals);
    // Trusted signers rebuild and redistribute what others made; only a catalogued publisher's name is worth wearing.
    let catalogued = original.publisher.is_some();
    let keys: BTreeSet<&[u8]> = originals.iter().filter_map(|entry| entry.spki()).collect();
    let another_key = |entry: &Entry| !keys.is_empty() && entry.spki().is_some_and(|key| !keys.contains(key));
    let kind = |entry: &Entry| {
        let stray = (entry.leads_to == Some(LeadsTo::Nowhere) && another_key(entry)).then_some(Kind::Stray);
        let kind = kind_of(entry).or(stray).filter(|kind| *kind != Kind::Foreign || catalogued)?;
        contents.differ_from(entry).then_some(kind)
    };
    let kinds: Vec<Kind> = group.iter().filter_map(|entry| kind(entry)).collect();
    let severity = match kinds.iter().max()? {
        Kind::False => Severity::High,
        Kind::Foreign => Severity::Medium,
        Kind::Unsigned | Kind::Stray => Severity::Low,
    };
    let count = |wanted: Kind| json!(kinds.iter().filter(|kind| **kind == wanted).count());
    let mut evidence = vec![
        ("version_res_sha256", key_text(original.version())),
        ("publisher", json!(original.publisher.as_deref())),
        ("signer", signer(&[original])),
        ("originals", json!(originals.len())),
        ("falsely_signed", count(Kind::False)),
        ("signed_by_others", count(Kind::Foreign)),
        ("unsigned", count(Kind::Unsigned)),
    ];
    if kinds.contains(&Kind::Stray) {
        evidence.push(("another_key", count(Kind::Stray)));
    }
    let told = |entry: &&Entry| std::ptr::eq(original, *entry) || kind(entry).is_some();
    let members: Vec<&Entry> = group.iter().copied().filter(told).collect();
    finding("X208", Some(severity), &evidence, &members, Some(original))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::hex::lower as hex;
    use crate::hunt::{Correlator, KeysLine};
    use crate::judge::Reason;
    use crate::record::Keys;

    const VALID: (Status, Reason) = (Status::Valid, Reason::Ok);
    const UNSIGNED: (Status, Reason) = (Status::Unsigned, Reason::NoSignature);
    const GRAFT: (Status, Reason) = (Status::Invalid, Reason::BadDigest);
    const OWN: (Status, Reason) = (Status::Untrusted, Reason::SelfSigned);
    const STRAY: (Status, Reason) = (Status::Untrusted, Reason::ChainIncomplete);
    const REVOKED: (Status, Reason) = (Status::Revoked, Reason::CertRevoked);
    const WEAK: (Status, Reason) = (Status::Untrusted, Reason::WeakSignature);
    const OVER: (Status, Reason) = (Status::Expired, Reason::CertExpired);

    /// A file with version resource 1, of this content; whether the resource names its signer.
    fn file(path: &str, (status, reason): (Status, Reason), content: u8, names_signer: bool) -> KeysLine {
        KeysLine {
            self_signed: reason == Reason::SelfSigned,
            names_signer,
            publisher: Some("Microsoft".to_owned()),
            signer: Some("Microsoft Corporation".to_owned()),
            authentihash: BTreeMap::from([("sha256".to_owned(), hex(&[content; 32]))]),
            keys: Keys { version_res_sha256: Some(hex(&[1; 32])), ..Keys::default() },
            ..KeysLine::bare(path, status, reason)
        }
    }

    /// Severity, members and donor of what is found, in every order of the files.
    fn found(files: &[KeysLine]) -> Vec<String> {
        let of = |files: &mut dyn Iterator<Item = &KeysLine>| -> Vec<String> {
            let mut correlator = Correlator::new();
            files.for_each(|file| correlator.add_line(file));
            let text = |f: &FindingLine| {
                format!("{} {:?} {} <- {}", f.code, f.severity, f.members.join(","), f.donor.as_deref().unwrap_or("?"))
            };
            correlator.finish().1.iter().map(text).collect()
        };
        let found = of(&mut files.iter());
        assert_eq!(of(&mut files.iter().rev()), found);
        found
    }

    #[test]
    fn a_clone_is_as_bad_as_its_signature() {
        let original = file("o", VALID, 1, true);
        let with = |other: KeysLine| found(&[original.clone(), other]);
        assert_eq!(with(file("c", GRAFT, 2, true)), ["X208 High c,o <- o"]);
        assert_eq!(with(file("c", GRAFT, 2, false)), ["X208 High c,o <- o"]);
        assert_eq!(with(file("c", OWN, 2, true)), ["X208 High c,o <- o"]);
        assert_eq!(with(file("c", (Status::Untrusted, Reason::UntrustedRoot), 2, false)), ["X208 High c,o <- o"]);
        assert_eq!(with(file("c", STRAY, 2, false)), ["X208 High c,o <- o"]);
        assert_eq!(with(file("c", VALID, 2, false)), ["X208 Medium c,o <- o"]);
        assert_eq!(with(file("c", OVER, 2, false)), ["X208 Medium c,o <- o"]);
        assert_eq!(with(file("c", UNSIGNED, 2, false)), ["X208 Low c,o <- o"]);
        // What is revoked by an authority of anybody's, or weak, is as bad as if it were not.
        let led = |verdict, leads_to, named| KeysLine { leads_to, ..file("c", verdict, 2, named) };
        for (verdict, unknown) in [(REVOKED, &["X208 Medium c,o <- o"][..]), (WEAK, &[])] {
            assert_eq!(with(led(verdict, Some(LeadsTo::UntrustedRoot), true)), ["X208 High c,o <- o"]);
            assert_eq!(with(led(verdict, Some(LeadsTo::Nowhere), false)), ["X208 High c,o <- o"]);
            assert_eq!(with(led(verdict, Some(LeadsTo::Nowhere), true)), [""; 0]);
            assert_eq!(with(led(verdict, None, false)), unknown);
        }
        assert_eq!(with(led(REVOKED, Some(LeadsTo::TrustedRoot), false)), ["X208 Medium c,o <- o"]);
        // In the original's name and leading nowhere, it is the key that tells.
        let keyed = |line: KeysLine, key: u8| KeysLine {
            keys: Keys { leaf_spki_sha256: Some(hex(&[key; 32])), ..line.keys.clone() },
            ..line
        };
        let pair = |key: u8| found(&[keyed(original.clone(), 1), keyed(file("c", STRAY, 2, true), key)]);
        assert_eq!(pair(2), ["X208 Low c,o <- o"]);
        assert_eq!(pair(1), [""; 0]);
        let worst = found(&[original.clone(), file("a", UNSIGNED, 2, false), file("z", GRAFT, 3, true)]);
        assert_eq!(worst, ["X208 High a,o,z <- o"]);
    }

    #[test]
    fn what_the_publisher_made_itself_is_no_clone() {
        let original = file("o", VALID, 1, true);
        let with = |other: KeysLine| found(&[original.clone(), other]);
        // Built for another processor, signed before, signed where the intermediate is missing, without its signature.
        for other in [
            file("c", VALID, 2, true),
            file("c", OVER, 2, true),
            file("c", STRAY, 2, true),
            file("c", UNSIGNED, 1, false),
            file("c", (Status::Error, Reason::Limit), 2, false),
        ] {
            assert_eq!(with(other), [""; 0]);
        }
        // Another resource, and files of which nobody is known to be the original.
        let mut another = file("c", GRAFT, 2, true);
        another.keys.version_res_sha256 = Some(hex(&[2; 32]));
        assert_eq!(with(another), [""; 0]);
        assert_eq!(found(&[file("a", GRAFT, 2, true), file("b", UNSIGNED, 3, false)]), [""; 0]);
        assert_eq!(found(&[file("a", VALID, 1, false), file("b", OWN, 2, false)]), [""; 0]);
    }

    #[test]
    fn others_rebuild_what_nobody_in_the_catalogue_made() {
        let unknown = |line: KeysLine| KeysLine { publisher: None, ..line };
        let files = [unknown(file("a", VALID, 2, false)), unknown(file("o", VALID, 1, true))];
        assert_eq!(found(&files), [""; 0]);
        let files = [unknown(file("a", OWN, 2, false)), files[0].clone(), files[1].clone()];
        assert_eq!(found(&files), ["X208 High a,o <- o"]);
    }

    #[test]
    fn a_content_that_somebody_disowns_is_no_original() {
        let (original, clone) = (file("o", VALID, 1, true), file("c", OWN, 2, true));
        let made_up = file("a", VALID, 2, true);
        assert_eq!(found(&[original.clone(), clone.clone(), made_up]), ["X208 High c,o <- o"]);
        // Signed anew by somebody: the only original remains one.
        let anew = file("a", OWN, 1, true);
        assert_eq!(found(&[original, clone, anew]), ["X208 High c,o <- o"]);
    }

    #[test]
    fn contents_are_compared_by_an_algorithm_in_common() {
        let original = file("o", VALID, 1, true);
        let mut clone = file("c", UNSIGNED, 2, false);
        clone.authentihash = BTreeMap::from([("sha1".to_owned(), hex(&[2; 20]))]);
        assert_eq!(found(&[original.clone(), clone.clone()]), [""; 0]);
        clone.authentihash.insert("sha256".to_owned(), hex(&[2; 32]));
        assert_eq!(found(&[original.clone(), clone.clone()]), ["X208 Low c,o <- o"]);
        clone.authentihash.insert("sha256".to_owned(), hex(&[1; 32]));
        assert_eq!(found(&[original, clone]), [""; 0]);
    }
}
