//! Event logs, made here: the same events as JSON lines, as XML and as a Windows event log (EVTX).
//!
//! The log is written as [MS-EVEN6] 2.2.12 to 2.2.17 and the documentation of libevtx describe it, without templates: each
//! record is one BinXml fragment whose names lie in the chunk's string table where they are first used.

#![allow(dead_code, missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::collections::HashMap;

use serde_json::{Value, json};

/// One event.
#[derive(Debug, Clone)]
pub struct Told {
    pub provider: &'static str,
    pub channel: &'static str,
    pub id: u32,
    /// Seconds after 2026-05-04T03:00:00Z, which is also where the number of its record comes from.
    pub second: u64,
    pub host: &'static str,
    pub data: Vec<(&'static str, String)>,
}

impl Told {
    fn time(&self) -> String {
        format!("2026-05-04T03:{:02}:{:02}.0000000Z", self.second / 60, self.second % 60)
    }

    fn filetime(&self) -> u64 {
        // 2026-05-04T03:00:00Z in seconds since 1601.
        (1_777_863_600 + 11_644_473_600 + self.second) * 10_000_000
    }
}

/// JSON lines of the tree that converters write.
pub fn json_lines(events: &[Told]) -> String {
    let line = |(index, event): (usize, &Told)| {
        let data: serde_json::Map<String, Value> =
            event.data.iter().map(|(name, text)| ((*name).to_owned(), Value::from(text.clone()))).collect();
        let system = json!({
            "Provider": { "#attributes": { "Name": event.provider } },
            "EventID": event.id,
            "TimeCreated": { "#attributes": { "SystemTime": event.time() } },
            "EventRecordID": index + 1,
            "Channel": event.channel,
            "Computer": event.host,
        });
        format!("{}\n", json!({ "Event": { "System": system, "EventData": data } }))
    };
    events.iter().enumerate().map(line).collect()
}

struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    text: String,
    children: Vec<Element>,
}

fn leaf(name: &'static str, text: impl ToString) -> Element {
    Element { name, attributes: Vec::new(), text: text.to_string(), children: Vec::new() }
}

fn with(name: &'static str, attribute: &'static str, value: impl ToString) -> Element {
    Element { attributes: vec![(attribute, value.to_string())], ..leaf(name, "") }
}

fn tree(event: &Told, record: u64) -> Element {
    let system = vec![
        with("Provider", "Name", event.provider),
        leaf("EventID", event.id),
        with("TimeCreated", "SystemTime", event.time()),
        leaf("EventRecordID", record),
        leaf("Channel", event.channel),
        leaf("Computer", event.host),
    ];
    let data = event.data.iter().map(|(name, text)| Element { text: text.clone(), ..with("Data", "Name", name) });
    Element {
        children: vec![
            Element { children: system, ..leaf("System", "") },
            Element { children: data.collect(), ..leaf("EventData", "") },
        ],
        ..with("Event", "xmlns", "http://schemas.microsoft.com/win/2004/08/events/event")
    }
}

/// What `wevtutil query-events /format:xml /element:Events` writes.
pub fn xml(events: &[Told]) -> String {
    let all: String =
        events.iter().enumerate().map(|(index, event)| element_xml(&tree(event, index as u64 + 1)) + "\n").collect();
    format!("<Events>\n{all}</Events>\n")
}

fn element_xml(element: &Element) -> String {
    let escaped = |text: &str| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('\'', "&apos;")
            .replace('\n', "&#10;")
    };
    let attributes: String =
        element.attributes.iter().map(|(name, value)| format!(" {name}='{}'", escaped(value))).collect();
    let children: String = element.children.iter().map(element_xml).collect();
    format!("<{0}{attributes}>{1}{children}</{0}>", element.name, escaped(&element.text))
}

const CHUNK: usize = 65_536;
const CHUNK_HEADER: usize = 512;
const FILE_HEADER: usize = 4096;

