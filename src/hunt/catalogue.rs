//! The catalogue of publishers and authorities: built from a table of facts and a trust store, read at run time.
//!
//! The built form is text, one entry a line, its fields separated by tabs and the values of a field by `|`:
//!
//! ```text
//! publisher      NAME    ORGANISATION|...   ISSUER|...        no issuer: not established, any counts
//! authority      NAME    ORGANISATION       SHA-256 of SPKI|...
//! organisation   PLAIN   PUBLISHER          plain ISSUER|...  by the plain name of an organisation
//! alias          PLAIN   PUBLISHER                            by a publisher's own name, where that is no organisation's
//! name           LOOK    NAME               SPELLING|...      of publishers, their organisations, and subjects of roots
//! ```
//!
//! Lines of one kind stand together, the last three kinds in the order of their first fields, so that one is found
//! without reading the others: every start would have to.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use sha2::{Digest, Sha256};

use super::names::{copyright_holder, look, plain};
use crate::hex::lower as hex;
use crate::record::is_cut;
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

/// A name of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NameLine<'c> {
    /// As it is written.
    pub(super) name: &'c str,
    spellings: &'c str,
}

impl NameLine<'_> {
    /// Whether some name of this look is spelled like this, by its [`plain`] form.
    pub(super) fn is_spelled(&self, spelling: &str) -> bool {
        self.spellings.split('|').any(|known| known == spelling)
    }
}

/// A publisher of the catalogue, found by an organisation that signs for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Publisher<'c> {
    /// As it is written.
    pub(super) name: &'c str,
    issuers: &'c str,
}

impl<'c> Publisher<'c> {
    /// The publisher of an organisation with this [`plain`] name.
    pub(super) fn of_organisation(wanted: &str) -> Option<Publisher<'static>> {
        let [name, issuers] = line_by_key(sections().organisations, wanted)?;
        Some(Publisher { name, issuers })
    }

    /// Plain names of the authorities that issue to it; none where that is not established.
    pub(super) fn issuers(&self) -> impl Iterator<Item = &'c str> {
        self.issuers.split('|').filter(|issuer| !issuer.is_empty())
    }

    /// Whether all of them bear the publisher's own name.
    pub(super) fn issues_to_itself(&self) -> bool {
        let own = plain(self.name);
        !self.issuers.is_empty() && self.issuers().all(|issuer| issuer.split(' ').next() == Some(own.as_str()))
    }
}

/// The sorted lines of a catalogue.
struct Sections<'c> {
    organisations: &'c str,
    aliases: &'c str,
    names: &'c str,
}

impl<'c> Sections<'c> {
    fn of(text: &'c str) -> Sections<'c> {
        // Each section ends where the next one begins.
        let cut = |text: &'c str, kind: &str| match memchr::memmem::find(text.as_bytes(), kind.as_bytes()) {
            Some(at) => text.split_at_checked(at.saturating_add(1)).unwrap_or((text, "")),
            None => (text, ""),
        };
        let (rest, names) = cut(text, "\nname\t");
        let (rest, aliases) = cut(rest, "\nalias\t");
        let (_, organisations) = cut(rest, "\norganisation\t");
        Sections { organisations, aliases, names }
    }
}

/// Those of the catalogue that the program carries.
fn sections() -> &'static Sections<'static> {
    static SECTIONS: OnceLock<Sections<'static>> = OnceLock::new();
    SECTIONS.get_or_init(|| Sections::of(EMBEDDED))
}

/// The known name that has this [`look`].
pub(super) fn name_by_look(wanted: &str) -> Option<NameLine<'static>> {
    let [name, spellings] = line_by_key(sections().names, wanted)?;
    Some(NameLine { name, spellings })
}

/// The last two fields of the line whose first field, after its kind, is this, by bisection.
fn line_by_key<'c>(sorted: &'c str, wanted: &str) -> Option<[&'c str; 2]> {
    let mut rest = sorted;
    while !rest.is_empty() {
        let middle = rest.len() / 2;
        let begin = rest
            .as_bytes()
            .get(..middle)?
            .iter()
            .rposition(|octet| *octet == b'\n')
            .map_or(0, |at| at.saturating_add(1));
        let (before, from) = rest.split_at_checked(begin)?;
        let (line, after) = from.split_once('\n').unwrap_or((from, ""));
        let mut fields = line.split('\t').skip(1);
        match fields.next()?.cmp(wanted) {
            Ordering::Equal => return Some([fields.next()?, fields.next()?]),
            Ordering::Less => rest = after,
            Ordering::Greater => rest = before,
        }
    }
    None
}

