//! JSON, as one array that is written while it grows, and the rules for every line of JSON.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use super::{Output, Record};
use crate::hidden::is_hidden;
use crate::record::FindingLine;
use crate::scan::Tally;

/// All records as one JSON array, a record a line, and after them the findings about several files.
#[derive(Debug)]
pub struct JsonArray<W> {
    writer: W,
    buffer: Vec<u8>,
    started: bool,
}

impl<W: Write> JsonArray<W> {
    /// An array that is written to `writer`.
    pub fn new(writer: W) -> Self {
        JsonArray { writer, buffer: Vec::new(), started: false }
    }

    /// Writes the next element.
    pub(super) fn element<T: Serialize>(&mut self, value: &T) -> io::Result<()> {
        self.buffer.clear();
        self.buffer.extend_from_slice(if self.started { b",\n" } else { b"[\n" });
        self.started = true;
        append(value, &mut self.buffer)?;
        self.writer.write_all(&self.buffer)
    }

    /// Ends the array.
    pub(super) fn end(&mut self) -> io::Result<()> {
        self.writer.write_all(if self.started { b"\n]\n" } else { b"[]\n" })?;
        self.writer.flush()
    }
}

impl<W: Write> Output for JsonArray<W> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.element(record)
    }

    fn finding(&mut self, finding: &FindingLine) -> io::Result<()> {
        self.element(finding)
    }

    fn finish(&mut self, _: &Tally) -> io::Result<()> {
        self.end()
    }
}

/// Appends a value as compact JSON without a line end.
pub(super) fn append<T: Serialize + ?Sized>(value: &T, buffer: &mut Vec<u8>) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(buffer, Careful)).map_err(io::Error::from)
}

/// A value as compact JSON, by the same rules.
pub(super) fn text<T: Serialize + ?Sized>(value: &T) -> String {
    let mut buffer = Vec::new();
    // Writing to memory does not fail, and neither do strings, numbers and trees of JSON.
    let _ = append(value, &mut buffer);
    String::from_utf8(buffer).unwrap_or_default()
}

/// Compact JSON (what [`Formatter`] does unless told otherwise) whose strings hold no character that a terminal would obey or that would stay invisible: a line of
/// a log may be shown on one. JSON readers get the same strings either way.
struct Careful;

impl Formatter for Careful {
    // serde_json escapes quotes, backslashes and C0 itself; fragments are what it would write as it stands.
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        if fragment.bytes().all(|byte| byte.is_ascii() && byte != 0x7f) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        while let Some((before, character)) =
            rest.char_indices().find(|(_, c)| is_hidden(*c)).and_then(|(at, c)| Some((rest.get(..at)?, c)))
        {
            writer.write_all(before.as_bytes())?;
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = rest.get(before.len().saturating_add(character.len_utf8())..).unwrap_or("");
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::samples;

    fn array(records: &[Record]) -> String {
        let mut bytes = Vec::new();
        let mut output = JsonArray::new(&mut bytes);
        for record in records {
            output.record(record).unwrap();
        }
        output.finish(&Tally::default()).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn the_array_is_json_with_a_record_a_line() {
        assert_eq!(array(&[]), "[]\n");
        let one = serde_json::to_string(&samples::valid()).unwrap();
        assert_eq!(array(&[samples::valid()]), format!("[\n{one}\n]\n"));
        assert_eq!(array(&[samples::valid(), samples::valid()]), format!("[\n{one},\n{one}\n]\n"));
    }

    #[test]
    fn strings_hold_nothing_that_a_terminal_obeys_and_read_back_the_same() {
        let mut line = Vec::new();
        let text = "a\u{1b}\u{7f}\u{9b}\u{202e}\u{2028}\u{e0041}\"\\\n é株😀";
        append(&text, &mut line).unwrap();
        let line = String::from_utf8(line).unwrap();
        assert_eq!(line, "\"a\\u001b\\u007f\\u009b\\u202e\\u2028\\udb40\\udc41\\\"\\\\\\n é株😀\"");
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
        let every: String =
            char::MIN.to_string() + &('\u{1}'..=char::MAX).filter(|c| is_hidden(*c)).collect::<String>();
        let mut line = Vec::new();
        append(&every, &mut line).unwrap();
        assert!(line.is_ascii() && !line.iter().any(u8::is_ascii_control));
        assert_eq!(serde_json::from_slice::<String>(&line).unwrap(), every);
    }
}
