//! Lists of files and certificates that somebody warns of, and of those that are known and wanted all the same.
//!
//! A list changes no verdict: what it names becomes a finding. Every list is turned into the same entries, found by the
//! octets of a hash or by issuer and serial number.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

mod kinds;

use super::LoadError;
use super::load::{read_limited, source_name};
use super::wdac::{DenyRules, HashOf};
use crate::crypto::DigestAlgorithm;
use crate::record::Severity;

/// All lists together may have this many entries; the largest public ones have a few ten thousand.
const MAX_ENTRIES: usize = 4_000_000;

/// Which kind of list a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListKind {
    /// One of sigscan's own: `type,value,name,reason,severity,reference`.
    Csv,
    /// One hash a line, of files or Authenticode digests (MD5, SHA-1, SHA-256); also as `sha256sum` and its kin write them.
    Hashes,
    /// LOLDrivers' `drivers.json`.
    LolDrivers,
    /// CertGraveyard's CSV of abused certificates.
    CertGraveyard,
    /// MalwareBazaar's code signing certificate block-list, CSV.
    Cscb,
    /// An App Control policy, XML: what it denies.
    Wdac,
}

impl ListKind {
    /// The names on the command line.
    pub const NAMES: [(&'static str, ListKind); 6] = [
        ("csv", ListKind::Csv),
        ("hashes", ListKind::Hashes),
        ("loldrivers", ListKind::LolDrivers),
        ("certgraveyard", ListKind::CertGraveyard),
        ("cscb", ListKind::Cscb),
        ("wdac", ListKind::Wdac),
    ];
}

/// By what something is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Named {
    /// Hash of the whole file.
    File,
    /// Authenticode digest of the file.
    Authentihash,
    /// Hash of the TBSCertificate of a certificate in the chain.
    Tbs,
    /// Hash of the signer's certificate.
    Thumbprint,
    /// Common name of the issuer, in lower case, and serial number of the signer's certificate.
    IssuerSerial,
}

impl Named {
    /// The word in evidence.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Named::File => "file",
            Named::Authentihash => "authentihash",
            Named::Tbs => "tbs",
            Named::Thumbprint => "thumbprint",
            Named::IssuerSerial => "issuer-serial",
        }
    }
}

/// What a list says of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListEntry {
    /// Name of the list's file, with the folder it was given by.
    pub list: String,
    /// What it is: a driver's or a malware family's name, a signer.
    pub name: String,
    /// Why it is listed.
    pub reason: String,
    /// How bad that is.
    pub severity: Severity,
    /// Where to read more.
    pub reference: String,
}

/// Lists, ready to be asked.
#[derive(Debug, Default)]
pub struct BlockLists {
    entries: Vec<ListEntry>,
    found_by: HashMap<(Named, Vec<u8>), usize>,
    /// Digests of files that are needed to find everything.
    wanted: BTreeSet<(HashOf, DigestAlgorithm)>,
    policies: Vec<Policy>,
    /// What was read, for a person.
    notes: Vec<String>,
}

/// An App Control policy among lists.
#[derive(Debug)]
pub struct Policy {
    /// Name of the policy's file, with the folder it was given by.
    pub list: String,
    /// What it denies.
    pub rules: DenyRules,
}

/// The key of [`Named::IssuerSerial`]: names compared without case, serial numbers without separators and leading zeros.
#[must_use]
pub fn issuer_serial_key(issuer: &str, serial: &str) -> Vec<u8> {
    let digits: String = serial.chars().filter(char::is_ascii_hexdigit).collect::<String>().to_ascii_uppercase();
    format!("{}\0{}", issuer.trim().to_lowercase(), digits.trim_start_matches('0')).into_bytes()
}

impl BlockLists {
    /// Reads lists.
    ///
    /// # Errors
    /// When a file cannot be read, is no such list, or names nothing, or when there are too many entries.
    pub fn load(lists: &[(ListKind, PathBuf)]) -> Result<BlockLists, LoadError> {
        BlockLists::load_up_to(MAX_ENTRIES, lists)
    }

