//! Donors that do not carry the signature themselves: looked for only where no file that carries it is what was signed.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};

use super::entry::Entry;
use super::rules::{finding, key_text};
use crate::record::FindingLine;

/// Files by a digest that leads to a donor.
type ByDigest<'e> = BTreeMap<&'e [u8], Vec<&'e Entry>>;

/// Falsely signed files whose signature no genuine file carries.
fn orphans(entries: &[Entry]) -> impl Iterator<Item = &Entry> {
    let explained: HashSet<&[u8]> = entries
        .iter()
        .filter(|entry| entry.is_genuine())
        .flat_map(|entry| [entry.pkcs7(), entry.signer_info()])
        .flatten()
        .collect();
    entries.iter().filter(move |entry| {
        let known = |key: Option<&[u8]>| key.is_some_and(|key| explained.contains(key));
        entry.content().is_some() && !entry.is_genuine() && !known(entry.pkcs7()) && !known(entry.signer_info())
    })
}

/// Orphans by the digest that was signed, and the files whose content has it.
fn by_content(entries: &[Entry]) -> (ByDigest<'_>, ByDigest<'_>) {
    let (mut carriers, mut donors) = (ByDigest::new(), ByDigest::new());
    for entry in orphans(entries) {
        if let Some(digest) = entry.signed_digest.as_deref() {
            carriers.entry(digest).or_default().push(entry);
        }
    }
    for entry in entries {
        for (_, digest) in &entry.authentihash {
            if carriers.contains_key(&**digest) {
                donors.entry(digest).or_default().push(entry);
            }
        }
    }
    (carriers, donors)
}

/// One finding for each digest that has carriers and donors, in the order of their first members.
fn joined(code: &str, key: &str, carriers: ByDigest<'_>, donors: &ByDigest<'_>) -> Vec<FindingLine> {
    let mut found: Vec<FindingLine> = carriers
        .into_iter()
        .filter_map(|(digest, mut members)| {
            let same = donors.get(digest)?;
            let donor = same.iter().copied().min_by_key(|entry| entry.status.severity())?;
            let evidence: [(&str, Value); 2] = [(key, key_text(Some(digest))), ("carriers", json!(members.len()))];
            members.extend(same);
            members.sort_by(|left, right| left.order(right));
            finding(code, None, &evidence, &members, Some(donor))
        })
        .collect();
    found.sort_by(|left, right| left.members.cmp(&right.members));
    found
}

/// X203: a donor that is known by its content.
pub(super) fn donor_elsewhere(entries: &[Entry]) -> Vec<FindingLine> {
    let (carriers, donors) = by_content(entries);
    joined("X203", "signed_digest", carriers, &donors)
}

