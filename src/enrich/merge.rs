//! Fields of a verdict merged into an event under the names that its consumers know: ECS or Sysmon.
//!
//! What an event already says stays as it is. Where a name of ours is taken, ours goes below the target field under the
//! same name (`sigscan.OriginalFileName`, `sigscan.dll.pe.company`), unless both say the same. What says how a signature
//! fares stays together: half of it beside another's half would be a verdict that nobody gave. The target field always
//! holds status and reason, so that there is one place that nobody else fills.

use std::ops::Range;

use serde_json::{Map, Value, json};

use super::fields::{Shape, shortened};
use super::json::{Object, quoted};
use super::shapes::{FALCON_NAME, FALCON_PART, PARTS};
use crate::output::{ecs_fields, json_text, sysmon_fields};
use crate::record::Record;

/// Whose names are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    /// Elastic Common Schema: `code_signature`, `hash` and `pe` of the event's `dll`, `process` or `file`.
    Ecs,
    /// Those of Sysmon's events 6 and 7, beside the event's own data.
    Sysmon,
}

/// What Sysmon and those who read its events call what says how a signature fares.
const SYSMON_SIGNATURE: [&str; 5] =
    ["Signed", "Signature", "SignatureStatus", "SysmonSignatureStatus", "SignerVerified"];
/// Where ECS has it, in the object of a file.
const ECS_SIGNATURE: &str = "code_signature";
/// Its members in ECS that a record can fill.
const ECS_MEMBERS: [&str; 8] =
    ["exists", "valid", "trusted", "status", "digest_algorithm", "timestamp", "subject_name", "thumbprint_sha256"];

/// A field of ours, or an object of them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Node {
    /// The whole as JSON.
    text: String,
    /// The members of an object.
    below: Vec<(String, Node)>,
    /// Whether it says how the signature fares.
    of_signature: bool,
}

impl Node {
    /// Values of records are a few levels deep.
    fn of(value: &Value) -> Node {
        let below = value.as_object().into_iter().flatten();
        let below = below.map(|(name, value)| (name.clone(), Node::of(value))).collect();
        Node { text: json_text(value), below, of_signature: false }
    }

    /// Fields of ours that hold these names, which say how the signature fares.
    fn with_signature(value: &Value, above: &[&str], names: &[&str]) -> Node {
        let mut all = Node::of(value);
        let mut place = Some(&mut all);
        for name in above {
            place = place.and_then(|node| node.member(name));
        }
        if let Some(place) = place {
            let ours = place.below.iter_mut().filter(|(name, _)| names.contains(&name.as_str()));
            ours.for_each(|(_, node)| node.mark());
        }
        all
    }

    fn get(&self, name: &str) -> Option<&Node> {
        self.below.iter().find(|(key, _)| key == name).map(|(_, node)| node)
    }

    fn member(&mut self, name: &str) -> Option<&mut Node> {
        self.below.iter_mut().find(|(key, _)| key == name).map(|(_, node)| node)
    }

    /// Marks it and what is below it, a few levels.
    fn mark(&mut self) {
        self.of_signature = true;
        self.below.iter_mut().for_each(|(_, node)| node.mark());
    }

    fn weight(&self) -> usize {
        let below = self.below.iter().map(|(name, node)| name.len().saturating_add(node.weight()).saturating_add(64));
        below.fold(self.text.len(), usize::saturating_add)
    }

    /// The fields below, each with the names that lead to it.
    fn leaves(&self) -> Vec<(Vec<&str>, &Node)> {
        let mut leaves = Vec::new();
        let mut open: Vec<(Vec<&str>, &Node)> = vec![(Vec::new(), self)];
        while let Some((path, node)) = open.pop() {
            if node.below.is_empty() {
                leaves.push((path, node));
            } else {
                let inner = node.below.iter().rev();
                open.extend(inner.map(|(name, node)| ([path.as_slice(), &[name.as_str()]].concat(), node)));
            }
        }
        leaves
    }
}

/// What a record gives to events that call its file so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// The ECS object of the file; empty where it does not matter.
    of: &'static str,
    /// What the target field says, as JSON.
    said: String,
    fields: Node,
}

