//! How each kind of list is written, and what becomes of it.

use std::collections::HashMap;

use serde::Deserialize;

use super::{BlockLists, ListEntry, Named, issuer_serial_key};
use crate::record::Severity;

impl BlockLists {
    pub(super) fn own(&mut self, bytes: &[u8], list: &str) -> Result<(), String> {
        #[derive(Deserialize)]
        struct Row {
            #[serde(rename = "type")]
            kind: String,
            value: String,
            #[serde(default)]
            name: String,
            #[serde(default)]
            reason: String,
            #[serde(default)]
            severity: String,
            #[serde(default)]
            reference: String,
        }
        for (number, row) in reader(bytes, b',').deserialize::<Row>().enumerate() {
            let line = number.saturating_add(2);
            let row = row.map_err(|error| error.to_string())?;
            let key = match row.kind.as_str() {
                "sha256" | "sha1" | "md5" | "file" => digest(&row.value).map(|value| (Named::File, value)),
                "authentihash" => digest(&row.value).map(|value| (Named::Authentihash, value)),
                "tbs" => digest(&row.value).map(|value| (Named::Tbs, value)),
                "thumbprint" => digest(&row.value).map(|value| (Named::Thumbprint, value)),
                "issuer-serial" => row
                    .value
                    .rsplit_once('/')
                    .map(|(issuer, serial)| (Named::IssuerSerial, issuer_serial_key(issuer, serial))),
                other => return Err(format!("line {line}: {other:?} is no type of entry")),
            };
            let key = key.ok_or_else(|| format!("line {line}: {:?} is no value of its type", row.value))?;
            let severity = match row.severity.as_str() {
                "" => Severity::High,
                word => {
                    serde_json::from_value(word.into()).map_err(|_| format!("line {line}: no severity: {word:?}"))?
                }
            };
            let (name, reason, reference) = (row.name, row.reason, row.reference);
            self.add(ListEntry { list: list.to_owned(), name, reason, severity, reference }, [key]);
        }
        Ok(())
    }

    /// Which of the two a hash is of cannot be seen, so it is looked for as either.
    pub(super) fn hashes(&mut self, bytes: &[u8], list: &str) -> Result<(), String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "it is no text".to_owned())?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let bad = || format!("line {} is no hash", number.saturating_add(1));
            let value = hash_of_line(line).ok_or_else(bad)?;
            let entry = entry(list, "", "listed by hash", Severity::High, "");
            self.add(entry, [(Named::File, value.clone()), (Named::Authentihash, value)]);
        }
        Ok(())
    }

    pub(super) fn loldrivers(&mut self, bytes: &[u8], list: &str) -> Result<(), String> {
        #[derive(Deserialize)]
        struct Driver {
            #[serde(rename = "Id", default)]
            id: String,
            #[serde(rename = "Category", default)]
            category: String,
            #[serde(rename = "Tags", default)]
            tags: Vec<String>,
            #[serde(rename = "KnownVulnerableSamples", default)]
            samples: Vec<Sample>,
        }
        #[derive(Deserialize)]
        struct Sample {
            #[serde(rename = "Filename", default)]
            filename: Option<String>,
            #[serde(rename = "MD5", default)]
            md5: Option<String>,
            #[serde(rename = "SHA1", default)]
            sha1: Option<String>,
            #[serde(rename = "SHA256", default)]
            sha256: Option<String>,
            #[serde(rename = "Authentihash", default)]
            authentihash: Option<Hashes>,
        }
        #[derive(Deserialize, Default)]
        struct Hashes {
            #[serde(rename = "MD5", default)]
            md5: Option<String>,
            #[serde(rename = "SHA1", default)]
            sha1: Option<String>,
            #[serde(rename = "SHA256", default)]
            sha256: Option<String>,
        }
        let drivers: Vec<Driver> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        for driver in drivers {
            let malicious = driver.category.eq_ignore_ascii_case("malicious");
            let severity = if malicious { Severity::Critical } else { Severity::High };
            let link = format!("https://www.loldrivers.io/drivers/{}/", driver.id);
            for sample in driver.samples {
                let name = sample.filename.filter(|name| !name.is_empty()).or_else(|| driver.tags.first().cloned());
                let own = sample.authentihash.unwrap_or_default();
                let of = |by, values: [Option<String>; 3]| {
                    values.into_iter().flatten().filter_map(move |text| Some((by, digest(&text)?)))
                };
                let keys = of(Named::Authentihash, [own.sha256, own.sha1, own.md5])
                    .chain(of(Named::File, [sample.sha256, sample.sha1, sample.md5]));
                self.add(entry(list, &name.unwrap_or_default(), &driver.category, severity, &link), keys);
            }
        }
        Ok(())
    }

    pub(super) fn certgraveyard(&mut self, bytes: &[u8], list: &str) -> Result<(), String> {
        let mut reader = reader(bytes, b',');
        let columns = Columns::of(reader.headers().map_err(|error| error.to_string())?);
        columns.require(&["Signer", "Serial", "Thumbprint"])?;
        for row in reader.records() {
            let row = row.map_err(|error| error.to_string())?;
            let field = |name| columns.field(&row, name);
            let tbs = ["TBS SHA256", "TBS SHA1", "TBS SHA384", "TBS MD5"];
            let tbs = tbs.into_iter().filter_map(|name| Some((Named::Tbs, digest(field(name))?)));
            let thumbprint = digest(field("Thumbprint")).map(|value| (Named::Thumbprint, value));
            // Without one of the hashes only issuer and serial number are left; the short issuer is no whole name.
            let keys: Vec<_> = tbs.chain(thumbprint).chain(number(field("Issuer"), field("Serial"))).collect();
            let reason = [field("Malware"), field("Malware Type")].join(" ");
            self.add(entry(list, field("Signer"), reason.trim(), Severity::Critical, ""), keys);
        }
        Ok(())
    }

    /// The header is a comment there; columns by their place: time, serial number, thumbprint, its algorithm, subject,
    /// issuer, from, to, reason.
    pub(super) fn cscb(&mut self, bytes: &[u8], list: &str) -> Result<(), String> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .comment(Some(b'#'))
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(bytes);
        for row in reader.records() {
            let row = row.map_err(|error| error.to_string())?;
            // A blank before a quotation mark makes the mark part of the text.
            let field = |place| row.get(place).unwrap_or_default().trim_matches(['"', ' ']);
            let thumbprint = digest(field(2)).map(|value| (Named::Thumbprint, value));
            let keys: Vec<_> = thumbprint.into_iter().chain(number(field(5), field(1))).collect();
            self.add(entry(list, field(4), field(8), Severity::Critical, ""), keys);
        }
        Ok(())
    }
}

