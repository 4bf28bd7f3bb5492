//! One event of a Windows machine, whatever wrote it down.
//!
//! Shippers write the same event in different shapes: `Event.System` and `Event.EventData` (the tree of the Windows event
//! log, [MS-EVEN6] 2.2.17), `winlog.event_data` (winlogbeat, Elastic Agent), flat keys (NXLog), or flat keys with a name
//! instead of a number (CrowdStrike Falcon's `event_simpleName`). Here they become one: who wrote it, its number or name,
//! and a flat map of its fields.

use std::collections::BTreeMap;

use serde_json::Value;

use super::shapes::{CHANNEL, FALCON_NAME, FALCON_PART, HOST, ID, NAME, PARTS, PROVIDER, RECORD, TIME};

/// Fields of one event that are kept; Sysmon's largest has fewer than thirty, an ECS document some hundreds.
pub(super) const MAX_FIELDS: usize = 2048;
/// Members of one array that are looked at; what is read of events lies in none.
const MAX_MEMBERS: usize = 64;
/// Fields below arrays that are kept beside the others, so that a command line in words leaves room for what follows it.
const MAX_IN_ARRAYS: usize = 1024;
/// Levels of objects that are looked into; ECS documents have six.
const MAX_DEPTH: usize = 16;
/// Bytes of a field's name with the dots; each field below an object repeats the object's name.
const MAX_NAME: usize = 256;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event {
    /// The provider, such as `Microsoft-Windows-Sysmon`; empty if the event does not say.
    pub provider: String,
    /// The channel, such as `Security`; empty if the event does not say.
    pub channel: String,
    /// The event's number.
    pub id: Option<u32>,
    /// Falcon's name of the event, such as `ProcessRollup2`.
    pub name: Option<String>,
    /// When it happened, as the event writes it.
    pub time: Option<String>,
    /// The machine.
    pub host: Option<String>,
    /// The number of the record in its log.
    pub record: Option<u64>,
    /// Its fields under their own names: those of `EventData` or `UserData` alone where the event has such a part, else all
    /// that is in it, with dots between levels.
    pub fields: BTreeMap<String, String>,
    /// Whether it has more fields than are kept.
    pub cut: bool,
    /// The event as it came: a line of JSON, an XML element; empty for a binary log.
    pub raw: String,
}

impl Event {
    /// The value of a field that is there and not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str).filter(|value| !value.is_empty() && *value != "-")
    }

    /// The first of several fields that is there.
    #[must_use]
    pub fn first(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.get(name))
    }

    /// The event that a JSON object holds; `None` if it is no object. Objects in an array count as one with the array's
    /// positions as names; what lies deeper than sixteen levels is left out, and so is what an array holds behind 64 members.
    #[must_use]
    pub fn from_json(value: &Value) -> Option<Event> {
        value.as_object()?;
        let (all, cut) = flatten(value);
        let get =
            |names: &[&str]| names.iter().find_map(|name| all.get(*name).filter(|value| !value.is_empty())).cloned();
        let mut event = Event {
            provider: get(PROVIDER).unwrap_or_default(),
            channel: get(CHANNEL).unwrap_or_default(),
            id: get(ID).and_then(|id| id.trim().parse().ok()),
            name: get(NAME),
            time: get(TIME),
            host: get(HOST),
            record: get(RECORD).and_then(|number| number.trim().parse().ok()),
            fields: BTreeMap::new(),
            cut,
            raw: String::new(),
        };
        let falcon = Some(FALCON_PART).filter(|_| all.contains_key(FALCON_NAME));
        let is_there = |part: &&str| all.keys().any(|key| below(key, part).is_some());
        let part = PARTS.into_iter().find(is_there).or(falcon);
        event.fields = match part {
            Some(part) => data_fields(&all, part),
            None => all,
        };
        Some(event)
    }

    /// The event as the tree of the Windows event log, for consumers of JSON lines.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut system = serde_json::Map::new();
        let mut put = |key: &str, value: Option<Value>| value.map(|value| system.insert(key.to_owned(), value));
        let text = |text: &str| Some(Value::from(text)).filter(|_| !text.is_empty());
        put("Provider", text(&self.provider).map(|name| serde_json::json!({ "Name": name })));
        put("EventID", self.id.map(Value::from));
        put("event_simpleName", self.name.as_deref().and_then(text));
        put("TimeCreated", self.time.as_deref().map(|time| serde_json::json!({ "SystemTime": time })));
        put("EventRecordID", self.record.map(Value::from));
        put("Channel", text(&self.channel));
        put("Computer", self.host.as_deref().and_then(text));
        serde_json::json!({ "Event": { "System": system, "EventData": self.fields } })
    }
}

