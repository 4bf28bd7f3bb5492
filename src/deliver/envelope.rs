//! How each format carries the identifier by which a receiver tells a record from its duplicate, and how records stand
//! together in one request.

use sha2::{Digest, Sha256};

/// How a format's lines are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Envelope {
    /// A JSON object a line.
    Json,
    /// An envelope of Splunk's HTTP Event Collector a line.
    SplunkHec,
    /// A group of LogScale's structured ingest a line.
    LogScale,
    /// LEEF 2.0 with tabs between attributes.
    Leef,
    /// CEF.
    Cef,
}

impl Envelope {
    /// The envelope of the format of this name; `None` for one whose output is a document and not lines that stand alone.
    #[must_use]
    pub fn of(format: &str) -> Option<Envelope> {
        match format {
            "json" | "csv" | "lookup" | "sarif" | "mde" => None,
            "splunk-hec" => Some(Envelope::SplunkHec),
            "logscale" => Some(Envelope::LogScale),
            "leef" => Some(Envelope::Leef),
            "cef" => Some(Envelope::Cef),
            _ => Some(Envelope::Json),
        }
    }

    /// The line with its identifier: 128 bits of its SHA-256, in hexadecimal, under the name `delivery_id`. `None` for a
    /// line that this envelope does not have.
    pub(super) fn mark(self, line: &[u8]) -> Option<Vec<u8>> {
        let id = crate::hex::lower(Sha256::digest(line).get(..16).unwrap_or(&[]));
        let member = format!("\"delivery_id\":\"{id}\"");
        let (head, addition, tail): (&[u8], String, &[u8]) = match self {
            Envelope::Json => (line.strip_suffix(b"}")?, format!(",{member}"), b"}"),
            // Fields of an event stand beside it and are indexed.
            Envelope::SplunkHec => (line.strip_suffix(b"}")?, format!(",\"fields\":{{{member}}}"), b"}"),
            Envelope::LogScale => {
                // A quotation mark inside a string has a backslash before it, so that this is the member's name.
                let name = b"\"attributes\":{";
                let at = line.windows(name.len()).position(|window| window == name)?;
                let (head, tail) = line.split_at_checked(at.checked_add(name.len())?)?;
                (head, if tail.starts_with(b"}") { member } else { format!("{member},") }, tail)
            }
            Envelope::Leef => (line, format!("\tdelivery_id={id}"), b""),
            Envelope::Cef => (line, format!(" delivery_id={id}"), b""),
        };
        let fits = match self {
            Envelope::Json | Envelope::SplunkHec => head.starts_with(b"{\""),
            Envelope::LogScale => head.starts_with(b"{"),
            Envelope::Leef => head.starts_with(b"LEEF:2.0|"),
            Envelope::Cef => head.starts_with(b"CEF:"),
        };
        fits.then(|| [head, addition.as_bytes(), tail].concat())
    }

    /// The body of a request.
    pub(super) fn body<'a>(self, lines: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
        let mut body = Vec::new();
        let array = self == Envelope::LogScale;
        for line in lines {
            body.extend_from_slice(match (array, body.is_empty()) {
                (true, true) => b"[",
                (true, false) => b",",
                (false, _) => b"",
            });
            body.extend_from_slice(line);
            if !array {
                body.push(b'\n');
            }
        }
        if array {
            body.push(b']');
        }
        body
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Envelope::Json => "application/x-ndjson",
            Envelope::SplunkHec | Envelope::LogScale => "application/json",
            Envelope::Leef | Envelope::Cef => "text/plain; charset=utf-8",
        }
    }

    /// The word before the token (Splunk: "HTTP Event Collector examples"; others: RFC 6750).
    pub(super) fn scheme(self) -> &'static str {
        if self == Envelope::SplunkHec { "Splunk" } else { "Bearer" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(envelope: Envelope, line: &str) -> Option<String> {
        envelope.mark(line.as_bytes()).map(|line| String::from_utf8(line).unwrap())
    }

    #[test]
    fn every_envelope_has_a_place_for_the_identifier() {
        // printf '{"a":1}' | sha256sum
        let json = marked(Envelope::Json, r#"{"a":1}"#).unwrap();
        assert_eq!(json, r#"{"a":1,"delivery_id":"015abd7f5cc57a2dd94b7590f04ad808"}"#);
        let hec = marked(Envelope::SplunkHec, r#"{"a":1}"#).unwrap();
        assert_eq!(hec, r#"{"a":1,"fields":{"delivery_id":"015abd7f5cc57a2dd94b7590f04ad808"}}"#);
        let line = r#"{"tags":{"x":"\"attributes\":{"},"events":[{"attributes":{"a":1}}]}"#;
        let group = marked(Envelope::LogScale, line).unwrap();
        let (before, after) = group.split_once(r#""attributes":{"delivery_id":""#).unwrap();
        assert_eq!(before, r#"{"tags":{"x":"\"attributes\":{"},"events":[{"#);
        assert_eq!(after.get(32..), Some(r#"","a":1}}]}"#));
        assert!(marked(Envelope::Leef, "LEEF:2.0|a|b|1|x|\ta=b").unwrap().contains("\ta=b\tdelivery_id="));
        assert!(marked(Envelope::Cef, "CEF:0|a|b|1|x|y|1|a=b").unwrap().contains(" delivery_id="));
        for envelope in [Envelope::Json, Envelope::SplunkHec, Envelope::LogScale, Envelope::Leef, Envelope::Cef] {
            assert_eq!(marked(envelope, "path,status"), None, "{envelope:?}");
        }
    }

    #[test]
    fn a_body_is_what_its_receiver_reads() {
        let lines = || [&b"{}"[..], b"{}"].into_iter();
        assert_eq!(Envelope::LogScale.body(lines()), b"[{},{}]");
        assert_eq!(Envelope::SplunkHec.body(lines()), b"{}\n{}\n");
        assert_eq!(Envelope::of("sarif"), None);
        assert_eq!(Envelope::of("ecs"), Some(Envelope::Json));
    }
}