/// The publishers of the catalogue, by the names that a version resource or a certificate may give them.
#[derive(Debug)]
pub struct Publishers(());

impl Publishers {
    /// Those of the catalogue that the program carries.
    #[must_use]
    pub fn embedded() -> &'static Publishers {
        &Publishers(())
    }

    /// The publisher with this name, in any spelling of its own.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&'static str> {
        Publishers::plainly(&plain(name))
    }

    /// The publisher with this plain name, its own or an organisation's.
    fn plainly(name: &str) -> Option<&'static str> {
        let sections = sections();
        let sorted = [sections.organisations, sections.aliases].into_iter();
        sorted.filter_map(|lines| line_by_key(lines, name)).map(|[publisher, _]| publisher).next()
    }

    /// The publisher for whose name this one passes.
    pub(super) fn passing_for(&self, name: &str) -> Option<&'static str> {
        // The name that stands in the line is a publisher's wherever one has this look.
        name_by_look(&look(name)).and_then(|known| self.named(known.name))
    }

    /// The publisher that holds the rights by a line like `© 2009-2014 Example Corp. All rights reserved.`
    pub(super) fn holder(&self, copyright: &str) -> Option<&'static str> {
        Publishers::plainly(&copyright_holder(copyright))
    }

    /// Whether a version resource's company reads as one of the signer's names, or both are of one publisher.
    #[must_use]
    pub fn same(&self, company: &str, signer: &[Option<&str>]) -> bool {
        let (own, publisher) = (plain(company), self.named(company));
        let fits = |name: &&str| plain(name) == own || publisher.is_some_and(|known| self.named(name) == Some(known));
        !own.is_empty() && signer.iter().flatten().filter(|name| !is_cut(name)).any(fits)
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
    let (mut names, mut organised, mut aliases) = (Names::default(), BTreeMap::new(), BTreeMap::new());
    for (name, (organisations, issuers)) in publishers(facts)? {
        line(&mut text, ["publisher", name, &joined(&organisations), &joined(&issuers)]);
        organisations.iter().chain([&name]).for_each(|spelling| names.add(spelling));
        let issuers: BTreeSet<String> = issuers.into_iter().map(plain).collect();
        let issuers = joined(&issuers.iter().map(String::as_str).collect());
        for organisation in organisations {
            one_publisher(organised.insert(plain(organisation), (name, issuers.clone())).map(|other| other.0), name)?;
        }
        one_publisher(aliases.insert(plain(name), name), name)?;
    }
    let mut authorities: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for root in store.roots() {
        let subject = Name::decode(root.subject);
        ["O", "CN"].into_iter().filter_map(|title| subject.get(title)).for_each(|name| names.add(name));
        let Some((name, organisation)) = authority_name(&subject) else { continue };
        let key = hex(&Sha256::digest(root.spki));
        authorities.entry((field(name), field(organisation))).or_default().insert(key);
    }
    for ((name, organisation), keys) in &authorities {
        let keys: BTreeSet<&str> = keys.iter().map(String::as_str).collect();
        line(&mut text, ["authority", name, organisation, &joined(&keys)]);
    }
    for (plain, (name, issuers)) in &organised {
        line(&mut text, ["organisation", plain, name, issuers]);
    }
    for (plain, name) in aliases.iter().filter(|(plain, _)| !plain.is_empty()) {
        match organised.get(plain) {
            Some((other, _)) => one_publisher(Some(other), name)?,
            None => line(&mut text, ["alias", plain, name, ""]),
        }
    }
    for (look, (name, spellings)) in &names.0 {
        let spellings: BTreeSet<&str> = spellings.iter().map(String::as_str).collect();
        line(&mut text, ["name", look, name, &joined(&spellings)]);
    }
    Ok(text)
}

/// A plain name leads to one publisher.
fn one_publisher(known: Option<&str>, name: &str) -> Result<(), String> {
    match known.filter(|known| *known != name) {
        Some(known) => Err(format!("{known:?} and {name:?} have a name in common")),
        None => Ok(()),
    }
}

/// Names are shown and compared; what would break a line is nothing that a reader could tell.
fn field(text: &str) -> String {
    text.replace(['\t', '\n', '\r', '|'], " ")
}

/// Known names by their look: the first with that look as it is written, and the spellings of all.
#[derive(Default)]
struct Names(BTreeMap<String, (String, BTreeSet<String>)>);

