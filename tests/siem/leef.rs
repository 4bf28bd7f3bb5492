//! LEEF 2.0, read strictly and by nothing of the program (IBM QRadar, "LEEF event components", "Predefined LEEF event
//! attributes", "Custom event keys").

use std::collections::BTreeMap;

pub struct Event {
    pub id: String,
    pub attributes: BTreeMap<String, String>,
}

/// Keys that LEEF predefines: a custom attribute must not take one, and those used must hold what they are for. `usrName` is
/// used, for the account of an event.
const PREDEFINED: [&str; 16] = [
    "src",
    "dst",
    "srcPort",
    "dstPort",
    "proto",
    "url",
    "policy",
    "resource",
    "realm",
    "role",
    "vSrc",
    "vSrcName",
    "groupID",
    "accountName",
    "identHostName",
    "calCountryOrRegion",
];

pub fn parse(line: &str) -> Result<Event, String> {
    if let Some(control) = line.chars().find(|c| c.is_control() && *c != '\t') {
        return Err(format!("control character {control:?}"));
    }
    let parts: Vec<&str> = line.splitn(7, '|').collect();
    let [version, vendor, product, product_version, id, delimiter, payload] = parts[..] else {
        return Err(format!("{} header fields", parts.len()));
    };
    if version != "LEEF:2.0" || vendor.is_empty() || product.is_empty() || product_version.is_empty() {
        return Err(format!("header {version}|{vendor}|{product}|{product_version}"));
    }
    if id.is_empty() || id.len() > 255 {
        return Err(format!("event identifier of {} bytes", id.len()));
    }
    let hex = delimiter.strip_prefix("0x").or(delimiter.strip_prefix('x')).ok_or("delimiter is no number")?;
    if hex.is_empty() || hex.len() > 4 {
        return Err(format!("delimiter {delimiter}"));
    }
    let code = u32::from_str_radix(hex, 16).map_err(|error| error.to_string())?;
    let delimiter = char::from_u32(code).ok_or("delimiter is no character")?;
    let mut attributes = BTreeMap::new();
    for pair in payload.split(delimiter) {
        let (key, value) = pair.split_once('=').ok_or_else(|| format!("no key in {pair:?}"))?;
        if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric()) || PREDEFINED.contains(&key) {
            return Err(format!("key {key:?}"));
        }
        if value.is_empty() || value.len() > 4096 {
            return Err(format!("{key} of {} bytes", value.len()));
        }
        if attributes.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(format!("{key} twice"));
        }
    }
    let severity: u8 = attributes.get("sev").ok_or("no sev")?.parse().map_err(|_| "sev is no number")?;
    if !(1..=10).contains(&severity) {
        return Err(format!("sev {severity}"));
    }
    // Without devTimeFormat, devTime is an epoch of 10 or 13 digits.
    let time = attributes.get("devTime").ok_or("no devTime")?;
    if !matches!(time.len(), 10 | 13) || !time.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("devTime {time}"));
    }
    Ok(Event { id: id.to_owned(), attributes })
}

#[test]
fn the_parser_refuses_what_the_format_forbids() {
    let good = "LEEF:2.0|v|p|1|E|x09|sev=5\tdevTime=1780272000000\tk=a=b|c";
    assert_eq!(parse(good).unwrap().attributes["k"], "a=b|c");
    assert_eq!(parse(&good.replace('\t', "^").replace("x09", "0x5E")).unwrap().attributes["k"], "a=b|c");
    for (from, to, problem) in [
        ("LEEF:2.0", "LEEF:1.0", "header LEEF:1.0|v|p|1"),
        ("|E|", "||", "event identifier of 0 bytes"),
        ("x09", "x", "delimiter x"),
        ("k=a=b|c", "k=a\tk=b", "k twice"),
        ("k=a=b|c", "k=", "k of 0 bytes"),
        ("k=a=b|c", "k", "no key in \"k\""),
        ("k=a=b|c", "a b=c", "key \"a b\""),
        ("k=a=b|c", "src=c", "key \"src\""),
        ("k=a=b|c", "k=\u{1b}[2J", "control character '\\u{1b}'"),
        ("sev=5", "sev=0", "sev 0"),
        ("1780272000000", "2026", "devTime 2026"),
    ] {
        assert_eq!(parse(&good.replace(from, to)).err().as_deref(), Some(problem), "{to}");
    }
}
