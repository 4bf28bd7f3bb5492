//! Files of events, told apart by their first bytes: a Windows event log, JSON (one object a line, or one array), or XML.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek};
use std::path::Path;

use serde_json::Value;

use super::super::event::Event;
use super::super::evtx;
use super::xml;

/// Bytes of one event, as a line of JSON or an element of XML. An event of Windows is at most 64 KiB of UTF-16
/// ([MS-EVEN6] 2.2.17, and the size of a chunk); shippers multiply that by escapes and copies.
pub const MAX_EVENT: usize = 4 << 20;

/// What becomes of each event: the event, or a sentence on why a part of the input is none.
pub type Take<'t> = dyn FnMut(Result<Event, String>) -> io::Result<()> + 't;

/// Reads all events of a file; `-` is standard input, which holds JSON or XML. For an event log, says how much of it was
/// read.
///
/// # Errors
/// Errors of reading, a file that is neither of the three (`InvalidData`), and what `take` returns.
pub fn read_path(path: &Path, take: &mut Take<'_>) -> io::Result<Option<evtx::Totals>> {
    if path == Path::new("-") {
        return read_text(&mut io::stdin().lock(), take).map(|()| None);
    }
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut file = File::open(path)?;
    let mut start = Vec::new();
    (&mut file).take(evtx::MAGIC.len() as u64).read_to_end(&mut start)?;
    file.rewind()?;
    if start != evtx::MAGIC {
        return read_text(&mut BufReader::with_capacity(1 << 16, file), take).map(|()| None);
    }
    evtx::read(file, &mut |record| {
        let event =
            record.and_then(|value| Event::from_json(&value).ok_or_else(|| "a record without an event".to_owned()));
        take(event)
    })
    .map(Some)
}

/// Whether a file in a folder is one of events: an event log by its content, others by the ending of their names.
#[must_use]
pub fn is_events(path: &Path) -> bool {
    const TEXT: [&str; 5] = ["json", "jsonl", "ndjson", "xml", "evtx"];
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    if TEXT.iter().any(|known| known.eq_ignore_ascii_case(ending)) {
        return true;
    }
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(evtx::MAGIC.len() as u64).read_to_end(&mut start));
    read.is_ok() && start == evtx::MAGIC
}

/// Reads events as JSON or XML.
///
/// # Errors
/// As [`read_path`].
pub fn read_text(reader: &mut dyn BufRead, take: &mut Take<'_>) -> io::Result<()> {
    let mut start = [0u8; 3];
    let mut length = 0usize;
    while let Some(rest) = start.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest)? {
            0 => break,
            count => length = length.saturating_add(count),
        }
    }
    let start = start.get(..length).unwrap_or_default().to_vec();
    match start.as_slice() {
        [0xef, 0xbb, 0xbf] => kind(reader, take),
        [0xff, 0xfe, rest @ ..] => {
            kind(&mut BufReader::new(Utf16::new(Cursor::new(rest.to_vec()).chain(reader))), take)
        }
        _ => kind(&mut BufReader::new(Cursor::new(start).chain(reader)), take),
    }
}

fn kind(reader: &mut dyn BufRead, take: &mut Take<'_>) -> io::Result<()> {
    loop {
        let available = reader.fill_buf()?;
        let blank = available.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        match available.get(blank) {
            None if blank == 0 => return Ok(()),
            None => reader.consume(blank),
            Some(b'<') => return elements(reader, take),
            Some(b'[') => {
                reader.consume(blank.saturating_add(1));
                return array(reader, take);
            }
            Some(b'{') => return lines(reader, take),
            Some(_) => {
                let message = "neither an event log (EVTX) nor events as JSON or XML";
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
        }
    }
}

/// One object a line.
fn lines(reader: &mut dyn BufRead, take: &mut Take<'_>) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        let limit = u64::try_from(MAX_EVENT).unwrap_or(u64::MAX);
        if (&mut *reader).take(limit).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if line.len() >= MAX_EVENT && !line.ends_with(b"\n") {
            skip_line(reader)?;
            take(Err("a line that is too long".to_owned()))?;
        } else if !line.iter().all(u8::is_ascii_whitespace) {
            take(object(&line))?;
        }
    }
}

/// Passes over the rest of a line without keeping it.
fn skip_line(reader: &mut dyn BufRead) -> io::Result<()> {
    loop {
        let available = reader.fill_buf()?;
        let end = available.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(available.len(), |end| end.saturating_add(1));
        let last = end.is_some() || available.is_empty();
        reader.consume(used);
        if last {
            return Ok(());
        }
    }
}

fn object(text: &[u8]) -> Result<Event, String> {
    let value: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let mut event = Event::from_json(&value).ok_or_else(|| "JSON that is no object".to_owned())?;
    event.raw = String::from_utf8_lossy(text).trim_end().to_owned();
    Ok(event)
}