impl Names {
    fn add(&mut self, name: &str) {
        let look = look(name);
        if !look.is_empty() {
            self.0.entry(look).or_insert_with(|| (field(name), BTreeSet::new())).1.insert(plain(name));
        }
    }
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
        let sorted = "organisation\ta\tA\t\norganisation\tb\tB\tca 1|ca 2\nname\ta\tA AG\ta\nname\tb\tB Ltd\tb\n";
        assert_eq!(built, format!("publisher\tA\tA AG\t\npublisher\tB\tB Ltd|B, Inc.\tCA 1|CA 2\n{sorted}"));
        let read: Vec<Line<'_>> = lines(&built).collect();
        let second =
            Line::Publisher { name: "B", organisations: vec!["B Ltd", "B, Inc."], issuers: vec!["CA 1", "CA 2"] };
        assert_eq!(read, [Line::Publisher { name: "A", organisations: vec!["A AG"], issuers: vec![] }, second]);
        assert_eq!(lines("publisher\tno more\nnonsense\ta\tb\tc\n\n").count(), 0);
    }

    #[test]
    fn every_name_is_found_by_its_look_and_no_other() {
        let mut count = 0;
        for line in EMBEDDED.lines().filter(|line| line.starts_with("name\t")) {
            let fields: Vec<&str> = line.split('\t').collect();
            let found = name_by_look(fields[1]).unwrap();
            assert_eq!((found.name, found.spellings), (fields[2], fields[3]));
            assert!(fields[3].split('|').all(|spelling| found.is_spelled(spelling)) && !found.is_spelled("no name"));
            let mut letters = fields[1].chars();
            letters.next();
            for other in [&format!("{}\u{1}", fields[1]), letters.as_str()] {
                let known = EMBEDDED.contains(&format!("\nname\t{other}\t"));
                assert_eq!(name_by_look(other).is_some(), known, "{other}");
            }
            count += 1;
        }
        assert!(count > 500, "{count}");
        for nothing in ["", "\n", "name\t", "name\ta\n", "name\ta\tb", "name\tb\tb\tc\n"] {
            assert_eq!(line_by_key(nothing, "a"), None);
        }
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
            ("Microsoft Windows", Some("Microsoft")),
            ("Microsoft Windows Publishers", None),
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

    /// The lines that are sorted for finding say the same as those of the publishers.
    #[test]
    fn every_publisher_is_found_by_each_of_its_names_and_looks() {
        let (mut looks, mut count) = (BTreeMap::new(), 0);
        for line in lines(EMBEDDED) {
            let Line::Publisher { name, organisations, issuers } = line else { continue };
            for organisation in &organisations {
                let found = Publisher::of_organisation(&plain(organisation)).unwrap();
                let expected: BTreeSet<String> = issuers.iter().map(|issuer| plain(issuer)).collect();
                let issuers: BTreeSet<String> = found.issuers().map(str::to_owned).collect();
                assert_eq!((found.name, issuers), (name, expected));
                count += 1;
            }
            for spelling in organisations.into_iter().chain([name]).filter(|spelling| !plain(spelling).is_empty()) {
                assert_eq!(Publishers::embedded().named(spelling), Some(name));
                looks.entry(look(spelling)).or_insert((name, spelling));
            }
        }
        for (name, spelling) in looks.into_values() {
            assert_eq!(Publishers::embedded().passing_for(spelling), Some(name), "{spelling}");
        }
        assert!(count > 224, "{count}");
    }

    #[test]
    fn a_table_that_is_no_table_is_refused() {
        let store = TrustStore::empty();
        let wrong = |facts: &str| build_catalogue(facts, &store).unwrap_err();
        assert_eq!(wrong("A\tA\t?\tx\n"), format!("line 1: not {HEADER:?}"));
        assert_eq!(wrong(&format!("{HEADER}\nA\tA AG\t?\n")), "line 2: not four fields");
        assert_eq!(wrong(&format!("{HEADER}\nA\tA AG\t\tx\n")), "line 2: a field that is empty or has a |");
        assert_eq!(wrong(&format!("{HEADER}\nA\tA|B\t?\tx\n")), "line 2: a field that is empty or has a |");
        for twice in ["A\tX AG\t?\tx\nB\tX GmbH\t?\tx\n", "A\tB AG\t?\tx\nB\tX\t?\tx\n", "A\tX\t?\tx\nA AG\tY\t?\tx\n"]
        {
            assert!(wrong(&format!("{HEADER}\n{twice}")).ends_with("have a name in common"), "{twice}");
        }
    }
}
