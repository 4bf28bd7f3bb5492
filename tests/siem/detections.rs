//! Detections in events, in the formats of findings: valid, complete, and held together whatever events say.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sigscan::enrich::events::{Detection, DetectionType};
use sigscan::output::{Format, Origin};

use super::told::{detections, with_texts};
use super::{Writes, cef, leef, matches, names};

/// The lines of a format, each written in one piece.
fn lines(format: Format, detections: &[Detection]) -> Vec<String> {
    let origin = Origin { host: Some("PC-1".to_owned()), judged_at: Some("2026-06-01T00:00:00Z".to_owned()) };
    let writes = Writes::default();
    let mut output = format.open_detections(&origin, writes.clone()).unwrap();
    for detection in detections {
        output.detection(detection).unwrap();
    }
    output.finish().unwrap();
    drop(output);
    let mut lines: Vec<String> = writes.0.take().into_iter().map(|bytes| String::from_utf8(bytes).unwrap()).collect();
    for line in &mut lines {
        assert_eq!(line.pop(), Some('\n'));
        assert!(!line.is_empty() && !line.contains('\n') && !names::hides(line), "{line:?}");
    }
    assert_eq!(lines.len(), detections.len());
    lines
}

fn host(detection: &Detection) -> &str {
    detection.event.host.as_deref().unwrap_or("PC-1")
}

#[test]
fn every_detection_is_valid_leef_and_cef_and_says_what_and_where() {
    let found = detections();
    let types: BTreeSet<DetectionType> = found.iter().map(|detection| detection.detection_type).collect();
    assert_eq!(types, DetectionType::ALL.into());
    let (leef, cef) = (lines(Format::Leef, &found), lines(Format::Cef, &found));
    for (detection, (leef, cef)) in found.iter().zip(leef.iter().zip(&cef)) {
        let (leef, cef) = (leef::parse(leef).unwrap(), cef::parse(cef).unwrap());
        let id = format!("SIG-{}", detection.detection_type.name());
        assert_eq!((&leef.id, &cef.id, &cef.name), (&id, &id, &detection.title));
        let leef = |key: &str| leef.attributes.get(key).map(String::as_str);
        let cef = |key: &str| cef.extension.get(key).map(String::as_str);
        assert_eq!(
            (leef("DetectionType"), leef("hostname"), cef("dvchost")),
            (Some(detection.detection_type.name()), Some(host(detection)), Some(host(detection)))
        );
        assert_eq!((leef("usrName"), cef("suser")), (detection.user.as_deref(), detection.user.as_deref()));
        assert_eq!((leef("Image"), cef("sproc")), (detection.image.as_deref(), detection.image.as_deref()));
        assert_eq!(leef("MitreTechnique"), Some(detection.attack.join(",").as_str()));
        let registry = detection.detection_type == DetectionType::CertStoreRegistryMod;
        let (file, key) =
            if registry { (None, detection.target.as_deref()) } else { (detection.target.as_deref(), None) };
        assert_eq!((leef("filepath"), cef("filePath")), (file, file));
        assert_eq!((leef("RegistryKey"), cef("flexString2")), (key, key));
        let time = detection.event.moment().unwrap().0 * 1000;
        assert_eq!((leef("devTime"), cef("rt")), (Some(time.to_string().as_str()), Some(time.to_string().as_str())));
        let flag = |flag: Option<bool>| flag.map(|flag| if flag { "true" } else { "false" });
        assert_eq!((leef("HasPfx"), leef("NoTimestamp")), (flag(detection.has_pfx), flag(detection.no_timestamp)));
        let evidence: Value = serde_json::from_str(leef("Evidence").unwrap()).unwrap();
        assert_eq!(evidence["event"]["position"], json!(detection.event.position));
        let details: Value = serde_json::from_str(cef("cs6").unwrap()).unwrap();
        assert_eq!(details["event"]["source"], json!(detection.event.source));
    }
}

/// The query for T1036.001 over LEEF finds loads as it finds files.
#[test]
fn the_query_for_invalid_code_signatures_finds_the_events() {
    let found = detections();
    let mut wanted: Vec<&str> = Vec::new();
    for detection in found.iter().filter(|detection| detection.signature.is_some()) {
        assert_eq!(detection.detection_type, DetectionType::InvalidCodeSignature);
        wanted.push(detection.target.as_deref().unwrap());
    }
    let mut told = Vec::new();
    for line in lines(Format::Leef, &found) {
        let event = leef::parse(&line).unwrap().attributes;
        let text = |key: &str| event.get(key).map(String::as_str);
        if matches(text("SignatureStatus"), text("Signer")) {
            told.push(event["filepath"].clone());
        }
    }
    assert!(told.len() > 5);
    assert_eq!(told, wanted);
}

