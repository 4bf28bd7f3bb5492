//! File versions, and which of them a rule means.
//!
//! Source: Microsoft, "Understand App Control for Business policy rules and file rules", the note below table 2. With both
//! bounds a rule means what lies between them, whatever it does. With one bound alone an allow rule means the versions on
//! the good side of it and a deny rule those on the bad side: a lone MinimumFileVersion is the newest version that is denied,
//! which is why lists deny every version by `MinimumFileVersion="65535.65535.65535.65535"`.

use std::fmt;
use std::ops::RangeInclusive;

/// VS_FIXEDFILEINFO.dwFileVersionMS and dwFileVersionLS: major, minor, build, revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileVersion(pub [u16; 4]);

impl FileVersion {
    const LOWEST: FileVersion = FileVersion([0; 4]);
    const HIGHEST: FileVersion = FileVersion([u16::MAX; 4]);

    /// Four decimal numbers of 16 bits with dots between them (VersionExType of the policy's schema).
    #[must_use]
    pub fn parse(text: &str) -> Option<FileVersion> {
        let mut parts = [0; 4];
        let mut texts = text.trim().split('.');
        for part in &mut parts {
            let text = texts.next()?;
            *part = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())??;
        }
        texts.next().is_none().then_some(FileVersion(parts))
    }
}

impl fmt::Display for FileVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, build, revision] = self.0;
        write!(f, "{major}.{minor}.{build}.{revision}")
    }
}

/// What a rule is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To deny, by itself or as the attributes of a denied signer.
    Deny,
    /// To allow: here only as an exception of a denied signer.
    Allow,
}

/// The versions that a rule means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versions(RangeInclusive<FileVersion>);

impl Versions {
    /// Those between the bounds that a rule has.
    #[must_use]
    pub fn new(minimum: Option<FileVersion>, maximum: Option<FileVersion>, purpose: Purpose) -> Versions {
        let (lowest, highest) = (FileVersion::LOWEST, FileVersion::HIGHEST);
        Versions(match (minimum, maximum, purpose) {
            (None, None, _) => lowest..=highest,
            (Some(minimum), Some(maximum), _) => minimum..=maximum,
            (Some(minimum), None, Purpose::Allow) => minimum..=highest,
            (Some(minimum), None, Purpose::Deny) => lowest..=minimum,
            (None, Some(maximum), Purpose::Allow) => lowest..=maximum,
            (None, Some(maximum), Purpose::Deny) => maximum..=highest,
        })
    }

    /// Whether every version is meant, so that a file needs none.
    #[must_use]
    pub fn is_all(&self) -> bool {
        *self.0.start() == FileVersion::LOWEST && *self.0.end() == FileVersion::HIGHEST
    }

    /// Whether this one is meant. A file without a fixed version has none of those that bounds tell apart.
    #[must_use]
    pub fn contain(&self, version: Option<FileVersion>) -> bool {
        self.is_all() || version.is_some_and(|version| self.0.contains(&version))
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.0.start(), self.0.end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> FileVersion {
        FileVersion::parse(text).unwrap()
    }

    #[test]
    fn versions_are_four_numbers_of_sixteen_bits() {
        assert_eq!(FileVersion::parse("10.0.22632.65535"), Some(FileVersion([10, 0, 22632, 65535])));
        assert_eq!(FileVersion::parse(" 1.02.0.0 "), Some(FileVersion([1, 2, 0, 0])));
        for none in
            ["", "1", "1.2.3", "1.2.3.4.5", "1.2.3.65536", "1.2.3.", "1.2.-3.4", "1.+2.3.4", "1.2.3.x", "1,2,3,4"]
        {
            assert_eq!(FileVersion::parse(none), None, "{none}");
        }
        assert!(version("2.0.0.0") > version("1.65535.65535.65535") && version("1.0.10.0") > version("1.0.9.65535"));
        assert_eq!(version("1.2.3.4").to_string(), "1.2.3.4");
    }

    #[test]
    fn one_bound_alone_means_the_other_side_for_a_deny_rule() {
        let bound = Some(version("4.21.0.0"));
        let (below, above) = (Some(version("4.20.65535.65535")), Some(version("4.21.0.1")));
        let upper = Some(version("5.0.0.0"));
        for (minimum, maximum, purpose, expected) in [
            (bound, None, Purpose::Deny, [true, true, false]),
            (None, bound, Purpose::Deny, [false, true, true]),
            (bound, None, Purpose::Allow, [false, true, true]),
            (None, bound, Purpose::Allow, [true, true, false]),
            (bound, upper, Purpose::Deny, [false, true, true]),
            (bound, upper, Purpose::Allow, [false, true, true]),
            (upper, bound, Purpose::Deny, [false, false, false]),
            (None, None, Purpose::Deny, [true, true, true]),
        ] {
            let versions = Versions::new(minimum, maximum, purpose);
            assert_eq!(
                [below, bound, above].map(|version| versions.contain(version)),
                expected,
                "{versions} {purpose:?}"
            );
        }
        let between = Versions::new(bound, upper, Purpose::Deny);
        assert!(between.contain(upper) && !between.contain(Some(version("5.0.0.1"))));
        assert_eq!(between.to_string(), "4.21.0.0 to 5.0.0.0");
    }

    #[test]
    fn a_file_without_version_has_only_what_all_have() {
        let highest = Some(version("65535.65535.65535.65535"));
        assert!(Versions::new(highest, None, Purpose::Deny).contain(None));
        assert!(Versions::new(Some(version("0.0.0.0")), highest, Purpose::Deny).contain(None));
        assert!(!Versions::new(Some(version("65535.65535.65535.65534")), None, Purpose::Deny).contain(None));
        assert!(!Versions::new(Some(version("0.0.0.1")), highest, Purpose::Deny).contain(None));
    }
}