/// What a record gives to events, by what they call its file.
#[must_use]
pub fn forms(record: &Record, merge: Merge, shape: Shape) -> Vec<Form> {
    let short = |value: Value| if shape == Shape::Compact { shortened(&value) } else { value };
    match merge {
        Merge::Sysmon => {
            let error = record.error.as_ref().map(|error| error.message.as_str());
            let mut said = json!({ "status": record.status, "reason": record.reason, "judged_at": record.judged_at });
            if let (Some(error), Some(said)) = (error, said.as_object_mut()) {
                said.insert("error".to_owned(), Value::from(error));
            }
            let fields = short(Value::Object(sysmon_fields(record)));
            let fields = Node::with_signature(&fields, &[], &SYSMON_SIGNATURE);
            vec![Form { of: "", said: json_text(&short(said)), fields }]
        }
        Merge::Ecs => {
            let all = ecs_fields(record);
            ["file", "dll", "process"].map(|of| ecs_form(&all, of, &short)).into()
        }
    }
}

/// ECS has certificates of files only, and what names a file is the event's to say: the scan's path is that of a mount.
fn ecs_form(all: &Map<String, Value>, of: &'static str, short: &dyn Fn(Value) -> Value) -> Form {
    let kept = |names: &[&str]| -> Map<String, Value> {
        let file = all.get("file").and_then(Value::as_object);
        names.iter().filter_map(|name| Some(((*name).to_owned(), file?.get(*name)?.clone()))).collect()
    };
    let mut said = all.get("sigscan").cloned().unwrap_or_default();
    let own = if of == "file" {
        kept(&["size", "type", "hash", "code_signature", "x509", "pe"])
    } else {
        if let Some(said) = said.as_object_mut() {
            said.extend(kept(&["size", "x509"]));
        }
        kept(&["hash", "code_signature", "pe"])
    };
    let mut fields = Map::new();
    if !own.is_empty() {
        fields.insert(of.to_owned(), Value::Object(own));
    }
    fields.extend(all.get("related").map(|related| ("related".to_owned(), related.clone())));
    let fields = Node::with_signature(&short(Value::Object(fields)), &[of], &[ECS_SIGNATURE]);
    Form { of, said: json_text(&short(said)), fields }
}

impl Form {
    /// Bytes that it takes.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.said.len().saturating_add(self.fields.weight())
    }

    /// The form for an event that calls the file so.
    #[must_use]
    pub fn among<'f>(forms: &'f [Form], ecs: &str) -> Option<&'f Form> {
        forms.iter().find(|form| form.of.is_empty() || form.of == ecs)
    }

    /// The event with these fields.
    #[must_use]
    pub fn merged_into(&self, event: &Object<'_>, target: &str) -> String {
        let part = if self.of.is_empty() { data_part(event) } else { None };
        let mut merged = self.placed(event, part.as_ref(), self.is_contested(event, part.as_ref()));
        if merged.0.signature_taken && !merged.0.apart {
            merged = self.placed(event, part.as_ref(), true);
        }
        let (mut merger, mut at_top) = merged;
        let mut said = self.said.clone();
        if !merger.taken.is_empty() {
            said.truncate(said.len().saturating_sub(1));
            said.push(',');
            said.push_str(json_text(&merger.taken).get(1..).unwrap_or_default());
        }
        let places = event.values(target);
        if places.is_empty() {
            at_top.push((target.to_owned(), said));
        } else {
            merger.edits.extend(places.into_iter().map(|place| (place, said.clone())));
        }
        merger.edits.extend(event.parts(target).into_iter().map(|place| (place, "null".to_owned())));
        merger.insert(event, &at_top);
        merger.apply(event.whole())
    }
}

