//! Names that impostors like to bear: those of the organisations whose roots the trust store holds.

use std::collections::BTreeMap;

use crate::trust::TrustStore;
use crate::x509::Name;

/// Who is known: the roots of the embedded store, whatever a user trusts, and of the store in use.
#[derive(Debug)]
pub struct KnownNames {
    names: BTreeMap<String, String>,
    embedded: TrustStore,
}

impl KnownNames {
    /// Gathers the organisations and common names in the subjects of roots.
    #[must_use]
    pub fn of(store: &TrustStore) -> KnownNames {
        let embedded = TrustStore::embedded();
        let mut names = BTreeMap::new();
        for root in embedded.roots().iter().chain(&store.roots()) {
            let name = Name::decode(root.subject);
            for text in ["O", "CN"].into_iter().filter_map(|title| name.get(title)) {
                let folded = folded(text);
                if !folded.is_empty() {
                    names.entry(folded).or_insert_with(|| text.to_owned());
                }
            }
        }
        KnownNames { names, embedded }
    }

    /// The known name that this one reads as.
    #[must_use]
    pub fn matching(&self, name: &str) -> Option<&str> {
        self.names.get(&folded(name)).map(String::as_str)
    }

    /// The keys of roots with this subject in the embedded store.
    pub(super) fn keys_of(&self, subject: &[u8]) -> Vec<&[u8]> {
        self.embedded.by_subject(subject).iter().map(|root| root.spki).collect()
    }
}

/// Words that tell one company from the next only on paper.
const FORMS: [&str; 14] = [
    "inc",
    "incorporated",
    "corp",
    "corporation",
    "ltd",
    "limited",
    "llc",
    "gmbh",
    "ag",
    "sa",
    "bv",
    "co",
    "plc",
    "sas",
];

/// A name as a person reads it: case, accents that look like nothing, punctuation and the company's legal form put
/// aside, and letters of other alphabets that look like Latin ones taken for those (after Unicode TR 39, the few that
/// occur in names of Latin letters).
fn folded(name: &str) -> String {
    let looks: String = name.chars().flat_map(char::to_lowercase).map(latin).collect();
    let words = looks.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    words.filter(|word| !FORMS.contains(word)).collect::<Vec<_>>().join(" ")
}

fn latin(letter: char) -> char {
    match letter {
        'а' | 'α' | 'ɑ' => 'a',
        'с' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'ε' => 'e',
        'һ' => 'h',
        'і' | 'ι' | 'ı' | 'ӏ' => 'i',
        'ј' => 'j',
        'κ' | 'к' => 'k',
        'м' => 'm',
        'ո' => 'n',
        'о' | 'ο' | 'օ' => 'o',
        'р' | 'ρ' => 'p',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'υ' | 'ս' => 'u',
        'ν' | 'ѵ' => 'v',
        'ԝ' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' => 'y',
        other if ('\u{ff01}'..='\u{ff5e}').contains(&other) => {
            char::from_u32(u32::from(other).saturating_sub(0xfee0)).unwrap_or(other)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_as_people_read_them() {
        let real = folded("Microsoft Corporation");
        for disguise in ["MICROSOFT CORP.", "Microsoft  Corporation", "Місrosoft Corporation", "Ｍicrosoft, Inc"] {
            assert_eq!(folded(disguise), real, "{disguise}");
        }
        assert_ne!(folded("Micro Soft"), real);
        assert_ne!(folded("Microsoft Windows"), real);
        let names = KnownNames::of(&TrustStore::embedded());
        assert_eq!(names.matching("microsoft corp"), Some("Microsoft Corporation"));
        assert_eq!(names.matching("Fixture Publisher"), None);
        assert_eq!(names.matching("Inc."), None);
    }
}
