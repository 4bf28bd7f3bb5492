//! Digests that an event states of its file.
//!
//! Sysmon writes `SHA1=..,MD5=..,SHA256=..,IMPHASH=..`; forwarders and searches put other signs between, and fields of ECS or
//! columns of tables hold one digest alone. A digest that is stated and cannot be read is not the same as none: nobody knows
//! then whether the file at hand is the one that is meant.

use std::borrow::Cow;

use crate::crypto::DigestAlgorithm;

/// Digests in one field that are read.
const MAX_PARTS: usize = 16;
/// What stands for no digest.
const NOTHING: [&str; 6] = ["", "-", "null", "(null)", "n/a", "unknown"];
/// Names of digests that say nothing of a file's bytes, or that no judgement makes.
const OTHERS: [&str; 12] = [
    "IMPHASH", "SHA384", "SHA512", "SHA3256", "SHA3384", "SHA3512", "SSDEEP", "TLSH", "PEHASH", "PESHA1", "PESHA256",
    "CRC32",
];

/// Kind of a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HashKind {
    /// SHA-256 of the file, or of what Authenticode covers.
    Sha256,
    /// SHA-1 of the file.
    Sha1,
    /// MD5 of the file.
    Md5,
}

impl HashKind {
    /// The algorithm.
    #[must_use]
    pub fn algorithm(self) -> DigestAlgorithm {
        match self {
            HashKind::Sha256 => DigestAlgorithm::Sha256,
            HashKind::Sha1 => DigestAlgorithm::Sha1,
            HashKind::Md5 => DigestAlgorithm::Md5,
        }
    }

    /// What people call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            HashKind::Sha256 => "SHA-256",
            HashKind::Sha1 => "SHA-1",
            HashKind::Md5 => "MD5",
        }
    }
}
impl HashKind {
    /// The kind of this name, however it is written: `SHA256`, `sha-256`, `Sha_256`.
    fn named(label: &str) -> Option<HashKind> {
        match label {
            "SHA256" => Some(HashKind::Sha256),
            "SHA1" => Some(HashKind::Sha1),
            "MD5" => Some(HashKind::Md5),
            _ => None,
        }
    }

    /// The kind of a digest of so many hexadecimal digits.
    fn of_length(digits: usize) -> Option<HashKind> {
        match digits {
            64 => Some(HashKind::Sha256),
            40 => Some(HashKind::Sha1),
            32 => Some(HashKind::Md5),
            _ => None,
        }
    }
}

/// What fields say of digests.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stated {
    /// Digests that could be read, strongest first, in lower case.
    pub hashes: Vec<(HashKind, String)>,
    /// The strongest of those that could not.
    pub unread: Option<HashKind>,
}

/// What one part of a field says.
enum Part {
    Nothing,
    Digest(HashKind, String),
    Unreadable(HashKind),
}

impl Stated {
    /// What these fields say; `Some(None)` for one that cannot be read at all.
    pub(super) fn of<'f>(fields: impl Iterator<Item = Option<Option<Cow<'f, str>>>>) -> Stated {
        let mut stated = Stated::default();
        for field in fields.flatten() {
            match field {
                Some(text) => stated.read(&text),
                None => stated.unreadable(HashKind::Md5),
            }
        }
        stated.hashes.sort();
        stated
    }

    /// What the text of one field says.
    #[must_use]
    pub fn of_text(text: &str) -> Stated {
        Stated::of(std::iter::once(Some(Some(Cow::Borrowed(text)))))
    }

    /// Whether a digest is stated that cannot be read, and none as strong that can.
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        let readable = self.hashes.first().map(|(kind, _)| *kind);
        self.unread.is_some_and(|unread| readable.is_none_or(|readable| unread < readable))
    }

    fn read(&mut self, text: &str) {
        let mut parts = text.split([',', ';', '|', '\n']);
        for text in parts.by_ref().take(MAX_PARTS) {
            match part(text) {
                Part::Nothing => {}
                Part::Digest(kind, digest) => self.hashes.push((kind, digest)),
                Part::Unreadable(kind) => self.unreadable(kind),
            }
        }
        if parts.next().is_some() {
            self.unreadable(HashKind::Sha256);
        }
    }

    fn unreadable(&mut self, kind: HashKind) {
        self.unread = Some(self.unread.map_or(kind, |known| known.min(kind)));
    }
}

