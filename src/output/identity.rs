//! What the formats that speak of events share: identities, parts of paths and names, moments.
//!
//! Everything here is a pure function of records and findings. Two events with the same identity are the same event,
//! sent twice; another verdict, another moment or another finding gives another one.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::Origin;
use super::event::Alert;
use crate::asn1::Time;
use crate::record::{ChainCertificate, Record, Severity, Signature, Signer};

/// An object in JSON, members in the order in which they were added.
pub(super) type Object = Map<String, Value>;

/// Adds a member, unless there is nothing to say: null, an empty text, list or object.
pub(super) fn put(object: &mut Object, name: &str, value: impl Into<Value>) {
    let value = value.into();
    let empty = match &value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    };
    if !empty {
        object.insert(name.to_owned(), value);
    }
}

/// 32 hexadecimal digits of the SHA-256 over all parts, each preceded by its length.
pub(super) fn identity(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part.as_bytes());
    }
    crate::hex::lower(hash.finalize().get(..16).unwrap_or(&[]))
}

fn host(origin: &Origin) -> &str {
    origin.host.as_deref().unwrap_or_default()
}

fn record_identity(record: &Record, origin: &Origin, more: &[&str]) -> String {
    let path = record.path_hex.as_deref().unwrap_or(&record.path);
    let known = |digests: &std::collections::BTreeMap<String, String>| digests.get("sha256").cloned();
    let content = known(&record.hashes).or_else(|| known(&record.authentihash)).unwrap_or_default();
    let parts = [host(origin), path, &content, &record.judged_at, record.status.name(), record.reason.code()];
    identity(&[&parts[..], more].concat())
}

/// The identity of the event of a file: of its path, digest, verdict and moment, and the machine's name.
pub(super) fn file_id(record: &Record, origin: &Origin) -> String {
    record_identity(record, origin, &[])
}

/// The identity of the event of a finding. About one file: what [`file_id`] is of, with code and evidence. About several: of
/// code, evidence, members and moment, and the machine's name.
pub(super) fn alert_id(alert: &Alert<'_>, judged_at: &str, origin: &Origin) -> String {
    let evidence = serde_json::to_string(alert.evidence).unwrap_or_default();
    if let Some(record) = alert.record {
        return record_identity(record, origin, &[alert.code, &evidence]);
    }
    let parts = [host(origin), judged_at, alert.code, &evidence];
    let members: Vec<&str> = alert.members.iter().map(String::as_str).collect();
    identity(&[&parts[..], &members].concat())
}

/// Milliseconds since 1970, of RFC 3339 text.
pub(super) fn epoch_milliseconds(time: &str) -> Option<i64> {
    Time::parse_rfc3339(time)?.0.checked_mul(1000)
}

/// The parts of a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place<'p> {
    /// The path before the last separator.
    pub directory: Option<&'p str>,
    /// The last component.
    pub name: &'p str,
    /// What follows the name's last dot.
    pub extension: Option<&'p str>,
    /// The letter of a Windows drive, upper case.
    pub drive: Option<char>,
}

impl Place<'_> {
    /// Takes a path apart. Backslashes separate where the path is one of Windows: it starts with a drive or two of
    /// them, or has no other separator.
    pub(super) fn of(path: &str) -> Place<'_> {
        let mut start = path.chars();
        let drive = match (start.next(), start.next()) {
            (Some(letter), Some(':')) if letter.is_ascii_alphabetic() => Some(letter.to_ascii_uppercase()),
            _ => None,
        };
        let windows = drive.is_some() || path.starts_with(r"\\") || !path.contains('/');
        let split = if windows { path.rsplit_once(['/', '\\']) } else { path.rsplit_once('/') };
        let (directory, name) = split.filter(|(_, name)| !name.is_empty()).map_or((None, path), |(dir, name)| {
            let root = dir.is_empty() || dir.ends_with(':');
            (if root { path.get(..dir.len().saturating_add(1)) } else { Some(dir) }, name)
        });
        let extension = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).map(|(_, extension)| extension);
        Place { directory, name, extension: extension.filter(|text| !text.is_empty()), drive }
    }
}

/// The signature that gave the file its verdict, else the first one.
pub(super) fn deciding(record: &Record) -> Option<&Signature> {
    let own = || record.signatures.iter().find(|signature| record.is_decided_by(signature));
    record.deciding_catalog().or_else(own).or_else(|| record.signatures.first())
}

/// The signer, and whether the signature over these bytes holds; else the one that is claimed.
pub(super) fn any_signer(record: &Record) -> Option<(&Signer, bool)> {
    let claimed = || record.claimed_signer.as_ref().map(|signer| (signer, false));
    record.signer.as_ref().map(|signer| (signer, true)).or_else(claimed)
}

/// The member of the deciding signature's chain that is the signer's certificate.
pub(super) fn leaf<'r>(record: &'r Record, signer: &Signer) -> Option<&'r ChainCertificate> {
    deciding(record)?.chain.first().filter(|first| first.thumbprint_sha256 == signer.thumbprint_sha256)
}

/// Whether the file carries a signature or what stands in the place of one, or a catalog lists it; `None` when it was
/// not judged so far.
pub(super) fn is_signed(record: &Record) -> Option<bool> {
    use crate::record::Status;
    let carries = !record.signatures.is_empty() || record.is_in_catalog();
    match record.status {
        Status::Unsigned => Some(carries),
        Status::Error => carries.then_some(true),
        _ => Some(true),
    }
}

