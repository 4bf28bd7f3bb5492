//! The catalogue of publishers and authorities: built from a table of facts and a trust store, read at run time.
//!
//! The built form is text, one entry a line, its fields separated by tabs and the values of a field by `|`:
//!
//! ```text
//! publisher   NAME   ORGANISATION|...   ISSUER|...       no issuer: not established, any counts
//! authority   NAME   ORGANISATION       SHA-256 of SPKI|...
//! ```

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::names::{copyright_holder, look, plain};
use crate::hex::lower as hex;
use crate::trust::TrustStore;
use crate::x509::Name;

/// The catalogue that the program carries; `data/README.md` says from what it is made.
pub(super) const EMBEDDED: &str = include_str!("../../data/catalogue.tsv");

/// The header of the table of facts.
const HEADER: &str = "publisher\torganisation\tissuer\tsource";

/// An issuer that is not established.
const UNKNOWN: &str = "?";

/// A line of the built catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line<'c> {
    /// A publisher, the organisation names that it signs with, and the common names of the authorities that issue to it.
    Publisher { name: &'c str, organisations: Vec<&'c str>, issuers: Vec<&'c str> },
    /// A trusted root's common name (or else its unit's or organisation's), its organisation, and the keys of that name.
    Authority { name: &'c str, organisation: &'c str, keys: Vec<&'c str> },
}

/// The lines of a built catalogue; what is none is left out.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    fn list(field: &str) -> Vec<&str> {
        field.split('|').filter(|value| !value.is_empty()).collect()
    }
    text.lines().filter_map(|line| {
        let mut fields = line.split('\t');
        let (kind, name, second, third) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        match kind {
            "publisher" => Some(Line::Publisher { name, organisations: list(second), issuers: list(third) }),
            "authority" => Some(Line::Authority { name, organisation: second, keys: list(third) }),
            _ => None,
        }
    })
}

/// The publishers of the catalogue, by the names that a version resource or a certificate may give them.
#[derive(Debug)]
pub struct Publishers {
    /// By plain name: their organisations', and their own.
    plain: BTreeMap<String, &'static str>,
    /// By the look of those.
    looks: BTreeMap<String, &'static str>,
}

impl Publishers {
    /// Those of the catalogue that the program carries.
    #[must_use]
    pub fn embedded() -> Publishers {
        let mut publishers = Publishers { plain: BTreeMap::new(), looks: BTreeMap::new() };
        for line in lines(EMBEDDED) {
            let Line::Publisher { name, organisations, .. } = line else { continue };
            for spelling in organisations.into_iter().chain([name]).filter(|spelling| !plain(spelling).is_empty()) {
                publishers.plain.entry(plain(spelling)).or_insert(name);
                publishers.looks.entry(look(spelling)).or_insert(name);
            }
        }
        publishers
    }

    /// The publisher with this name, in any spelling of its own.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&'static str> {
        self.plain.get(&plain(name)).copied()
    }

    /// The publisher for whose name this one passes.
    pub(super) fn passing_for(&self, name: &str) -> Option<&'static str> {
        self.looks.get(&look(name)).copied()
    }

    /// The publisher that holds the rights by a line like `© 2009-2014 Example Corp. All rights reserved.`
    pub(super) fn holder(&self, copyright: &str) -> Option<&'static str> {
        self.plain.get(&copyright_holder(copyright)).copied()
    }

    /// Whether a version resource's company reads as one of the signer's names, or both are of one publisher.
    #[must_use]
    pub fn same(&self, company: &str, signer: &[Option<&str>]) -> bool {
        let (own, publisher) = (plain(company), self.named(company));
        let fits = |name: &&str| plain(name) == own || publisher.is_some_and(|known| self.named(name) == Some(known));
        !own.is_empty() && signer.iter().flatten().any(fits)
    }
}

/// The name by which an authority is known: its common name, or else its unit's or organisation's; and its organisation.
pub(super) fn authority_name(name: &Name) -> Option<(&str, &str)> {
    let shown = ["CN", "OU", "O"].into_iter().find_map(|title| name.get(title))?;
    Some((shown, name.get("O").unwrap_or("")))
}

/// Builds the catalogue from facts (tab-separated: publisher, organisation, issuer or `?`, source; sorted by nobody) and
/// the roots of a store. The result depends on nothing else, and its lines are sorted.
///
/// # Errors
/// What is wrong with the table, with the number of the line.
pub fn build_catalogue(facts: &str, store: &TrustStore) -> Result<String, String> {
    let mut text = String::new();
    for (name, (organisations, issuers)) in publishers(facts)? {
        line(&mut text, ["publisher", name, &joined(&organisations), &joined(&issuers)]);
    }
    let mut authorities: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for root in store.roots() {
        let subject = Name::decode(root.subject);
        let Some((name, organisation)) = authority_name(&subject) else { continue };
        // Names are shown and compared; what would break a line is nothing that a reader could tell.
        let field = |text: &str| text.replace(['\t', '\n', '\r', '|'], " ");
        let key = hex(&Sha256::digest(root.spki));
        authorities.entry((field(name), field(organisation))).or_default().insert(key);
    }
    for ((name, organisation), keys) in &authorities {
        let keys: BTreeSet<&str> = keys.iter().map(String::as_str).collect();
        line(&mut text, ["authority", name, organisation, &joined(&keys)]);
    }
    Ok(text)
}

