//! One event as XML, [MS-EVEN6] 2.2.17: the schema of Windows events.

use std::collections::BTreeMap;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event as Token};
use quick_xml::reader::Reader;

use super::super::event::{Event, MAX_FIELDS};

/// Levels of elements; events have five.
const MAX_DEPTH: usize = 32;

/// The event of one `<Event>` element.
///
/// # Errors
/// A sentence on what is not well formed, or too deep.
pub fn event(text: &[u8]) -> Result<Event, String> {
    let text = String::from_utf8_lossy(text);
    let mut reader = Reader::from_str(&text);
    let mut builder = Builder::default();
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Token::Start(tag) => builder.open(&tag)?,
            Token::Empty(tag) => {
                builder.open(&tag)?;
                builder.close();
            }
            Token::End(_) => builder.close(),
            Token::Text(part) => builder.text.push_str(&part.xml10_content()),
            Token::CData(part) => builder.text.push_str(&part.xml10_content()),
            Token::GeneralRef(name) => {
                let character = name.resolve_char_ref().map_err(|error| error.to_string())?;
                let name = name.xml10_content();
                match (character, quick_xml::escape::resolve_predefined_entity(&name)) {
                    (Some(character), _) => builder.text.push(character),
                    (None, Some(entity)) => builder.text.push_str(entity),
                    // Entities of a document's own are not read: no event has any, and an attack may.
                    (None, None) => return Err(format!("an entity of its own: {name}")),
                }
            }
            Token::Eof => break,
            Token::Comment(_) | Token::Decl(_) | Token::PI(_) | Token::DocType(_) => {}
        }
    }
    if !builder.path.is_empty() {
        return Err("an element without an end".to_owned());
    }
    builder.event.raw = text.into_owned();
    Ok(builder.event)
}

/// What has been read so far.
#[derive(Default)]
struct Builder {
    event: Event,
    path: Vec<String>,
    /// The `Name` of the `Data` element that is open.
    name: Option<String>,
    text: String,
    unnamed: usize,
}

impl Builder {
    fn open(&mut self, tag: &BytesStart<'_>) -> Result<(), String> {
        if self.path.len() >= MAX_DEPTH {
            return Err("elements nested too deep".to_owned());
        }
        self.path.push(tag.local_name().as_ref().to_owned());
        self.text.clear();
        self.name = None;
        let mut attributes = BTreeMap::new();
        for attribute in tag.attributes().take(64) {
            let attribute = attribute.map_err(|error| error.to_string())?;
            let value =
                attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| error.to_string())?.into_owned();
            attributes.insert(attribute.key.local_name().as_ref().to_owned(), value);
        }
        let mut take = |name: &str| attributes.remove(name);
        match self.place().as_slice() {
            ["Event", "System", "Provider"] => self.event.provider = take("Name").unwrap_or_default(),
            ["Event", "System", "TimeCreated"] => self.event.time = take("SystemTime"),
            [.., "Data"] => self.name = take("Name"),
            _ => {}
        }
        Ok(())
    }

    fn place(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }

    fn close(&mut self) {
        let text = std::mem::take(&mut self.text);
        let name = self.name.take();
        let text = text.trim().to_owned();
        let place = self.path.clone();
        let place: Vec<&str> = place.iter().map(String::as_str).collect();
        match place.as_slice() {
            ["Event", "System", "EventID"] => self.event.id = text.parse().ok(),
            ["Event", "System", "EventRecordID"] => self.event.record = text.parse().ok(),
            ["Event", "System", "Channel"] => self.event.channel = text,
            ["Event", "System", "Computer"] => self.event.host = Some(text).filter(|text| !text.is_empty()),
            ["Event", "EventData", "Data"] => {
                let name = name.unwrap_or_else(|| {
                    let name = format!("Data.{}", self.unnamed);
                    self.unnamed = self.unnamed.saturating_add(1);
                    name
                });
                self.put(name, text);
            }
            ["Event", "UserData", .., leaf] if !text.is_empty() => self.put((*leaf).to_owned(), text),
            _ => {}
        }
        self.path.pop();
    }

    fn put(&mut self, name: String, text: String) {
        if self.event.fields.len() < MAX_FIELDS {
            self.event.fields.insert(name, text);
        } else {
            self.event.cut = true;
        }
    }
}