/// What follows a part's name and the dot behind it.
fn below<'k>(key: &'k str, part: &str) -> Option<&'k str> {
    key.strip_prefix(part)?.strip_prefix('.')
}

/// The fields of one part under their own names. ECS fields stay beside winlogbeat's: some pipelines move, not copy.
fn data_fields(all: &BTreeMap<String, String>, part: &str) -> BTreeMap<String, String> {
    let own = all.iter().filter_map(|(key, value)| {
        let key = below(key, part)?;
        Some((key.strip_prefix("#attributes.").unwrap_or(key).to_owned(), value.clone()))
    });
    let mut fields: BTreeMap<String, String> = own.collect();
    if part.starts_with("winlog.") {
        for (key, value) in all.iter().filter(|(key, _)| !key.starts_with("winlog.")) {
            fields.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    fields
}

/// What is still to be flattened.
struct Open<'v> {
    path: String,
    value: &'v Value,
    depth: usize,
    in_array: bool,
}

/// All scalars of a value, with dots between the levels, and whether there are more than are kept; without recursion.
fn flatten(value: &Value) -> (BTreeMap<String, String>, bool) {
    let mut flat = BTreeMap::new();
    let (mut room, mut room_in_arrays, mut cut) = (MAX_FIELDS, MAX_IN_ARRAYS, false);
    let mut open = vec![Open { path: String::new(), value, depth: 0, in_array: false }];
    while let Some(Open { path, value, depth, in_array }) = open.pop() {
        let mut enter = |key: &str, value, in_array| {
            if path.len().saturating_add(key.len()) < MAX_NAME {
                let path = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
                open.push(Open { path, value, depth: depth.saturating_add(1), in_array });
            }
        };
        let text = match value {
            Value::Object(object) if depth < MAX_DEPTH => {
                cut |= object.len() > MAX_FIELDS;
                object.iter().take(MAX_FIELDS).for_each(|(key, value)| enter(key, value, in_array));
                continue;
            }
            Value::Array(array) if depth < MAX_DEPTH => {
                let members = array.iter().take(MAX_MEMBERS).enumerate();
                members.for_each(|(index, value)| enter(&index.to_string(), value, true));
                continue;
            }
            Value::Object(_) | Value::Array(_) | Value::Null => continue,
            Value::String(text) => text.clone(),
            Value::Bool(_) | Value::Number(_) => value.to_string(),
        };
        let room = if in_array { &mut room_in_arrays } else { &mut room };
        match room.checked_sub(1) {
            Some(less) => {
                *room = less;
                flat.insert(path, text);
            }
            None => cut = true,
        }
    }
    (flat, cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(json: &str) -> Event {
        Event::from_json(&serde_json::from_str(json).unwrap()).unwrap()
    }

    /// The same process start as each shipper writes it.
    #[test]
    fn every_shape_gives_the_same_event() {
        let shapes = [
            r##"{"Event":{"#attributes":{"xmlns":"x"},"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Sysmon"}},"EventID":1,"TimeCreated":{"#attributes":{"SystemTime":"2026-01-02T03:04:05Z"}},"EventRecordID":7,"Channel":"C","Computer":"WS"},"EventData":{"Image":"C:\\a.exe","ProcessId":4}}}"##,
            r#"{"@timestamp":"2026-01-02T03:04:05Z","winlog":{"provider_name":"Microsoft-Windows-Sysmon","event_id":1,"record_id":7,"channel":"C","computer_name":"WS","event_data":{"Image":"C:\\a.exe","ProcessId":"4"}}}"#,
            r#"{"EventTime":"2026-01-02T03:04:05Z","SourceName":"Microsoft-Windows-Sysmon","EventID":1,"RecordNumber":7,"Channel":"C","Hostname":"WS","Image":"C:\\a.exe","ProcessId":4}"#,
        ];
        for shape in shapes {
            let event = event(shape);
            assert_eq!(event.provider, "Microsoft-Windows-Sysmon");
            assert_eq!((event.channel.as_str(), event.id, event.record), ("C", Some(1), Some(7)));
            assert_eq!((event.host.as_deref(), event.time.as_deref()), (Some("WS"), Some("2026-01-02T03:04:05Z")));
            assert_eq!((event.get("Image"), event.get("ProcessId")), (Some("C:\\a.exe"), Some("4")), "{shape}");
        }
    }

    #[test]
    fn a_falcon_event_has_a_name_and_no_number() {
        let event = event(r##"{"#event_simpleName":"ProcessRollup2","ComputerName":"WS","FileName":"signtool.exe"}"##);
        assert_eq!((event.name.as_deref(), event.id), (Some("ProcessRollup2"), None));
        assert_eq!((event.host.as_deref(), event.get("FileName")), (Some("WS"), Some("signtool.exe")));
        let stream = r#"{"metadata":{"offset":1},"event":{"event_simpleName":"PeFileWritten","FileName":"a.exe"}}"#;
        let stream = super::Event::from_json(&serde_json::from_str(stream).unwrap()).unwrap();
        assert_eq!((stream.name.as_deref(), stream.get("FileName")), (Some("PeFileWritten"), Some("a.exe")));
        assert_eq!(stream.get("metadata.offset"), None);
    }

    #[test]
    fn what_is_no_object_is_no_event_and_depth_is_bounded() {
        assert_eq!(Event::from_json(&serde_json::json!([1])), None);
        let mut deep = serde_json::json!("bottom");
        for _ in 0..100 {
            deep = serde_json::json!({ "a": deep });
        }
        assert!(Event::from_json(&deep).unwrap().fields.is_empty());
        let wide: serde_json::Map<String, Value> = (0..10_000).map(|n| (format!("k{n}"), Value::from(n))).collect();
        let wide = Event::from_json(&Value::Object(wide)).unwrap();
        assert_eq!((wide.fields.len(), wide.cut), (MAX_FIELDS, true));
    }

    /// A command line in words is an array, and stands before most of what an event says.
    #[test]
    fn arrays_push_out_no_other_field() {
        let words: Vec<Value> = (0..3000).map(|word| Value::from(word.to_string())).collect();
        let nested: Vec<Value> = (0..64).map(|_| serde_json::json!({ "a": words, "b": { "c": [words] } })).collect();
        for array in [Value::from(words), Value::from(nested)] {
            let event = serde_json::json!({ "winlog": { "event_data": { "first": "1", "args": array, "last": "2" } },
                "process": { "args": array, "executable": "x" }, "host": { "name": "WS" } });
            let found = Event::from_json(&event).unwrap();
            let fields = ["first", "last", "process.executable"].map(|name| found.get(name));
            assert_eq!((fields, found.host.as_deref()), ([Some("1"), Some("2"), Some("x")], Some("WS")));
            // Whatever is below arrays has one budget.
            assert_eq!(found.cut, array[0].is_object());
            assert!(found.fields.len() <= MAX_IN_ARRAYS + 4, "{}", found.fields.len());
        }
        let most: serde_json::Map<String, Value> = (0..MAX_FIELDS).map(|n| (format!("k{n}"), Value::from(n))).collect();
        let mut most = serde_json::json!({ "a": most });
        assert!(!Event::from_json(&most).unwrap().cut);
        most["b"] = Value::from("one more");
        assert!(Event::from_json(&most).unwrap().cut);
    }

    #[test]
    fn the_tree_reads_back_as_the_same_event() {
        let text = r#"{"Event":{"System":{"Provider":{"Name":"P"},"EventID":7,"TimeCreated":{"SystemTime":"t"},"EventRecordID":3,"Channel":"C","Computer":"WS"},"EventData":{"ImageLoaded":"C:\\b.dll"}}}"#;
        let event = event(text);
        assert_eq!(event.to_json().to_string(), text);
        assert_eq!(Event::from_json(&event.to_json()), Some(event));
    }
}