type Known<'f> = (BTreeSet<&'f str>, BTreeSet<&'f str>);

fn publishers(facts: &str) -> Result<BTreeMap<&str, Known<'_>>, String> {
    let mut publishers: BTreeMap<&str, Known<'_>> = BTreeMap::new();
    let mut lines = facts.lines().enumerate();
    if lines.next().map(|(_, header)| header) != Some(HEADER) {
        return Err(format!("line 1: not {HEADER:?}"));
    }
    for (index, fact) in lines {
        let number = index.saturating_add(1);
        let fields: Vec<&str> = fact.split('\t').collect();
        let [name, organisation, issuer, source] = fields[..] else {
            return Err(format!("line {number}: not four fields"));
        };
        if [name, organisation, issuer, source].iter().any(|field| field.trim().is_empty() || field.contains('|')) {
            return Err(format!("line {number}: a field that is empty or has a |"));
        }
        let known = publishers.entry(name).or_default();
        known.0.insert(organisation);
        if issuer != UNKNOWN {
            known.1.insert(issuer);
        }
    }
    Ok(publishers)
}

fn joined(values: &BTreeSet<&str>) -> String {
    values.iter().copied().collect::<Vec<_>>().join("|")
}

fn line(text: &mut String, fields: [&str; 4]) {
    text.push_str(&fields.join("\t"));
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_become_one_sorted_line_a_publisher() {
        let facts = format!("{HEADER}\nB\tB, Inc.\tCA 2\tx\nA\tA AG\t?\ty\nB\tB Ltd\tCA 1\tz\nB\tB, Inc.\tCA 2\tz\n");
        let built = build_catalogue(&facts, &TrustStore::empty()).unwrap();
        assert_eq!(built, "publisher\tA\tA AG\t\npublisher\tB\tB Ltd|B, Inc.\tCA 1|CA 2\n");
        let read: Vec<Line<'_>> = lines(&built).collect();
        let second =
            Line::Publisher { name: "B", organisations: vec!["B Ltd", "B, Inc."], issuers: vec!["CA 1", "CA 2"] };
        assert_eq!(read, [Line::Publisher { name: "A", organisations: vec!["A AG"], issuers: vec![] }, second]);
        assert_eq!(lines("publisher\tno more\nnonsense\ta\tb\tc\n\n").count(), 0);
    }

    #[test]
    fn publishers_are_known_by_each_of_their_names() {
        let publishers = Publishers::embedded();
        for (name, publisher) in [
            ("IBM", Some("IBM")),
            ("IBM Corporation", Some("IBM")),
            ("International Business Machines Corporation", Some("IBM")),
            ("MICROSOFT CORP.", Some("Microsoft")),
            ("Micrоsoft Corporation", None),
            ("Microsoft Windows", None),
            ("Fixture Publisher", None),
            ("Inc.", None),
        ] {
            assert_eq!(publishers.named(name), publisher, "{name}");
        }
        assert_eq!(publishers.passing_for("Micrоsoft Corporation"), Some("Microsoft"));
        assert_eq!(publishers.holder("© Microsoft Corporation. All rights reserved."), Some("Microsoft"));
        assert_eq!(publishers.holder("© Microsoft Corporation and others"), None);
        assert!(publishers.same("IBM", &[None, Some("International Business Machines Corporation")]));
        assert!(publishers.same("Example GmbH", &[Some("EXAMPLE"), None]));
        assert!(!publishers.same("Google", &[Some("Microsoft Corporation"), Some("Microsoft Windows")]));
        assert!(!publishers.same("Inc.", &[Some("GmbH")]));
    }

    #[test]
    fn a_table_that_is_no_table_is_refused() {
        let store = TrustStore::empty();
        let wrong = |facts: &str| build_catalogue(facts, &store).unwrap_err();
        assert_eq!(wrong("A\tA\t?\tx\n"), format!("line 1: not {HEADER:?}"));
        assert_eq!(wrong(&format!("{HEADER}\nA\tA AG\t?\n")), "line 2: not four fields");
        assert_eq!(wrong(&format!("{HEADER}\nA\tA AG\t\tx\n")), "line 2: a field that is empty or has a |");
        assert_eq!(wrong(&format!("{HEADER}\nA\tA|B\t?\tx\n")), "line 2: a field that is empty or has a |");
    }
}