#[test]
fn envelopes_and_groups_hold_the_detection_as_it_is_written_by_itself() {
    let mut found = detections();
    let mut nowhere = found[0].clone();
    nowhere.event.host = None;
    nowhere.event.time = Some("yesterday".to_owned());
    found.push(nowhere);
    let own = ["vendor_product", "dest", "category", "signature_id", "mitre_technique_id", "process", "process_path"];
    let own = own.iter().chain(&["parent_process_path", "file_path", "file_name", "file_hash", "registry_path"]);
    let own: BTreeSet<&str> = own.chain(&["SignatureStatus", "Signer", "SignerVerified"]).copied().collect();
    let (hec, logscale) = (lines(Format::SplunkHec, &found), lines(Format::LogScale, &found));
    let mut seen = BTreeSet::new();
    for (detection, (hec, logscale)) in found.iter().zip(hec.iter().zip(&logscale)) {
        let hec: BTreeMap<String, Value> = serde_json::from_str(hec).unwrap();
        let logscale: Value = serde_json::from_str(logscale).unwrap();
        assert_eq!(
            hec.keys().map(String::as_str).collect::<Vec<_>>(),
            ["event", "host", "source", "sourcetype", "time"]
        );
        assert_eq!((&hec["sourcetype"], &hec["host"]), (&json!("sigscan:detection"), &json!(host(detection))));
        assert_eq!(logscale["tags"], json!({ "type": "sigscan", "kind": "detection" }));
        let group = &logscale["events"][0];
        assert_eq!(group["attributes"], hec["event"]);
        let time = sigscan::Time::parse_rfc3339(group["timestamp"].as_str().unwrap()).unwrap();
        let wanted = detection.event.moment().unwrap_or(sigscan::Time::parse_rfc3339("2026-06-01").unwrap());
        assert_eq!((hec["time"].as_i64(), time), (Some(wanted.0), wanted));
        let mut body = hec["event"].as_object().unwrap().clone();
        assert_eq!(body["dest"], host(detection));
        assert_eq!(body.get("SignatureStatus").is_some(), detection.signature.is_some());
        seen.extend(own.iter().filter(|name| body.remove(**name).is_some()).copied());
        assert_eq!(&serde_json::from_value::<Detection>(Value::Object(body)).unwrap(), detection);
    }
    // Digests come from files, which nobody looked for here.
    assert_eq!(own.difference(&seen).copied().collect::<Vec<_>>(), ["file_hash"]);
}

#[test]
fn hostile_events_add_no_line_and_no_key() {
    let found = detections();
    let keys = |detection: &Detection| -> Vec<BTreeSet<String>> {
        let one = std::slice::from_ref(detection);
        let leef = leef::parse(&lines(Format::Leef, one)[0]).unwrap_or_else(|error| panic!("{error}: {detection:?}"));
        let cef = cef::parse(&lines(Format::Cef, one)[0]).unwrap_or_else(|error| panic!("{error}: {detection:?}"));
        assert!(leef.attributes["sev"].len() < 3);
        vec![leef.attributes.into_keys().collect(), cef.extension.into_keys().collect()]
    };
    for kind in DetectionType::ALL {
        let detection = found.iter().find(|detection| detection.detection_type == kind).unwrap();
        let wanted = keys(&with_texts(detection, "plain"));
        for name in names::names() {
            let hostile = with_texts(detection, &name);
            assert_eq!(keys(&hostile), wanted, "{name:?}");
            for format in [Format::Jsonl, Format::SplunkHec, Format::LogScale, Format::Ecs, Format::Ocsf] {
                let event: Value = serde_json::from_str(&lines(format, std::slice::from_ref(&hostile))[0]).unwrap();
                let told = match format {
                    Format::Jsonl => &event["target"],
                    Format::SplunkHec => &event["event"]["target"],
                    Format::LogScale => &event["events"][0]["attributes"]["target"],
                    Format::Ecs => &event["sigscan"]["detection"]["target"],
                    _ => &event["evidences"][0]["data"]["target"],
                };
                assert_eq!(told, &json!(hostile.target), "{format:?}");
            }
        }
    }
}

/// A time that no clock shows is no time of an event.
#[test]
fn times_that_nobody_should_sort_by_are_not_told_as_times() {
    let detection = detections().remove(0);
    for (time, told) in [
        ("1", "1780272000000"),
        ("1969-01-01T00:00:00Z", "1780272000000"),
        ("9999-01-01T00:00:00Z", "1780272000000"),
        ("99999999999999999999", "1780272000000"),
        ("2026-05-04 03:02:03.123", "1777863723000"),
    ] {
        let mut detection = detection.clone();
        detection.event.time = Some(time.to_owned());
        let line = lines(Format::Leef, std::slice::from_ref(&detection)).remove(0);
        assert_eq!(leef::parse(&line).unwrap().attributes["devTime"], told, "{time}");
    }
}

#[test]
fn formats_about_files_have_no_place_for_detections() {
    for format in Format::ALL {
        let opened = format.open_detections(&Origin::default(), Vec::<u8>::new()).is_some();
        assert_eq!(opened, format.takes_detections());
        assert_eq!(opened, !["csv", "lookup", "sysmon", "sarif", "mde"].contains(&format.name()), "{}", format.name());
    }
    let array = |detections: &[Detection]| {
        let writes = Writes::default();
        let mut output = Format::Json.open_detections(&Origin::default(), writes.clone()).unwrap();
        detections.iter().for_each(|detection| output.detection(detection).unwrap());
        output.finish().unwrap();
        drop(output);
        serde_json::from_slice::<Vec<Detection>>(&writes.0.take().concat()).unwrap()
    };
    let found = detections();
    assert_eq!(array(&found), found);
    assert!(array(&[]).is_empty());
}