fn entry(list: &str, name: &str, reason: &str, severity: Severity, reference: &str) -> ListEntry {
    let (list, name, reason) = (list.to_owned(), name.to_owned(), reason.to_owned());
    ListEntry { list, name, reason, severity, reference: reference.to_owned() }
}

fn reader(bytes: &[u8], delimiter: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).trim(csv::Trim::All).from_reader(bytes)
}

/// Where each column stands.
struct Columns(HashMap<String, usize>);

impl Columns {
    fn of(header: &csv::StringRecord) -> Columns {
        Columns(header.iter().enumerate().map(|(place, name)| (name.to_owned(), place)).collect())
    }

    fn require(&self, names: &[&str]) -> Result<(), String> {
        match names.iter().find(|name| !self.0.contains_key(**name)) {
            Some(name) => Err(format!("there is no column {name:?}")),
            None => Ok(()),
        }
    }

    fn field<'r>(&self, row: &'r csv::StringRecord, name: &str) -> &'r str {
        self.0.get(name).and_then(|place| row.get(*place)).unwrap_or_default()
    }
}

/// Issuer and serial number, where both say something: lists have placeholders ("???", "Not Specified").
fn number(issuer: &str, serial: &str) -> Option<(Named, Vec<u8>)> {
    let digits = serial.chars().filter(char::is_ascii_hexdigit).count();
    let only_digits = serial.chars().all(|letter| letter.is_ascii_hexdigit() || matches!(letter, ':' | ' '));
    let told = !issuer.trim().is_empty() && !issuer.contains("???") && digits >= 8 && only_digits;
    told.then(|| (Named::IssuerSerial, issuer_serial_key(issuer, serial)))
}

/// The hash that a line states: alone or with a comment behind it, before the name of a file (`sha256sum`), or behind it
/// (`sha256sum --tag`, as BSD writes it). A name may hold anything.
fn hash_of_line(line: &str) -> Option<Vec<u8>> {
    let tagged = || {
        let (head, digits) = line.rsplit_once(") = ")?;
        let known = ["MD5 (", "SHA1 (", "SHA256 (", "SHA384 (", "SHA512 ("];
        known.iter().any(|tag| head.strip_prefix('\\').unwrap_or(head).starts_with(tag)).then(|| digest(digits))?
    };
    let first = || {
        // A backslash says that the name has escapes in it.
        let (digits, _) = line.split_once(char::is_whitespace)?;
        digest(digits.strip_prefix('\\').unwrap_or(digits))
    };
    // Certificate dialogues show digests with blanks between the octets.
    let alone = || digest(line.split('#').next().unwrap_or_default().trim());
    tagged().or_else(first).or_else(alone)
}

/// The octets of a hexadecimal digest: MD5, SHA-1, SHA-256, SHA-384 or SHA-512.
fn digest(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b':' | b' ')).collect();
    if !matches!(digits.len(), 32 | 40 | 64 | 96 | 128) {
        return None;
    }
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    digits.chunks_exact(2).map(|pair| Some((value(*pair.first()?)? << 4) | value(*pair.get(1)?)?)).collect()
}
