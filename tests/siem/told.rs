//! Detections in the events of `testdata/events/`, and the same with text that tries to break out of every format.

use std::path::Path;

use serde_json::{Value, json};
use sigscan::enrich::events::{Detection, NoFiles, detect, input};

const FILES: [&str; 5] =
    ["attack.jsonl", "falcon.jsonl", "loads.event.jsonl", "security.event.jsonl", "test2.winlogbeat.jsonl"];

/// All of them, of every type.
pub fn detections() -> Vec<Detection> {
    let mut found = Vec::new();
    for name in FILES {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/events").join(name);
        let mut position = 0;
        let read = input::read_path(&path, &mut |event| {
            position += 1;
            found.extend(detect(&event.unwrap(), name, position, &mut NoFiles));
            Ok(())
        });
        read.unwrap();
    }
    assert_eq!(found.len(), 31);
    found
}

/// The detection with every text that an event can choose replaced.
pub fn with_texts(detection: &Detection, text: &str) -> Detection {
    fn places(value: &Value, at: &str, found: &mut Vec<String>) {
        match value {
            Value::String(_) => found.push(at.to_owned()),
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(index, item)| places(item, &format!("{at}/{index}"), found));
            }
            Value::Object(members) => {
                members.iter().for_each(|(name, member)| places(member, &format!("{at}/{name}"), found));
            }
            _ => {}
        }
    }
    let mut value = serde_json::to_value(detection).unwrap();
    let mut found = Vec::new();
    places(&value, "", &mut found);
    for at in found {
        let before = value.pointer(&at).unwrap().clone();
        *value.pointer_mut(&at).unwrap() = json!(text);
        if serde_json::from_value::<Detection>(value.clone()).is_err() {
            *value.pointer_mut(&at).unwrap() = before;
        }
    }
    serde_json::from_value(value).unwrap()
}
