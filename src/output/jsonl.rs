//! JSON Lines: a record a line.

use std::io::{self, Write};

use serde::Serialize;

use super::{Output, Record, json};
use crate::record::FindingLine;
use crate::scan::Tally;

/// Every record as one line of JSON, given to the writer in one piece.
#[derive(Debug)]
pub struct JsonLines<W> {
    writer: W,
    buffer: Vec<u8>,
}

impl<W: Write> JsonLines<W> {
    /// Lines that are written to `writer`.
    pub fn new(writer: W) -> Self {
        JsonLines { writer, buffer: Vec::new() }
    }

    /// Writes any value as a line.
    ///
    /// # Errors
    /// Errors of writing.
    pub fn line<T: Serialize>(&mut self, value: &T) -> io::Result<()> {
        self.buffer.clear();
        json::append(value, &mut self.buffer)?;
        self.buffer.push(b'\n');
        self.writer.write_all(&self.buffer)
    }
}

impl<W: Write> JsonLines<W> {
    /// Ends the output.
    pub(super) fn end(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl<W: Write> Output for JsonLines<W> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.line(record)
    }

    fn finding(&mut self, finding: &FindingLine) -> io::Result<()> {
        self.line(finding)
    }

    fn finish(&mut self, _: &Tally) -> io::Result<()> {
        self.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::samples;

    /// Remembers each write by itself.
    #[derive(Default)]
    struct Writes(Vec<Vec<u8>>);

    impl Write for Writes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_record_is_one_line_in_one_write() {
        let mut writes = Writes::default();
        let mut output = JsonLines::new(&mut writes);
        let mut hostile = samples::valid();
        hostile.path = "a\n\u{202e}b".to_owned();
        output.record(&samples::valid()).unwrap();
        output.record(&hostile).unwrap();
        output.finish(&Tally::default()).unwrap();
        assert_eq!(writes.0.len(), 2);
        assert_eq!(writes.0[0], format!("{}\n", serde_json::to_string(&samples::valid()).unwrap()).as_bytes());
        let second = String::from_utf8(writes.0.remove(1)).unwrap();
        assert!(second.starts_with(r#"{"schema":"sigscan.record/1","path":"a\n\u202eb","size":"#), "{second}");
        assert_eq!(second.matches('\n').count(), 1);
        assert_eq!(serde_json::from_str::<Record>(&second).unwrap(), hostile);
    }
}