impl Form {
    /// Our fields put into the event, those of the signature apart from it if so; and what is to be added to the event itself.
    fn placed<'e>(&self, event: &Object<'e>, part: Option<&Part<'e>>, apart: bool) -> (Merger, Vec<(String, String)>) {
        let mut merger = Merger { edits: Vec::new(), taken: Map::new(), apart, signature_taken: false };
        let at_top = match part {
            None => merger.level(event, &self.fields, &[]),
            Some(Part::Object(data)) => {
                let added = merger.level(data, &self.fields, &[]);
                merger.insert(data, &added);
                Vec::new()
            }
            Some(Part::Prefix(part)) => merger.flat(event, &[part], &self.fields, &[]),
        };
        (merger, at_top)
    }

    /// Whether the event says something of the signature where ours would say nothing.
    fn is_contested(&self, event: &Object<'_>, part: Option<&Part<'_>>) -> bool {
        let (object, above, names) = match part {
            _ if !self.of.is_empty() => (event, format!("{}.{ECS_SIGNATURE}.", self.of), &ECS_MEMBERS[..]),
            None => (event, String::new(), &SYSMON_SIGNATURE[..]),
            Some(Part::Object(data)) => (data, String::new(), &SYSMON_SIGNATURE[..]),
            Some(Part::Prefix(part)) => (event, format!("{part}."), &SYSMON_SIGNATURE[..]),
        };
        let ours = match self.of {
            "" => Some(&self.fields),
            of => self.fields.get(of).and_then(|file| file.get(ECS_SIGNATURE)),
        };
        let is_there = |name: &&str| object.find(&format!("{above}{name}")).is_some_and(|found| found.value != "null");
        ours.is_some_and(|ours| names.iter().any(|name| ours.get(name).is_none() && is_there(name)))
    }
}

/// Where an event keeps its own data.
enum Part<'e> {
    Object(Object<'e>),
    /// Beside everything else, under names that begin so.
    Prefix(&'static str),
}

fn data_part<'e>(event: &Object<'e>) -> Option<Part<'e>> {
    let falcon = Some(FALCON_PART).filter(|_| event.find(FALCON_NAME).is_some());
    PARTS.into_iter().chain(falcon).find_map(|part| {
        let object = event.find(part).and_then(|found| found.object(event)).map(Part::Object);
        object.or_else(|| event.has_key_below(part).then_some(Part::Prefix(part)))
    })
}

/// Changes to the text of an event.
struct Merger {
    edits: Vec<(Range<usize>, String)>,
    /// What of ours found its name taken.
    taken: Map<String, Value>,
    /// What says how the signature fares is not to stand in the event's own fields.
    apart: bool,
    /// Whether a name of that was taken.
    signature_taken: bool,
}

impl Merger {
    /// Puts our fields into an object that lies at `path`; gives what is to be added to the object itself.
    fn level(&mut self, object: &Object<'_>, fields: &Node, path: &[&str]) -> Vec<(String, String)> {
        let mut added = Vec::new();
        for (name, node) in &fields.below {
            let here = [path, &[name.as_str()]].concat();
            if self.apart && node.of_signature {
                self.take(&here, node);
                continue;
            }
            if object.has_key_below(name) {
                added.extend(self.flat(object, &[name], node, &here));
                continue;
            }
            match (object.value(name), object.inner(name)) {
                (None, _) => added.push((name.clone(), node.text.clone())),
                (Some(_), Some(inner)) if !node.below.is_empty() => {
                    let below = self.level(&inner, node, &here);
                    self.insert(&inner, &below);
                }
                (Some(value), _) if value == node.text => {}
                (Some(_), _) => self.take(&here, node),
            }
        }
        added
    }

    /// The same for an object whose keys have dots, as shippers flatten it: each field of ours becomes one key.
    fn flat(&mut self, object: &Object<'_>, start: &[&str], fields: &Node, path: &[&str]) -> Vec<(String, String)> {
        let mut added = Vec::new();
        for (below, node) in fields.leaves() {
            let names = [start, &below].concat();
            // An object of that name is as good as taken, and so is a field where an object of ours would be.
            let taken = (1..=names.len()).find_map(|depth| {
                let found = object.find(&names.get(..depth)?.join("."))?;
                (depth == names.len() || found.object(object).is_none()).then_some(found.value)
            });
            match taken {
                _ if self.apart && node.of_signature => self.take(&[path, &below].concat(), node),
                None => added.push((names.join("."), node.text.clone())),
                Some(value) if value == node.text => {}
                Some(_) => self.take(&[path, &below].concat(), node),
            }
        }
        added
    }

