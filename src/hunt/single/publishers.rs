//! Names that impostors like to bear: those of the catalogue's publishers and of the organisations whose roots the trust
//! store holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::certificates::anchored;
use super::{FileFacts, finding};
use crate::hex::lower as hex;
use crate::hunt::catalogue::{EMBEDDED, Line, NameLine, Publisher, authority_name, lines, name_by_look};
use crate::hunt::names::{look, plain};
use crate::record::{Finding, Severity};
use crate::trust::TrustStore;
use crate::verify::{Path, PathEnd, Work};
use crate::x509::{Certificate, Name};

/// A name of a root that a user trusts, and every plain spelling of its look.
#[derive(Debug)]
struct Added {
    shown: String,
    spellings: BTreeSet<String>,
}

/// Who is known: the catalogue's publishers, the roots of the embedded store, whatever a user trusts, and of the store
/// in use.
#[derive(Debug)]
pub struct KnownNames {
    /// Names that are not in the catalogue, or spelled otherwise there; by [`look`].
    added: BTreeMap<String, Added>,
    /// Keys of the embedded store's roots by the looks of their name and organisation. Few files make anybody ask.
    authorities: OnceLock<BTreeMap<(String, String), BTreeSet<&'static str>>>,
    embedded: OnceLock<TrustStore>,
}

impl KnownNames {
    /// Gathers the catalogue's names, and the organisations and common names in the subjects of roots.
    #[must_use]
    pub fn of(store: &TrustStore) -> KnownNames {
        let mut known = KnownNames { added: BTreeMap::new(), authorities: OnceLock::new(), embedded: OnceLock::new() };
        for root in store.roots_beside_embedded() {
            let name = Name::decode(root.subject);
            ["O", "CN"].into_iter().filter_map(|title| name.get(title)).for_each(|text| known.add(text));
        }
        known
    }

    fn add(&mut self, text: &str) {
        let look = look(text);
        if !look.is_empty() {
            let known = self.added.entry(look);
            let known = known.or_insert_with(|| Added { shown: text.to_owned(), spellings: BTreeSet::new() });
            known.spellings.insert(plain(text));
        }
    }

    /// The known name with this look: the catalogue's, and a trusted root's.
    fn known(&self, look: &str) -> (Option<NameLine<'static>>, Option<&Added>) {
        (name_by_look(look), self.added.get(look))
    }

    /// The known name that this one reads as.
    #[must_use]
    pub fn matching(&self, name: &str) -> Option<&str> {
        let (catalogued, added) = self.known(&look(name));
        catalogued.map(|known| known.name).or(added.map(|known| known.shown.as_str()))
    }

    /// The known name that this one only looks like.
    #[must_use]
    pub fn imitated(&self, name: &str) -> Option<&str> {
        let (catalogued, added) = self.known(&look(name));
        let shown = catalogued.map(|known| known.name).or(added.map(|known| known.shown.as_str()))?;
        let spelling = plain(name);
        let spelled = catalogued.is_some_and(|known| known.is_spelled(&spelling))
            || added.is_some_and(|known| known.spellings.contains(&spelling));
        (!spelled).then_some(shown)
    }

    /// The keys of roots with this subject in the embedded store.
    pub(super) fn keys_of(&self, subject: &[u8]) -> Vec<&[u8]> {
        self.embedded.get_or_init(TrustStore::embedded).by_subject(subject).iter().map(|root| root.spki).collect()
    }

    fn authorities(&self) -> &BTreeMap<(String, String), BTreeSet<&'static str>> {
        self.authorities.get_or_init(|| {
            let mut authorities: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
            for line in lines(EMBEDDED) {
                if let Line::Authority { name, organisation, keys } = line {
                    authorities.entry((look(name), look(organisation))).or_default().extend(keys);
                }
            }
            authorities
        })
    }

    /// The name of the embedded store's root that this certificate's subject looks like, if its key is none of those
    /// that the root's name has.
    pub(super) fn authority_imitated(&self, certificate: &Certificate<'_>) -> Option<String> {
        let subject = Name::decode(certificate.subject);
        let (name, organisation) = authority_name(&subject)?;
        let keys = self.authorities().get(&(look(name), look(organisation)))?;
        (!keys.contains(hex(&Sha256::digest(certificate.spki)).as_str())).then(|| name.to_owned())
    }
}

/// Whether some path of the deciding signature ends at a self-issued certificate that nobody trusts.
fn own_root(facts: &FileFacts<'_>) -> Option<bool> {
    let content = facts.deciding()?.0.content.as_ref()?;
    Some(content.paths.list.iter().any(|path| {
        let last = path.certificates.last().and_then(|index| content.pool.certificate(*index));
        !matches!(path.end, PathEnd::Anchor { .. }) && last.is_some_and(Certificate::is_self_issued)
    }))
}