/// X209: a donor of which only the headers are what was signed, or which is known by no digest of the right algorithm.
pub(super) fn donor_by_first_page(entries: &[Entry]) -> Vec<FindingLine> {
    let (_, named) = by_content(entries);
    let named = |entry: &Entry| entry.signed_digest.as_deref().is_some_and(|digest| named.contains_key(digest));
    let (mut carriers, mut donors) = (ByDigest::new(), ByDigest::new());
    for entry in orphans(entries).filter(|entry| !named(entry)) {
        // A file with the headers that were signed was changed, and borrowed nothing.
        let pages = entry.signed_first_page().zip(entry.first_page());
        if let Some((signed, _)) = pages.filter(|(signed, own)| signed != own) {
            carriers.entry(signed).or_default().push(entry);
        }
    }
    for entry in entries {
        if let Some(page) = entry.first_page().filter(|page| carriers.contains_key(page)) {
            donors.entry(page).or_default().push(entry);
        }
    }
    joined("X209", "signed_first_page_sha256", carriers, &donors)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::hex::lower as hex;
    use crate::hunt::{Correlator, KeysLine};
    use crate::judge::{Reason, Status};
    use crate::record::Keys;

    /// A file of some status by the octets of: signed digest, own digest, the first page that was signed, its own.
    fn file(path: &str, (status, reason): (Status, Reason), digests: [u8; 4]) -> KeysLine {
        let text = |octet: u8| (octet != 0).then(|| hex(&[octet; 32]));
        let [signed, own, signed_page, page] = digests.map(text);
        KeysLine {
            authentihash: own.map(|digest| ("sha256".to_owned(), digest)).into_iter().collect::<BTreeMap<_, _>>(),
            keys: Keys {
                pkcs7_sha256: signed.clone(),
                signed_digest: signed,
                first_page_sha256: page,
                signed_first_page_sha256: signed_page,
                ..Keys::default()
            },
            ..KeysLine::bare(path, status, reason)
        }
    }

    const UNSIGNED: (Status, Reason) = (Status::Unsigned, Reason::NoSignature);
    const GRAFT: (Status, Reason) = (Status::Invalid, Reason::BadDigest);
    const VALID: (Status, Reason) = (Status::Valid, Reason::Ok);

    /// Code, members and donor of what is found, in every order of the files.
    fn found(files: &[KeysLine]) -> Vec<String> {
        let of = |files: &mut dyn Iterator<Item = &KeysLine>| -> Vec<String> {
            let mut correlator = Correlator::new();
            files.for_each(|file| correlator.add_line(file));
            let text = |f: &FindingLine| {
                format!("{} {} <- {}", f.code, f.members.join(","), f.donor.as_deref().unwrap_or("?"))
            };
            correlator.finish().1.iter().map(text).collect()
        };
        let found = of(&mut files.iter());
        assert_eq!(of(&mut files.iter().rev()), found);
        found
    }

    #[test]
    fn a_donor_is_known_by_its_headers() {
        let graft = file("b", GRAFT, [1, 2, 8, 9]);
        let patched = file("a", UNSIGNED, [0, 3, 0, 8]);
        assert_eq!(found(&[graft.clone(), patched.clone()]), ["X209 a,b <- a"]);
        // Another graft of the same signature is told with it; files with other headers and the host are not.
        let second = file("c", GRAFT, [1, 4, 8, 7]);
        let (host, other) = (file("h", UNSIGNED, [0, 5, 0, 9]), file("o", UNSIGNED, [0, 6, 0, 6]));
        let all = [graft.clone(), patched.clone(), second, host, other];
        assert_eq!(found(&all), ["X201 b,c <- ?", "X209 a,b,c <- a"]);
        // A copy that was signed and then changed has the headers too.
        let changed = file("d", GRAFT, [1, 3, 8, 8]);
        assert_eq!(found(&[graft, changed]), ["X201 b,d <- ?", "X209 b,d <- d"]);
    }

    #[test]
    fn better_proof_goes_first() {
        let graft = file("b", GRAFT, [1, 2, 8, 9]);
        let stripped = file("a", UNSIGNED, [0, 1, 0, 8]);
        assert_eq!(found(&[graft.clone(), stripped.clone()]), ["X203 a,b <- a"]);
        let donor = file("c", VALID, [1, 1, 8, 8]);
        assert_eq!(found(&[graft, stripped, donor]), ["X201 b,c <- c"]);
    }

    #[test]
    fn nothing_is_said_of_files_without_page_hashes_and_of_changed_ones() {
        let patched = file("a", UNSIGNED, [0, 3, 0, 8]);
        assert_eq!(found(&[file("b", GRAFT, [1, 2, 0, 9]), patched.clone()]), [""; 0]);
        assert_eq!(found(&[file("b", GRAFT, [1, 2, 8, 8]), patched.clone()]), [""; 0]);
        assert_eq!(found(&[file("b", GRAFT, [1, 2, 8, 0]), patched.clone()]), [""; 0]);
        assert_eq!(found(&[file("b", VALID, [1, 1, 8, 8]), patched]), [""; 0]);
    }
}