    /// Remembers a field of ours whose name is taken.
    fn take(&mut self, path: &[&str], node: &Node) {
        self.signature_taken |= node.of_signature;
        let Some((last, above)) = path.split_last() else { return };
        let mut place = &mut self.taken;
        for name in above {
            let inner = place.entry((*name).to_owned()).or_insert_with(|| Value::Object(Map::new()));
            // Nothing of ours is a field and an object.
            let Some(inner) = inner.as_object_mut() else { return };
            place = inner;
        }
        place.insert((*last).to_owned(), serde_json::from_str(&node.text).unwrap_or_default());
    }

    /// Members are added at the end of an object.
    fn insert(&mut self, object: &Object<'_>, members: &[(String, String)]) {
        if members.is_empty() {
            return;
        }
        let mut text = String::new();
        for (index, (name, value)) in members.iter().enumerate() {
            text.push_str(if object.is_empty() && index == 0 { "" } else { "," });
            text.push_str(&quoted(name));
            text.push(':');
            text.push_str(value);
        }
        self.edits.push((object.end()..object.end(), text));
    }

    fn apply(mut self, text: &str) -> String {
        self.edits.sort_by_key(|(place, _)| place.start);
        let more = self.edits.iter().map(|(_, text)| text.len()).fold(text.len(), usize::saturating_add);
        let mut out = String::with_capacity(more);
        let mut from = 0usize;
        for (place, new) in &self.edits {
            if place.start < from {
                continue; // within what was replaced as a whole
            }
            out.push_str(text.get(from..place.start).unwrap_or_default());
            out.push_str(new);
            from = place.end;
        }
        out.push_str(text.get(from..).unwrap_or_default());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::{Reason, Status};
    use crate::output::samples;

    fn merged(record: &Record, merge: Merge, ecs: &str, event: &str) -> String {
        let forms = forms(record, merge, Shape::Whole);
        let event = Object::parse(event.as_bytes()).unwrap();
        Form::among(&forms, ecs).unwrap().merged_into(&event, "sigscan")
    }

    #[test]
    fn sysmon_s_names_go_beside_the_event_s_data_and_taken_ones_below_the_target() {
        let rest = r#""SysmonSignatureStatus":"Unavailable","SignerVerified":"false","Reason":"bad-digest""#;
        let said = r#""sigscan":{"status":"Invalid","reason":"bad-digest","judged_at":"2026-06-01T00:00:00Z""#;
        let all = format!(r#""Signed":"false","Signature":"Good","SignatureStatus":"Invalid",{rest}"#);
        let flat = all.replace(",\"", ",\"winlog.event_data.").replacen('"', "\"winlog.event_data.", 1);
        let ours = r#""Signed":"false","Signature":"Good","SignatureStatus":"Invalid","SysmonSignatureStatus":"Unavailable","SignerVerified":"false""#;
        let reason = r#""winlog.event_data.Reason":"bad-digest""#;
        let cases = [
            (r#"{"Image":"x"}"#, format!(r#"{{"Image":"x",{all},{said}}}}}"#)),
            ("{ }", format!("{{ {all},{said}}}}}")),
            (
                r#"{"Event":{"EventData":{}}, "z" : 1.0e2} "#,
                format!(r#"{{"Event":{{"EventData":{{{all}}}}}, "z" : 1.0e2,{said}}}}} "#),
            ),
            (
                r#"{"EventData":{"Signed":"true","SignatureStatus":"Valid","Signature":"Good"}}"#,
                format!(
                    r#"{{"EventData":{{"Signed":"true","SignatureStatus":"Valid","Signature":"Good","Reason":"bad-digest"}},{said},{ours}}}}}"#
                ),
            ),
            // What both say alike stands once.
            (
                r#"{"EventData":{"Signed":"false","SignatureStatus":"Invalid","Signature":"Good"}}"#,
                format!(
                    r#"{{"EventData":{{"Signed":"false","SignatureStatus":"Invalid","Signature":"Good",{rest}}},{said}}}}}"#
                ),
            ),
            (r#"{"winlog.event_data.a":1}"#, format!(r#"{{"winlog.event_data.a":1,{flat},{said}}}}}"#)),
            (
                r#"{"winlog.event_data.Signature":{"x":1},"sigscan":7,"sigscan":{}}"#,
                format!(r#"{{"winlog.event_data.Signature":{{"x":1}},{said},{ours}}},{said},{ours}}},{reason}}}"#),
            ),
        ];
        let parts = r#"{"sigscan.status":"Valid","Image":"x","sigscan.dll":{"a":1}}"#;
        let parts = (parts, format!(r#"{{"sigscan.status":null,"Image":"x","sigscan.dll":null,{all},{said}}}}}"#));
        for (event, wanted) in cases.into_iter().chain([parts]) {
            assert_eq!(merged(&samples::hostile(), Merge::Sysmon, "dll", event), wanted);
        }
    }

    fn value(record: &Record, ecs: &str, event: &str) -> Value {
        serde_json::from_str(&merged(record, Merge::Ecs, ecs, event)).unwrap()
    }

    #[test]
    fn ecs_goes_into_the_object_that_the_event_has_for_its_file() {
        let record = samples::valid();
        let signature = json!({ "exists": true, "valid": true, "trusted": true, "status": "trusted",
            "timestamp": "2025-03-01T12:00:00Z", "subject_name": "Good Company", "thumbprint_sha256": "22" });
        for ecs in ["dll", "process", "file"] {
            let event = format!(r#"{{"{ecs}":{{"path":"C:\\x","hash":{{"md5":"00"}}}}}}"#);
            let event = value(&record, ecs, &event);
            assert_eq!(event[ecs]["path"], "C:\\x");
            assert_eq!(event[ecs]["hash"], json!({ "md5": "00", "sha256": "cc" }));
            assert_eq!(event[ecs]["code_signature"], signature);
            assert_eq!(event[ecs]["pe"]["company"], "Good");
            assert_eq!(event[ecs].get("name"), None, "the scan's path is none of the event's business");
            assert_eq!(event["related"]["hash"], json!(["aa", "bb", "cc"]));
            assert_eq!((&event["sigscan"]["status"], &event["sigscan"]["reason"]), (&json!("Valid"), &json!("ok")));
            let x509 = if ecs == "file" { &event["file"]["x509"] } else { &event["sigscan"]["x509"] };
            assert_eq!(x509["serial_number"], "1A2B");
        }
        let made = value(&record, "dll", r#"{"ImageLoaded":"C:\\x"}"#);
        assert_eq!(made["dll"]["code_signature"], signature);
    }

    #[test]
    fn what_an_event_says_stays_and_ours_is_said_elsewhere() {
        let record = samples::hostile();
        let taken = value(
            &record,
            "dll",
            r#"{"dll":{"code_signature":{"exists":true,"status":"trusted"},"hash":{"sha256":"cc"},"pe":"x"},"related":{"hash":["h"]}}"#,
        );
        assert_eq!((&taken["dll"]["code_signature"]["status"], &taken["dll"]["pe"]), (&json!("trusted"), &json!("x")));
        assert_eq!(taken["dll"]["code_signature"], json!({ "exists": true, "status": "trusted" }));
        assert_eq!(taken["related"], json!({ "hash": ["h"] }));
        let said = &taken["sigscan"];
        let whole = json!({ "exists": true, "valid": false, "trusted": false, "status": "errorBadDigest",
            "subject_name": "Good", "thumbprint_sha256": "22" });
        assert_eq!(said["dll"]["code_signature"], whole);
        assert_eq!(said["dll"]["pe"]["original_file_name"], "good.exe");
        assert_eq!((said["dll"].get("hash"), said["status"].as_str()), (None, Some("Invalid")));
        assert_eq!(said["related"]["hash"], json!(["aa", "bb", "cc"]));
        let scalar = value(&record, "file", r#"{"file":"C:\\x"}"#);
        assert_eq!((&scalar["file"], &scalar["sigscan"]["file"]["size"]), (&json!("C:\\x"), &json!(4096)));
    }

    /// Whatever an event says of a signature, it says alone, or as we do.
    #[test]
    fn no_half_of_a_signature_s_verdict_stands_beside_the_event_s() {
        let record = samples::valid();
        let ours = value(&record, "dll", r#"{"dll":{"path":"x"}}"#)["dll"]["code_signature"].clone();
        // `digest_algorithm` is what this record does not know, so that it would stand beside what it says.
        let members = ["exists", "valid", "trusted", "status", "digest_algorithm", "timestamp", "subject_name"];
        for name in members {
            for (event, place) in [
                (json!({ "dll": { "code_signature": { name: "theirs" } } }), "nested"),
                (json!({ format!("dll.code_signature.{name}"): "theirs" }), "flat"),
                (json!({ "dll": { format!("code_signature.{name}"): "theirs" } }), "mixed"),
                (json!({ "dll.code_signature": { name: "theirs" } }), "mixed"),
            ] {
                let merged = value(&record, "dll", &event.to_string());
                assert_eq!(merged["sigscan"]["dll"]["code_signature"], ours, "{place} {name}");
                let mut outside = merged;
                outside.as_object_mut().unwrap().remove("sigscan");
                assert_eq!(outside.to_string().matches("thumbprint_sha256").count(), 0, "{place} {name}: {outside}");
            }
        }
        // What is not about this verdict, and what says the same, is nobody's contradiction.
        let agreed = value(
            &record,
            "dll",
            r#"{"dll":{"code_signature":{"trusted":true,"team_id":"T","digest_algorithm":null}}}"#,
        );
        assert_eq!(agreed["sigscan"].get("dll"), None);
        assert_eq!(agreed["dll"]["code_signature"]["status"], "trusted");
        assert_eq!(agreed["dll"]["code_signature"]["team_id"], "T");
        let mut unsigned = record;
        (unsigned.status, unsigned.reason, unsigned.signer) = (Status::Unsigned, Reason::NoSignature, None);
        let named = merged(&unsigned, Merge::Sysmon, "dll", r#"{"EventData":{"Signature":"Microsoft Windows"}}"#);
        let named: Value = serde_json::from_str(&named).unwrap();
        assert_eq!(named["EventData"].get("Signed").or(named["EventData"].get("SignatureStatus")), None);
        assert_eq!(named["sigscan"]["SignatureStatus"], "Unsigned");
    }

    #[test]
    fn keys_with_dots_are_met_with_keys_with_dots() {
        let event = r#"{"file.path":"C:\\x","file.code_signature.status":"trusted","file.pe":7,"file":{"owner":"me"}}"#;
        let event = value(&samples::hostile(), "file", event);
        assert_eq!(event["file"], json!({ "owner": "me" }));
        assert_eq!((&event["file.code_signature.status"], &event["file.pe"]), (&json!("trusted"), &json!(7)));
        assert_eq!(event.get("file.code_signature.trusted"), None);
        assert_eq!(event["file.hash.sha256"], "cc");
        assert_eq!(event.get("file.pe.company"), None);
        let said = &event["sigscan"]["file"];
        assert_eq!(
            (&said["code_signature"]["status"], &said["code_signature"]["valid"]),
            (&json!("errorBadDigest"), &json!(false))
        );
        assert_eq!(said["pe"]["file_version"], "1.2.3.4");
        let inner = value(&samples::hostile(), "file", r#"{"file":{"path":"x","hash.sha256":"dd"}}"#);
        assert_eq!(inner["file"]["hash.sha256"], "dd");
        assert_eq!(inner["sigscan"]["file"]["hash"], json!({ "sha256": "cc" }));
    }

    #[test]
    fn a_target_that_holds_everything_is_replaced_as_a_whole() {
        let forms = forms(&samples::valid(), Merge::Sysmon, Shape::Whole);
        let event = Object::parse(br#"{"EventData":{"Image":"x"},"a":1}"#).unwrap();
        let merged = forms[0].merged_into(&event, "EventData");
        let wanted = r#"{"EventData":{"status":"Valid","reason":"ok","judged_at":"2026-06-01T00:00:00Z"},"a":1}"#;
        assert_eq!(merged, wanted);
    }
}