/// Whether some path of the deciding signature ends at or below a root of the embedded store, which the store in use
/// need not trust.
fn below_known_root(facts: &FileFacts<'_>) -> Option<bool> {
    let content = facts.deciding()?.0.content.as_ref()?;
    let last = |path: &Path<'_>| content.pool.certificate(*path.certificates.last()?);
    Some(content.paths.list.iter().filter_map(last).any(|last| {
        if last.is_self_issued() {
            return facts.known().keys_of(last.subject).contains(&last.spki);
        }
        facts.known().keys_of(last.issuer).into_iter().any(|key| {
            let affordable = Work::default().verify(key, &last.signature_algorithm, last.tbs);
            affordable && facts.memo.verify(key, &last.signature_algorithm, last.tbs, last.signature).is_good()
        })
    }))
}

/// S128: the name of a catalogued publisher, under an issuer under which that publisher is not known to sign, or under
/// the mere name of one under which it does.
pub(super) fn unknown_issuer(facts: &FileFacts<'_>) -> Option<Finding> {
    let leaf = facts.leaf().filter(|leaf| !leaf.is_self_issued())?;
    let organization = facts.leaf_text()?.organization.as_deref()?;
    let publisher = Publisher::of_organisation(&plain(organization))?;
    let issuer = Name::decode(leaf.issuer);
    let shown = ["CN", "O"].into_iter().find_map(|title| issuer.get(title))?;
    let issuer = plain(shown);
    let known = publisher.issuers().any(|known| known == issuer);
    let (trusted, own_root) = (anchored(facts)?, own_root(facts)?);
    // Anybody can write an issuer's name into a certificate: it counts where a root stands behind it.
    if known && (trusted || below_known_root(facts)?) {
        return None;
    }
    // Nothing is known of where a publisher signs: only a root that somebody made for it says something.
    let count = publisher.issuers().count();
    if count == 0 && (trusted || !own_root) {
        return None;
    }
    let severity = match () {
        () if trusted && !publisher.issues_to_itself() => Severity::Low,
        () if !trusted && own_root => Severity::High,
        // Signers forget the certificates of public authorities; those with authorities of their own do not.
        () if known && !publisher.issues_to_itself() => Severity::Low,
        () => Severity::Medium,
    };
    let mut evidence = vec![
        ("publisher", json!(publisher.name)),
        ("organization", json!(organization)),
        ("issuer", json!(shown)),
        ("issuer_trusted", json!(trusted)),
        ("issuers_known", json!(count)),
    ];
    if known {
        evidence.push(("issuer_named_only", json!(true)));
    }
    finding("S128", Some(severity), &evidence)
}

/// S129: a name that only looks like a known one.
pub(super) fn look_alike(facts: &FileFacts<'_>) -> Option<Finding> {
    let (shown, known) = facts.name_with(|name| facts.known().imitated(name))?;
    finding("S129", None, &[("name", json!(shown)), ("publisher", json!(known))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_are_those_of_publishers_and_roots() {
        let names = KnownNames::of(&TrustStore::embedded());
        assert_eq!(names.matching("microsoft corp"), Some("Microsoft Corporation"));
        assert_eq!(names.matching("GOOGLE"), Some("Google LLC"));
        assert_eq!(names.matching("Fixture Publisher"), None);
        assert_eq!(names.matching("Inc."), None);
        assert_eq!(names.imitated("Gооgle LLC"), Some("Google LLC"));
        assert_eq!(names.imitated("1ntel Corporation"), Some("Intel Corporation"));
        assert_eq!(names.imitated("INTEL CORP"), None);
        assert_eq!(names.imitated("Fixture Publisher"), None);
    }

    #[test]
    fn a_publisher_is_found_by_each_of_its_organisations() {
        let of = |name: &str| {
            Publisher::of_organisation(&plain(name)).map(|publisher| (publisher.name, publisher.issues_to_itself()))
        };
        assert_eq!(of("Microsoft Corporation"), Some(("Microsoft", true)));
        assert_eq!(of("HP Inc."), Some(("HP", false)));
        assert_eq!(of("Hewlett-Packard Company"), Some(("HP", false)));
        assert_eq!(of("Hewlett"), None);
    }

    #[test]
    fn the_catalogue_is_as_large_as_it_says() {
        let names = KnownNames::of(&TrustStore::empty());
        let publishers = lines(EMBEDDED).filter(|line| matches!(line, Line::Publisher { .. })).count();
        assert!(publishers >= 200, "{publishers}");
        let store = TrustStore::embedded();
        let keys: BTreeSet<&str> = names.authorities().values().flatten().copied().collect();
        let missing =
            store.roots().iter().filter(|root| !keys.contains(hex(&Sha256::digest(root.spki)).as_str())).count();
        assert_eq!(missing, 0, "every key of the store is in the catalogue");
    }
}
