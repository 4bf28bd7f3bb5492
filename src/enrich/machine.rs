//! Which machine an event or a record is of: what is known of a path on one machine says nothing of another's.

use std::net::IpAddr;

use super::json::Object;
use super::shapes::HOST;
use crate::fold::folded;

/// The machine that an event is of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Machine {
    /// The event does not say.
    #[default]
    Unsaid,
    /// This one.
    Named(String),
    /// The event says it in a way that cannot be read.
    Unreadable,
}

impl Machine {
    /// What an event says, in the first field for it that says anything. An object under such a name says it in fields of
    /// its own.
    #[must_use]
    pub fn of(event: &Object<'_>) -> Machine {
        let said = |name: &&str| {
            let found = event.find(name)?;
            match found.value.as_bytes().first() {
                Some(b'n' | b'{') => None, // null
                Some(b'"') => found.text().map_or(Some(Machine::Unreadable), |text| Machine::called(&text)),
                _ => Some(Machine::Unreadable),
            }
        };
        HOST.iter().find_map(said).unwrap_or_default()
    }

    /// The machine of this name, `None` if that is no name.
    #[must_use]
    pub fn called(name: &str) -> Option<Machine> {
        let name = name.trim();
        (!name.is_empty() && name != "-").then(|| Machine::Named(name.to_owned()))
    }

    /// This machine, or else another.
    #[must_use]
    pub fn or(self, other: impl FnOnce() -> Machine) -> Machine {
        if self == Machine::Unsaid { other() } else { self }
    }
}

/// A machine's name as it is compared: without case, and with or without its domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HostName {
    /// All of it.
    pub(super) whole: String,
    /// What stands before the domain. An address has nothing of the kind: it is all the name that there is.
    pub(super) short: Option<String>,
}

impl HostName {
    pub(super) fn of(name: &str) -> HostName {
        let name = name.trim();
        let whole = folded(name.strip_suffix('.').unwrap_or(name));
        let short = match whole.split('.').next() {
            _ if whole.parse::<IpAddr>().is_ok() => None,
            None | Some("") => None,
            Some(short) => Some(short.to_owned()),
        };
        HostName { whole, short }
    }

    /// Whether a domain stands behind the short name.
    pub(super) fn has_domain(&self) -> bool {
        self.short.as_ref().is_some_and(|short| *short != self.whole)
    }

    /// Whether both may be names of one machine: the same, or one is the other without its domain.
    pub(super) fn may_be(&self, other: &HostName) -> bool {
        let bare = !self.has_domain() || !other.has_domain();
        self.whole == other.whole || (bare && self.short.is_some() && self.short == other.short)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_has_its_name_with_and_without_its_domain() {
        let alike = |one: &str, other: &str| HostName::of(one).may_be(&HostName::of(other));
        let same =
            [("B", "b"), ("b", "B.corp.example"), ("b.corp.example.", "B.CORP.example"), ("10.0.0.7", "10.0.0.7")];
        for (one, other) in same {
            assert!(alike(one, other) && alike(other, one), "{one} {other}");
        }
        let different = [
            ("a", "b"),
            ("b.corp.example", "b.other.example"),
            ("b", "b2"),
            ("10.0.0.7", "10.0.0.8"),
            ("10", "10.0.0.8"),
            ("fe80::1", "fe80::2"),
            ("\u{212a}1", "k1"),
        ];
        for (one, other) in different {
            assert!(!alike(one, other) && !alike(other, one), "{one} {other}");
        }
    }

    #[test]
    fn the_first_field_that_says_anything_names_the_machine() {
        let of = |text: &str| Machine::of(&Object::parse(text.as_bytes()).unwrap());
        let named = |name: &str| Machine::Named(name.to_owned());
        assert_eq!(of(r#"{"Computer":"B","Hostname":"C"}"#), named("B"));
        assert_eq!(of(r#"{"winlog":{"computer_name":"B"},"host":{"name":"collector"}}"#), named("B"));
        assert_eq!(of(r#"{"winlog.computer_name":"-","host":{"name":" B "}}"#), named("B"));
        assert_eq!(of(r#"{"Event":{"System":{"Computer":"B"}}}"#), named("B"));
        assert_eq!(of(r#"{"host":"B"}"#), named("B"));
        assert_eq!(of(r#"{"host":{"ip":"10.0.0.1"},"Computer":null}"#), Machine::Unsaid);
        for value in ["7", "[\"B\"]", "\"\\ud800\""] {
            assert_eq!(of(&format!(r#"{{"Computer":{value},"Hostname":"C"}}"#)), Machine::Unreadable, "{value}");
        }
    }
}
