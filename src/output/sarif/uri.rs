//! Paths as URI references.

use std::fmt::Write;

use crate::record::Record;

/// Where a file is, for a `SARIF` artifactLocation.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Location {
    /// The URI, absolute or relative.
    pub uri: String,
    /// A relative one is below the folder that sigscan ran in.
    pub relative: bool,
}

/// The location of a record's file, of the path's own octets where they are not UTF-8.
pub(super) fn of_record(record: &Record) -> Location {
    match record.path_hex.as_deref().and_then(octets) {
        Some(octets) => of_octets(&octets),
        None => of_octets(record.path.as_bytes()),
    }
}

/// The location of a path. Absolute paths and those with a Windows drive or server are `file` URIs (RFC 8089), others are
/// relative references (RFC 3986 section 4.2); everything but unreserved characters and separators is percent-encoded.
pub(super) fn of_octets(path: &[u8]) -> Location {
    let drive = matches!(path, [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic());
    let server = path.starts_with(br"\\");
    let windows = drive || server || !path.contains(&b'/');
    let mut text = String::with_capacity(path.len().saturating_add(16));
    for octet in path {
        match octet {
            b'\\' if windows => text.push('/'),
            b'/' => text.push('/'),
            b'-' | b'.' | b'_' | b'~' => text.push(char::from(*octet)),
            letter if letter.is_ascii_alphanumeric() => text.push(char::from(*letter)),
            other => {
                let _ = write!(text, "%{other:02X}");
            }
        }
    }
    if drive {
        return Location { uri: format!("file:///{}", text.replacen("%3A", ":", 1)), relative: false };
    }
    if server {
        return Location { uri: format!("file:{text}"), relative: false };
    }
    if text.starts_with('/') {
        return Location { uri: format!("file://{text}"), relative: false };
    }
    Location { uri: text, relative: true }
}

fn octets(hex: &str) -> Option<Vec<u8>> {
    let pairs = hex.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_is_a_uri_reference() {
        let cases: [(&[u8], &str, bool); 11] = [
            (b"dir/good.exe", "dir/good.exe", true),
            (b"a b#c?d%e.exe", "a%20b%23c%3Fd%25e.exe", true),
            (b"http://x/[y]", "http%3A//x/%5By%5D", true),
            (b"/mnt/c/a:b", "file:///mnt/c/a%3Ab", false),
            (b"//double", "file:////double", false),
            (br"C:\Program Files\a.exe", "file:///C:/Program%20Files/a.exe", false),
            (b"c:/x", "file:///c:/x", false),
            (br"\\server\share\a.exe", "file://server/share/a.exe", false),
            (b"new\nline|=^\t\"\x1b[2J", "new%0Aline%7C%3D%5E%09%22%1B%5B2J", true),
            (b"dir/\xff\xfe.exe", "dir/%FF%FE.exe", true),
            ("株\u{202e}".as_bytes(), "%E6%A0%AA%E2%80%AE", true),
        ];
        for (path, uri, relative) in cases {
            assert_eq!(of_octets(path), Location { uri: uri.to_owned(), relative }, "{uri}");
        }
        let mut record = crate::output::samples::valid();
        record.path_hex = Some("2fff".to_owned());
        assert_eq!(of_record(&record).uri, "file:///%FF");
    }
}