/// The objects of one array: delimited by their braces, so that neither the whole array is held nor a broken member
/// costs the next.
fn array(reader: &mut dyn BufRead, take: &mut Take<'_>) -> io::Result<()> {
    let mut member = Vec::new();
    let (mut depth, mut in_text, mut escaped, mut length) = (0usize, false, false, 0usize);
    loop {
        let available = reader.fill_buf()?;
        if available.is_empty() {
            return if depth > 0 { take(Err("the end of the input inside an event".to_owned())) } else { Ok(()) };
        }
        let block = available.to_vec();
        reader.consume(block.len());
        for byte in block {
            if in_text {
                in_text = escaped || byte != b'"';
                escaped = !escaped && byte == b'\\';
            } else {
                match byte {
                    b'"' => in_text = depth > 0,
                    b'{' => depth = depth.saturating_add(1),
                    b'}' if depth == 1 => {
                        member.push(byte);
                        let whole = length < MAX_EVENT;
                        take(if whole { object(&member) } else { Err("an event that is too long".to_owned()) })?;
                        (depth, length) = (0, 0);
                        member.clear();
                    }
                    b'}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
            if depth > 0 {
                length = length.saturating_add(1);
                if length < MAX_EVENT {
                    member.push(byte);
                }
            }
        }
    }
}

/// The `<Event>` elements of a text, whatever stands around them.
fn elements(reader: &mut dyn BufRead, take: &mut Take<'_>) -> io::Result<()> {
    let mut text: Vec<u8> = Vec::new();
    let mut inside = false;
    let mut overlong = false;
    loop {
        let count = (&mut *reader).take(1 << 16).read_until(b'>', &mut text)?;
        if count == 0 {
            return if inside { take(Err("the end of the input inside an event".to_owned())) } else { Ok(()) };
        }
        if !text.ends_with(b">") && text.len() < MAX_EVENT {
            continue;
        }
        if !inside {
            let start = text.iter().rposition(|byte| *byte == b'<');
            let tag = start.and_then(|start| text.get(start..)).unwrap_or_default();
            inside = opens_event(tag) && !tag.ends_with(b"/>");
            text = if inside { tag.to_vec() } else { Vec::new() };
        } else if text.ends_with(b"</Event>") {
            take(if overlong { Err("an event that is too long".to_owned()) } else { xml::event(&text) })?;
            text.clear();
            (inside, overlong) = (false, false);
        } else if text.len() >= MAX_EVENT {
            overlong = true;
            // Enough to recognise the end when it comes.
            let kept = text.len().saturating_sub(16);
            text.drain(..kept);
        }
    }
}

fn opens_event(tag: &[u8]) -> bool {
    let rest = tag.strip_prefix(b"<Event").unwrap_or_default();
    rest.first().is_some_and(|byte| *byte == b'>' || byte.is_ascii_whitespace())
}

/// UTF-16, little-endian, as UTF-8: what PowerShell's redirection writes.
struct Utf16<R> {
    reader: R,
    ready: Vec<u8>,
    taken: usize,
    /// An octet whose other half, and a high surrogate whose other half, is still to come.
    octet: Option<u8>,
    high: Option<u16>,
}

impl<R: Read> Utf16<R> {
    fn new(reader: R) -> Utf16<R> {
        Utf16 { reader, ready: Vec::new(), taken: 0, octet: None, high: None }
    }

    /// Decodes the next block; whether there was one.
    fn refill(&mut self) -> io::Result<bool> {
        let mut block = [0u8; 4096];
        let count = self.reader.read(&mut block)?;
        let octets = self.octet.take().into_iter().chain(block.into_iter().take(count));
        let octets: Vec<u8> = octets.collect();
        let pairs = octets.chunks_exact(2);
        self.octet = pairs.remainder().first().copied().filter(|_| count > 0);
        let units = pairs.filter_map(|pair| <[u8; 2]>::try_from(pair).ok()).map(u16::from_le_bytes);
        let mut units: Vec<u16> = self.high.take().into_iter().chain(units).collect();
        if count > 0 {
            self.high = units.pop_if(|unit| (0xd800..0xdc00).contains(unit));
        }
        self.ready = String::from_utf16_lossy(&units).into_bytes();
        self.taken = 0;
        Ok(count > 0)
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken >= self.ready.len() {
            if !self.refill()? && self.ready.is_empty() {
                return Ok(0);
            }
        }
        let mut rest = self.ready.get(self.taken..).unwrap_or_default();
        let count = rest.read(buffer)?;
        self.taken = self.taken.saturating_add(count);
        Ok(count)
    }
}