/// A Windows event log of these events; `per_chunk` is the most records that a chunk gets.
pub fn evtx(events: &[Told], per_chunk: usize) -> Vec<u8> {
    let mut chunks: Vec<Vec<u8>> = Vec::new();
    let mut next = 0;
    while next < events.len() {
        let mut chunk = Chunk::new(next as u64 + 1);
        while next < events.len() && chunk.count < per_chunk && chunk.add(&events[next], next as u64 + 1) {
            next += 1;
        }
        assert!(chunk.count > 0, "an event that fits into no chunk");
        chunks.push(chunk.finish());
    }
    let mut file = vec![0u8; FILE_HEADER];
    file[..8].copy_from_slice(b"ElfFile\0");
    file[16..24].copy_from_slice(&(chunks.len() as u64 - 1).to_le_bytes());
    file[24..32].copy_from_slice(&(events.len() as u64 + 1).to_le_bytes());
    file[32..36].copy_from_slice(&128u32.to_le_bytes());
    file[36..38].copy_from_slice(&1u16.to_le_bytes());
    file[38..40].copy_from_slice(&3u16.to_le_bytes());
    file[40..42].copy_from_slice(&(FILE_HEADER as u16).to_le_bytes());
    file[42..44].copy_from_slice(&(chunks.len() as u16).to_le_bytes());
    let sum = crc32(&[&file[..120]]);
    file[124..128].copy_from_slice(&sum.to_le_bytes());
    file.extend(chunks.concat());
    file
}

/// One chunk while it is being written.
struct Chunk {
    bytes: Vec<u8>,
    names: HashMap<&'static str, u32>,
    /// Where the newest name of each of the 64 buckets is.
    buckets: [u32; 64],
    first: u64,
    count: usize,
    last_record: usize,
}

impl Chunk {
    fn new(first: u64) -> Chunk {
        let mut bytes = Vec::with_capacity(CHUNK);
        bytes.resize(CHUNK_HEADER, 0);
        Chunk { bytes, names: HashMap::new(), buckets: [0; 64], first, count: 0, last_record: 0 }
    }

    /// Adds a record; says no, and changes nothing, if there is no room.
    fn add(&mut self, event: &Told, record: u64) -> bool {
        let (start, names, buckets) = (self.bytes.len(), self.names.clone(), self.buckets);
        self.bytes.extend(b"\x2a\x2a\0\0\0\0\0\0");
        self.bytes.extend(record.to_le_bytes());
        self.bytes.extend(event.filetime().to_le_bytes());
        self.bytes.extend([0x0f, 1, 1, 0]);
        self.element(&tree(event, record));
        self.bytes.push(0);
        let size = (self.bytes.len() - start + 4) as u32;
        self.bytes[start + 4..start + 8].copy_from_slice(&size.to_le_bytes());
        self.bytes.extend(size.to_le_bytes());
        if self.bytes.len() > CHUNK {
            self.bytes.truncate(start);
            (self.names, self.buckets) = (names, buckets);
            return false;
        }
        self.count += 1;
        self.last_record = start;
        true
    }

    /// [MS-EVEN6] 2.2.17, without recursion limits because the trees are ours.
    fn element(&mut self, element: &Element) {
        let more = if element.attributes.is_empty() { 0 } else { 0x40 };
        self.bytes.push(0x01 | more);
        let size = self.room();
        self.name(element.name);
        if !element.attributes.is_empty() {
            let list = self.room();
            for (index, (name, value)) in element.attributes.iter().enumerate() {
                let more = if index + 1 < element.attributes.len() { 0x40 } else { 0 };
                self.bytes.push(0x06 | more);
                self.name(name);
                self.text(value);
            }
            self.fill(list);
        }
        if element.text.is_empty() && element.children.is_empty() {
            self.bytes.push(0x03);
        } else {
            self.bytes.push(0x02);
            if !element.text.is_empty() {
                self.text(&element.text);
            }
            element.children.iter().for_each(|child| self.element(child));
            self.bytes.push(0x04);
        }
        self.fill(size);
    }