    fn load_up_to(most: usize, lists: &[(ListKind, PathBuf)]) -> Result<BlockLists, LoadError> {
        let mut all = BlockLists::default();
        for (kind, path) in lists {
            let bytes = read_limited(path)?;
            let (before, entries) = (all.len(), all.entries.len());
            let name = source_name(path, path);
            all.read(*kind, &bytes, &name).map_err(|why| LoadError::Unreadable(path.clone(), why))?;
            if all.len() == before {
                return Err(LoadError::Unreadable(path.clone(), "no entry in it could be read".to_owned()));
            }
            let note = match all.policies.last().filter(|policy| *kind == ListKind::Wdac && policy.list == name) {
                Some(policy) => policy.rules.note(),
                None => entries_in_words(all.entries.len().saturating_sub(entries)),
            };
            all.notes.push(format!("{name}: {note}"));
            if all.len() > most {
                return Err(LoadError::TooMany(path.clone(), format!("lists may have {most} entries together")));
            }
        }
        Ok(all)
    }

    fn len(&self) -> usize {
        let rules = self.policies.iter().map(|policy| policy.rules.len()).sum::<usize>();
        self.found_by.len().saturating_add(rules)
    }

    /// Whether nothing is listed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// For each list its name, and how many entries it has or what of it is used.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The policies among the lists.
    #[must_use]
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// The digests by which a file may be listed; of an entry with several the strongest. Windows asks for the digest of a
    /// whole file only where it has no Authenticode digest.
    #[must_use]
    pub fn wanted(&self, of: HashOf, is_pe: bool) -> Vec<DigestAlgorithm> {
        let listed = self.wanted.iter().filter(|(wanted, _)| *wanted == of).map(|(_, algorithm)| *algorithm);
        let denied = self.policies.iter().flat_map(|policy| policy.rules.hash_algorithms().iter().copied());
        let denied = denied.filter(|_| (of == HashOf::File) != is_pe);
        listed.chain(denied).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Whether the version resource of a file is needed.
    #[must_use]
    pub fn name_attributes(&self) -> bool {
        self.policies.iter().any(|policy| policy.rules.name_attributes())
    }

    /// What is said of these octets.
    #[must_use]
    pub fn find(&self, by: Named, octets: &[u8]) -> Option<&ListEntry> {
        self.entries.get(*self.found_by.get(&(by, octets.to_vec()))?)
    }

    fn read(&mut self, kind: ListKind, bytes: &[u8], list: &str) -> Result<(), String> {
        match kind {
            ListKind::Csv => self.own(bytes, list),
            ListKind::Hashes => self.hashes(bytes, list),
            ListKind::LolDrivers => self.loldrivers(bytes, list),
            ListKind::CertGraveyard => self.certgraveyard(bytes, list),
            ListKind::Cscb => self.cscb(bytes, list),
            ListKind::Wdac => self.wdac(bytes, list),
        }
    }

    fn wdac(&mut self, bytes: &[u8], list: &str) -> Result<(), String> {
        let rules = DenyRules::read(bytes)?;
        if rules.is_empty() {
            return Err(format!("it denies nothing that can be looked for: {}", rules.note()));
        }
        self.policies.push(Policy { list: list.to_owned(), rules });
        Ok(())
    }

    /// Enters something under all its keys. What is listed twice keeps its first entry.
    fn add(&mut self, entry: ListEntry, keys: impl IntoIterator<Item = (Named, Vec<u8>)>) {
        let index = self.entries.len();
        let before = self.found_by.len();
        let mut strongest = [(HashOf::File, 0), (HashOf::Authentihash, 0)];
        for key in keys {
            let [file, authentihash] = &mut strongest;
            match key.0 {
                Named::File => file.1 = file.1.max(key.1.len()),
                Named::Authentihash => authentihash.1 = authentihash.1.max(key.1.len()),
                _ => {}
            }
            self.found_by.entry(key).or_insert(index);
        }
        let needed = strongest.into_iter().filter_map(|(of, length)| Some((of, algorithm_of(length)?)));
        self.wanted.extend(needed);
        if self.found_by.len() > before {
            self.entries.push(entry);
        }
    }
}

/// The algorithm of file digests of this length.
fn algorithm_of(length: usize) -> Option<DigestAlgorithm> {
    use DigestAlgorithm::{Md5, Sha1, Sha256, Sha384, Sha512};
    [Md5, Sha1, Sha256, Sha384, Sha512].into_iter().find(|algorithm| algorithm.output_len() == length)
}

fn entries_in_words(count: usize) -> String {
    if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") }
}

/// `KIND:PATH` as the command line has it.
///
/// # Errors
/// When the kind is not known or there is no path.
pub fn list_argument(text: &str) -> Result<(ListKind, PathBuf), String> {
    let known = || ListKind::NAMES.map(|(name, _)| name).join(", ");
    let (name, path) = text.split_once(':').ok_or_else(|| format!("KIND:PATH, where KIND is one of {}", known()))?;
    let kind = ListKind::NAMES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
    let kind = kind.ok_or_else(|| format!("no kind of list: {name:?}; one of {}", known()))?;
    if path.is_empty() { Err("there is no path".to_owned()) } else { Ok((kind, Path::new(path).to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: ListKind, text: &str) -> Result<BlockLists, String> {
        let mut lists = BlockLists::default();
        lists.read(kind, text.as_bytes(), "list").map(|()| lists)
    }

    #[test]
    fn lists_have_so_many_entries_together_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let list = |name: &str, digits: &[char]| {
            let path = folder.path().join(name);
            let lines: Vec<String> = digits.iter().map(|digit| digit.to_string().repeat(64)).collect();
            std::fs::write(&path, lines.join("\n")).unwrap();
            (ListKind::Hashes, path)
        };
        let lists = [list("a", &['1', '2']), list("b", &['3', '4'])];
        let most = BlockLists::load_up_to(usize::MAX, &lists).unwrap().len();
        assert!(BlockLists::load_up_to(most, &lists).is_ok());
        let refused = BlockLists::load_up_to(most - 1, &lists);
        assert!(matches!(refused, Err(LoadError::TooMany(path, _)) if path.ends_with("b")));
        assert_eq!(MAX_ENTRIES, 4_000_000);
    }

    #[test]
    fn an_own_list_names_by_every_kind_of_value() {
        let text = format!(
            "type,value,name,reason,severity,reference\nsha256,{},a,b,critical,c\nauthentihash,{},d,,,\n\
             issuer-serial,Some CA/00ab:CD:ef:01,e,f,low,\n",
            "ab".repeat(32),
            "CD".repeat(20)
        );
        let lists = read(ListKind::Csv, &text).unwrap();
        let first = lists.find(Named::File, &[0xab; 32]).unwrap();
        assert_eq!((first.name.as_str(), first.severity, first.reference.as_str()), ("a", Severity::Critical, "c"));
        assert_eq!(lists.find(Named::Authentihash, &[0xcd; 20]).unwrap().severity, Severity::High);
        assert_eq!(lists.find(Named::File, &[0xcd; 20]), None);
        let key = issuer_serial_key("SOME ca", "ABCDEF01");
        assert_eq!(lists.find(Named::IssuerSerial, &key).unwrap().name, "e");
        assert_eq!(
            read(ListKind::Csv, "type,value\nrumour,x\n").unwrap_err(),
            "line 2: \"rumour\" is no type of entry"
        );
        assert_eq!(
            read(ListKind::Csv, "type,value\ntbs,xyz\n").unwrap_err(),
            "line 2: \"xyz\" is no value of its type"
        );
    }

    #[test]
    fn public_lists_are_read_as_they_are_published() {
        let json = format!(
            r#"[{{"Id":"7","Category":"malicious","Tags":["evil.sys"],"KnownVulnerableSamples":[
                {{"Filename":"","SHA256":"{}","Authentihash":{{"SHA1":"{}","SHA256":""}},"Extra":1}},
                {{"SHA256":"{}","Filename":"x.sys"}}]}},{{"Id":"8","Category":"vulnerable driver"}}]"#,
            "01".repeat(32),
            "02".repeat(20),
            "03".repeat(32)
        );
        let lists = read(ListKind::LolDrivers, &json).unwrap();
        let found = lists.find(Named::Authentihash, &[2; 20]).unwrap();
        assert_eq!((found.name.as_str(), found.severity), ("evil.sys", Severity::Critical));
        assert_eq!(lists.find(Named::File, &[3; 32]).unwrap().name, "x.sys");

        let csv = format!(
            "Hash,Malware,Malware Type,Malware Notes,Signer,Issuer Short,Issuer,Serial,Thumbprint,Valid From,Valid To,\
             Country,State,Locality,Email,RDN Serial Number,TBS MD5,TBS SHA1,TBS SHA256,TBS SHA384\n\
             x,Rat,Stealer,,Shell Ltd,CA, Some CA,00a1b2c3d4,{},,,,,,,,,,{},\ny,,,,Other,CA,???,Not Specified,,,,,,,,,,,,\n",
            "04".repeat(20),
            "05".repeat(32)
        );
        let lists = read(ListKind::CertGraveyard, &csv).unwrap();
        for (by, key) in [
            (Named::Thumbprint, vec![4; 20]),
            (Named::Tbs, vec![5; 32]),
            (Named::IssuerSerial, issuer_serial_key("some ca", "A1B2C3D4")),
        ] {
            let found = lists.find(by, &key).unwrap();
            assert_eq!((found.name.as_str(), found.reason.as_str()), ("Shell Ltd", "Rat Stealer"));
        }
        assert_eq!(lists.entries.len(), 1, "placeholders name nothing");
        assert_eq!(read(ListKind::CertGraveyard, "a,b\n").err().unwrap(), "there is no column \"Signer\"");

        let csv = format!(
            "# MalwareBazaar\n\"2026-01-01\", \"a1b2c3d4e5\", \"{}\", \"SHA256\", \"Shell\", \"Some CA\", \"\", \"\", \"Rat\"\n",
            "06".repeat(32)
        );
        let lists = read(ListKind::Cscb, &csv).unwrap();
        assert_eq!(lists.find(Named::Thumbprint, &[6; 32]).unwrap().reason, "Rat");

        let lists = read(ListKind::Hashes, &format!("# drivers\n{}\n", "07".repeat(16))).unwrap();
        assert!(lists.find(Named::File, &[7; 16]).is_some() && lists.find(Named::Authentihash, &[7; 16]).is_some());
    }

    #[test]
    fn every_line_of_hashes_counts_or_is_refused() {
        let hash = |octet: u8| format!("{octet:02X}").repeat(32);
        let spaced = (0..20).map(|_| "0a").collect::<Vec<_>>().join(" ");
        let text = format!(
            "\u{feff}{}\r\n\n  # a comment\n{}  a file.exe\n{} *b.exe\n\\{}  c\\nd.exe\nSHA256 (e (1) = 2.exe) = {}\n\
             {} # why\n{}#why\n{}\tdeadbeefdeadbeefdeadbeef\n{spaced}\n{}\n",
            hash(1),
            hash(2),
            hash(3),
            hash(4),
            hash(5),
            hash(6),
            hash(7),
            "08".repeat(20),
            "0b:".repeat(16).trim_end_matches(':'),
        );
        let lists = read(ListKind::Hashes, &text).unwrap();
        for octet in 1..=7 {
            assert!(lists.find(Named::File, &[octet; 32]).is_some(), "{octet}");
        }
        assert!(lists.find(Named::File, &[8; 20]).is_some());
        assert!(lists.find(Named::Authentihash, &[10; 20]).is_some());
        assert!(lists.find(Named::Authentihash, &[11; 16]).is_some());
        assert_eq!(lists.entries.len(), 10);
        let good = hash(1);
        let bad =
            ["# sigscan\n\nIt tells the truth.", "deadbeef", "\"0101\"", &format!("{good}x"), &format!("x {good}")];
        for line in bad {
            let number = 2 + line.lines().count();
            assert_eq!(
                read(ListKind::Hashes, &format!("{good}\n#\n{line}\n")).unwrap_err(),
                format!("line {number} is no hash"),
                "{line}"
            );
        }
        let quoted = format!("\"{good}\"\n");
        assert_eq!(read(ListKind::Hashes, &quoted).unwrap_err(), "line 1 is no hash");
    }

    #[test]
    fn lists_say_how_much_they_hold() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list.txt");
        std::fs::write(&path, format!("{}\n{}\n", "01".repeat(32), "02".repeat(32))).unwrap();
        let lists = BlockLists::load(&[(ListKind::Hashes, path)]).unwrap();
        assert_eq!(lists.notes(), ["list.txt: 2 entries"]);
        assert_eq!(entries_in_words(1), "1 entry");
    }

    #[test]
    fn arguments_name_kind_and_path() {
        assert_eq!(list_argument("csv:a:b"), Ok((ListKind::Csv, PathBuf::from("a:b"))));
        assert!(list_argument("csv").is_err() && list_argument("yaml:a").is_err() && list_argument("csv:").is_err());
    }
}