/// The values of an attribute (`CN`, `O`, ...) of a distinguished name as records show it, the most specific first.
pub(super) fn name_parts(name: &str, title: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = name;
    while let Some((known, value)) = rest.split_once('=') {
        let (text, after) = match value.strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => {
                let (text, after) = value.split_once(", ").unwrap_or((value, ""));
                (text.to_owned(), after)
            }
        };
        if known == title && !text.is_empty() {
            found.push(text);
        }
        rest = after;
    }
    found
}

/// A quoted value up to its closing quote, and what follows the separator behind it. Quotes inside are doubled.
fn unquote(quoted: &str) -> (String, &str) {
    let mut text = String::new();
    let mut rest = quoted;
    while let Some((before, after)) = rest.split_once('"') {
        text.push_str(before);
        match after.strip_prefix('"') {
            Some(more) => {
                text.push('"');
                rest = more;
            }
            None => return (text, after.strip_prefix(", ").unwrap_or("")),
        }
    }
    text.push_str(rest);
    (text, "")
}

/// A severity by the word that records carry.
pub(super) fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

/// Evidence whose values are texts, whatever they were: an index wants one type a field, and the same name may hold a
/// number in one kind of finding and a list in another. A list of texts stays one.
pub(super) fn evidence_texts(evidence: &std::collections::BTreeMap<String, Value>) -> Object {
    let text = |value: &Value| match value {
        Value::String(text) => Value::from(text.as_str()),
        other => Value::from(other.to_string()),
    };
    let mut object = Object::new();
    for (name, value) in evidence {
        let value = match value {
            Value::Null => Value::Null,
            Value::Array(items) => Value::Array(items.iter().map(text).collect()),
            other => text(other),
        };
        put(&mut object, name, value);
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::samples;

    #[test]
    fn paths_of_both_worlds_come_apart() {
        let place = |path| {
            let place = Place::of(path);
            let text = |part: Option<&str>| part.unwrap_or("-").to_owned();
            format!(
                "{} | {} | {} | {}",
                text(place.directory),
                place.name,
                text(place.extension),
                place.drive.map_or("-".to_owned(), String::from)
            )
        };
        let cases = [
            ("dir/good.exe", "dir | good.exe | exe | -"),
            ("/mnt/c/a.b/file", "/mnt/c/a.b | file | - | -"),
            ("/file.sys", "/ | file.sys | sys | -"),
            ("c:\\Windows\\a b.dll", "c:\\Windows | a b.dll | dll | C"),
            ("C:\\a.exe", "C:\\ | a.exe | exe | C"),
            ("C:/x\\y/z.tar.gz", "C:/x\\y | z.tar.gz | gz | C"),
            ("\\\\server\\share\\a.exe", "\\\\server\\share | a.exe | exe | -"),
            ("dir\\a.exe", "dir | a.exe | exe | -"),
            ("dir/odd\\name.exe", "dir | odd\\name.exe | exe | -"),
            (".hidden", "- | .hidden | - | -"),
            ("a.", "- | a. | - | -"),
            ("dir/", "- | dir/ | - | -"),
            ("-", "- | - | - | -"),
        ];
        for (path, parts) in cases {
            assert_eq!(place(path), parts, "{path}");
        }
        assert_eq!(Place::of("").name, "");
    }

    #[test]
    fn names_come_apart_as_they_were_put_together() {
        let name = "CN=\"A, \"\"B\"\", O=C\", O=Plain, 2.5.4.97=X, O=\"x=y\", CN=";
        assert_eq!(name_parts(name, "CN"), ["A, \"B\", O=C"]);
        assert_eq!(name_parts(name, "O"), ["Plain", "x=y"]);
        assert_eq!(name_parts("CN=\"never closed", "CN"), ["never closed"]);
        assert_eq!(name_parts("no attribute", "CN"), [""; 0]);
    }

    #[test]
    fn an_identity_is_of_everything_that_makes_an_event_another() {
        let origin = Origin::default();
        let id = |record: &Record| file_id(record, &origin);
        let valid = samples::valid();
        assert_eq!(id(&valid), id(&valid.clone()));
        assert_eq!(id(&valid).len(), 32);
        let mut others = vec![file_id(&valid, &Origin { host: Some("pc".to_owned()), ..Origin::default() })];
        let changes: [fn(&mut Record); 5] = [
            |record| record.path.push('x'),
            |record| record.path_hex = Some("ff".to_owned()),
            |record| record.judged_at = "2027-01-01T00:00:00Z".to_owned(),
            |record| drop(record.hashes.insert("sha256".to_owned(), "dd".to_owned())),
            |record| record.reason = crate::judge::Reason::RevocationUnknown,
        ];
        for change in changes {
            let mut record = samples::valid();
            change(&mut record);
            others.push(id(&record));
        }
        others.push(id(&valid));
        let count = others.len();
        others.sort();
        others.dedup();
        assert_eq!(others.len(), count);
        // No two lists of parts flow into the same octets.
        assert_ne!(identity(&["ab", "c"]), identity(&["a", "bc"]));
    }
}
