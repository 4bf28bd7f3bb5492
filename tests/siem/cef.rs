//! CEF, read strictly and by nothing of the program (ArcSight, "Implementing ArcSight Common Event Format", version 27:
//! header, escapes, and the extension dictionary's keys, types and lengths).

use std::collections::BTreeMap;

pub struct Event {
    pub id: String,
    pub name: String,
    pub extension: BTreeMap<String, String>,
}

/// Key, longest value (0: a number), of those that are used.
const DICTIONARY: [(&str, usize); 29] = [
    ("cat", 1023),
    ("rt", 0),
    ("dvchost", 100),
    ("reason", 1023),
    ("fname", 1023),
    ("filePath", 1023),
    ("fileType", 1023),
    ("fsize", 0),
    ("fileHash", 255),
    ("msg", 1023),
    ("suser", 1023),
    ("sproc", 1023),
    ("externalId", 40),
    ("cs1", 4000),
    ("cs2", 4000),
    ("cs3", 4000),
    ("cs4", 4000),
    ("cs5", 4000),
    ("cs6", 4000),
    ("cs1Label", 1023),
    ("cs2Label", 1023),
    ("cs3Label", 1023),
    ("cs4Label", 1023),
    ("cs5Label", 1023),
    ("cs6Label", 1023),
    ("cn1", 0),
    ("flexString1", 1023),
    ("flexString2", 1023),
    ("deviceCustomDate1", 0),
];

pub fn parse(line: &str) -> Result<Event, String> {
    if let Some(control) = line.chars().find(|c| c.is_control()) {
        return Err(format!("control character {control:?}"));
    }
    let (header, extension) = header(line)?;
    let [version, vendor, product, product_version, id, name, severity] = &header[..] else {
        return Err(format!("{} header fields", header.len()));
    };
    if version != "CEF:0" {
        return Err(format!("version {version}"));
    }
    let limits = [(vendor, 63), (product, 63), (product_version, 31), (id, 1023), (name, 512)];
    if let Some((field, limit)) = limits.iter().find(|(field, limit)| field.is_empty() || field.len() > *limit) {
        return Err(format!("header field of {} bytes, limit {limit}", field.len()));
    }
    if !severity.parse::<u8>().is_ok_and(|number| number <= 10) {
        return Err(format!("severity {severity}"));
    }
    let extension = pairs(extension)?;
    for (key, value) in &extension {
        let base = key.strip_suffix("Label");
        let known = DICTIONARY.iter().find(|(name, _)| name == key).map(|(_, limit)| *limit);
        let limit = known.or(base.map(|_| 1023)).ok_or_else(|| format!("key {key}"))?;
        if limit == 0 && value.parse::<i64>().is_err() {
            return Err(format!("{key} is no number"));
        }
        if value.is_empty() || (limit > 0 && value.len() > limit) {
            return Err(format!("{key} of {} bytes", value.len()));
        }
        let partner = match base {
            Some(base) => Some(base.to_owned()),
            None => ["cs", "cn", "flexString", "deviceCustomDate"]
                .iter()
                .any(|custom| key.strip_prefix(custom).is_some_and(|rest| rest.parse::<u8>().is_ok()))
                .then(|| format!("{key}Label")),
        };
        if partner.is_some_and(|partner| !extension.contains_key(&partner)) {
            return Err(format!("{key} without its partner"));
        }
    }
    Ok(Event { id: id.clone(), name: name.clone(), extension })
}

/// The seven fields, and what follows the seventh bar.
fn header(line: &str) -> Result<(Vec<String>, &str), String> {
    let mut fields = vec![String::new()];
    let mut characters = line.char_indices();
    while let Some((at, character)) = characters.next() {
        let count = fields.len();
        let field = fields.last_mut().unwrap();
        match character {
            '\\' => match characters.next() {
                Some((_, escaped @ ('\\' | '|'))) => field.push(escaped),
                other => return Err(format!("escape of {other:?} in the header")),
            },
            '|' if count == 7 => return Ok((fields, &line[at + 1..])),
            '|' => fields.push(String::new()),
            _ => field.push(character),
        }
    }
    Err(format!("{} header fields", fields.len()))
}

/// Values may hold spaces: one ends before the last space in front of the next unescaped `=`.
fn pairs(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut equals = Vec::new();
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        if character == '=' && !escaped {
            equals.push(at);
        }
        escaped = character == '\\' && !escaped;
    }
    let mut found = BTreeMap::new();
    for (index, at) in equals.iter().enumerate() {
        let start = text[..*at].rfind(' ').map_or(0, |space| space + 1);
        let key = &text[start..*at];
        if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(format!("key {key:?}"));
        }
        let end = match equals.get(index + 1) {
            Some(next) => text[..*next].rfind(' ').filter(|space| space > at).ok_or(format!("{key} runs on"))?,
            None => text.len(),
        };
        if found.insert(key.to_owned(), value(&text[at + 1..end])?).is_some() {
            return Err(format!("{key} twice"));
        }
    }
    if found.is_empty() { Err("no extension".to_owned()) } else { Ok(found) }
}

fn value(text: &str) -> Result<String, String> {
    let mut value = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some(escaped @ ('\\' | '=')) => value.push(escaped),
                Some('n') => value.push('\n'),
                Some('r') => value.push('\r'),
                other => return Err(format!("escape of {other:?} in a value")),
            },
            _ => value.push(character),
        }
    }
    Ok(value)
}

#[test]
fn the_parser_refuses_what_the_format_forbids() {
    let good = "CEF:0|v|p|1|E|a \\| b|5|rt=1780272000000 fname=a \\=b\\\\ \\n|c msg=x";
    let event = parse(good).unwrap();
    assert_eq!((event.name.as_str(), event.extension["fname"].as_str()), ("a | b", "a =b\\ \n|c"));
    for (from, to, problem) in [
        ("CEF:0", "CEF:9", "version CEF:9"),
        ("a \\| b", "a | b", "severity  b"),
        ("|5|", "|11|", "severity 11"),
        ("|E|", "||", "header field of 0 bytes, limit 1023"),
        ("a \\| b", "a \\b", "escape of Some((17, 'b')) in the header"),
        ("\\=b", "\\b", "escape of Some('b') in a value"),
        ("msg=x", "rt=1", "rt twice"),
        ("msg=x", "msg=", "msg of 0 bytes"),
        ("msg=x", "other=x", "key other"),
        ("msg=x", "cs1=x", "cs1 without its partner"),
        ("msg=x", "cs1Label=x", "cs1Label without its partner"),
        ("1780272000000", "today", "rt is no number"),
        ("msg=x", "msg=\u{9b}", "control character '\\u{9b}'"),
    ] {
        assert_eq!(parse(&good.replace(from, to)).err().as_deref(), Some(problem), "{to}");
    }
    let long = good.replace("msg=x", &format!("msg={}", "x".repeat(1024)));
    assert_eq!(parse(&long).err().as_deref(), Some("msg of 1024 bytes"));
}