/// One digest, alone or with its name before it.
fn part(text: &str) -> Part {
    let bare =
        |text: &str| text.trim_matches(|sign: char| sign.is_whitespace() || matches!(sign, '"' | '\'')).to_owned();
    let (label, digits) = match text.split_once(['=', ':']) {
        Some((label, digits)) => (Some(bare(label)), bare(digits)),
        None => (None, bare(text)),
    };
    if NOTHING.contains(&digits.to_ascii_lowercase().as_str()) {
        return Part::Nothing;
    }
    let label = label.map(|label| label.replace(['-', '_', ' '], "").to_ascii_uppercase());
    if label.as_deref().is_some_and(|label| OTHERS.contains(&label)) {
        return Part::Nothing;
    }
    let named = label.as_deref().and_then(HashKind::named);
    let hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let kind = HashKind::of_length(digits.len()).filter(|_| hexadecimal);
    match kind {
        // Falcon states digests that it does not have as zeros.
        Some(_) if digits.bytes().all(|digit| digit == b'0') => Part::Nothing,
        Some(kind) if label.is_none() || named == Some(kind) => Part::Digest(kind, digits.to_ascii_lowercase()),
        _ => Part::Unreadable(named.unwrap_or(HashKind::Md5)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sha256() -> (HashKind, String) {
        (HashKind::Sha256, "ab".repeat(32))
    }

    #[test]
    fn digests_are_told_apart() {
        let (digest, md5) = ("AB".repeat(32), "cd".repeat(16));
        let spelt = [
            digest.clone(),
            format!("SHA256={digest}"),
            format!("sha256:{digest}"),
            format!(" SHA-256 = \"{digest}\" "),
            format!("Sha_256={digest},IMPHASH={md5}"),
            format!("PESHA256={},SHA256={digest}", "1".repeat(64)),
            format!("MD5={},SHA256={digest}", "0".repeat(32)),
        ];
        for text in spelt {
            assert_eq!(Stated::of_text(&text), Stated { hashes: vec![sha256()], unread: None }, "{text}");
        }
        for between in [",", ";", "|", ", ", " | ", "\n"] {
            let text = format!("MD5={md5}{between}SHA1={}{between}SHA256={digest}", "e".repeat(40));
            let hashes = vec![sha256(), (HashKind::Sha1, "e".repeat(40)), (HashKind::Md5, md5.clone())];
            assert_eq!(Stated::of_text(&text), Stated { hashes, unread: None }, "{text}");
        }
        let none = [
            String::new(),
            "-".to_owned(),
            "unknown".to_owned(),
            format!("IMPHASH={md5}"),
            format!("SHA512={}", "a".repeat(128)),
            format!("MD5={}", "0".repeat(32)),
            "SHA256=,MD5=".to_owned(),
        ];
        for text in none {
            assert_eq!(Stated::of_text(&text), Stated::default(), "{text}");
        }
    }

    #[test]
    fn a_digest_that_cannot_be_read_is_not_none() {
        let (digest, md5) = ("AB".repeat(32), "cd".repeat(16));
        let unread = [
            ("deadbeef".to_owned(), HashKind::Md5),
            ("sha256:12…".to_owned(), HashKind::Sha256),
            (format!("SHA256={}", "a".repeat(40)), HashKind::Sha256),
            (format!("SHA1={}", "g".repeat(40)), HashKind::Sha1),
            ("g".repeat(64), HashKind::Md5),
            (format!("BLAKE3={digest}"), HashKind::Md5),
            (format!("{digest} {digest}"), HashKind::Md5),
        ];
        for (text, kind) in unread {
            assert_eq!(Stated::of_text(&text), Stated { hashes: Vec::new(), unread: Some(kind) }, "{text}");
        }
        let many = format!("{}SHA256={digest}", "IMPHASH=,".repeat(16));
        assert_eq!(Stated::of_text(&many), Stated { hashes: Vec::new(), unread: Some(HashKind::Sha256) });
        let fields = [None, Some(None), Some(Some(Cow::Owned(format!("MD5={md5}"))))];
        let stated = Stated { hashes: vec![(HashKind::Md5, md5)], unread: Some(HashKind::Md5) };
        assert_eq!(Stated::of(fields.into_iter()), stated);
        assert!(!stated.is_unreadable());
        assert!(Stated { unread: Some(HashKind::Sha1), ..stated }.is_unreadable());
    }
}