    fn room(&mut self) -> usize {
        self.bytes.extend([0; 4]);
        self.bytes.len()
    }

    fn fill(&mut self, start: usize) {
        let size = (self.bytes.len() - start) as u32;
        self.bytes[start - 4..start].copy_from_slice(&size.to_le_bytes());
    }

    /// A name's offset, and the name itself where it is new.
    fn name(&mut self, name: &'static str) {
        if let Some(offset) = self.names.get(name) {
            self.bytes.extend(offset.to_le_bytes());
            return;
        }
        let offset = self.bytes.len() as u32 + 4;
        let hash = name.encode_utf16().fold(0u32, |hash, unit| hash.wrapping_mul(65_599).wrapping_add(u32::from(unit)));
        let bucket = (hash as u16 % 64) as usize;
        self.bytes.extend(offset.to_le_bytes());
        self.bytes.extend(self.buckets[bucket].to_le_bytes());
        self.bytes.extend((hash as u16).to_le_bytes());
        self.bytes.extend((name.encode_utf16().count() as u16).to_le_bytes());
        self.bytes.extend(name.encode_utf16().flat_map(u16::to_le_bytes));
        self.bytes.extend([0, 0]);
        self.buckets[bucket] = offset;
        self.names.insert(name, offset);
    }

    /// A text value: its type is 1, a string.
    fn text(&mut self, text: &str) {
        let units: Vec<u16> = text.encode_utf16().collect();
        self.bytes.extend([0x05, 0x01]);
        self.bytes.extend((units.len() as u16).to_le_bytes());
        self.bytes.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
    }

    fn finish(mut self) -> Vec<u8> {
        let free = self.bytes.len();
        let last = self.first + self.count as u64 - 1;
        let sum = crc32(&[&self.bytes[CHUNK_HEADER..]]);
        let header = &mut self.bytes;
        header[..8].copy_from_slice(b"ElfChnk\0");
        for (place, number) in [(8, self.first), (16, last), (24, self.first), (32, last)] {
            header[place..place + 8].copy_from_slice(&number.to_le_bytes());
        }
        for (place, number) in [(40, 128), (44, self.last_record as u32), (48, free as u32), (52, sum)] {
            header[place..place + 4].copy_from_slice(&number.to_le_bytes());
        }
        for (bucket, offset) in self.buckets.iter().enumerate() {
            header[128 + bucket * 4..132 + bucket * 4].copy_from_slice(&offset.to_le_bytes());
        }
        seal_header(header);
        header.resize(CHUNK, 0);
        self.bytes
    }
}

/// Writes the checksum of a chunk's header, over its first 120 bytes and its tables.
pub fn seal_header(chunk: &mut [u8]) {
    let sum = crc32(&[&chunk[..120], &chunk[128..512]]);
    chunk[124..128].copy_from_slice(&sum.to_le_bytes());
}

/// Writes both checksums of a chunk as they are right for what it holds.
pub fn seal(chunk: &mut [u8]) {
    let free = u32::from_le_bytes(chunk[48..52].try_into().unwrap()) as usize;
    if let Some(records) = chunk.get(CHUNK_HEADER..free) {
        let sum = crc32(&[records]);
        chunk[52..56].copy_from_slice(&sum.to_le_bytes());
    }
    seal_header(chunk);
}

/// CRC-32 as in ISO 3309, which EVTX uses.
fn crc32(parts: &[&[u8]]) -> u32 {
    let shift = |sum: u32| (sum >> 1) ^ (0xedb8_8320 & 0u32.wrapping_sub(sum & 1));
    let mut table = [0u32; 256];
    for (byte, entry) in (0u32..).zip(&mut table) {
        *entry = (0..8).fold(byte, |sum, _| shift(sum));
    }
    !parts
        .iter()
        .flat_map(|part| part.iter())
        .fold(!0, |sum, byte| (sum >> 8) ^ table[((sum ^ u32::from(*byte)) & 0xff) as usize])
}
