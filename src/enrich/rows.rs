//! Tables of events: a row in, the same row with cells added or filled out.
//!
//! `csv` adds columns behind those of the table, named like the target field with a dot before each. `splunk-lookup` adds
//! nothing and fills the empty cells of the columns that it knows, as Splunk asks of the programs behind its external
//! lookups. Source: Splunk Enterprise, "Configure external lookups"; transforms.conf, `external_cmd`.

use std::borrow::Cow;

use super::csv::{Row, cell};
use super::fields::{Written, columns, is_least};
use super::line::{Enricher, Protocol, count};
use super::machine::Machine;
use super::shapes::{FILES, HOST, PARTS, TABLE_FILES, TABLE_HASHES, TABLE_HOSTS};
use super::stated::Stated;
use super::subject::{Name, NamedFields, Subject};

/// What the first row of a table says.
#[derive(Debug)]
pub(super) struct Columns {
    /// Columns of the table.
    width: usize,
    /// Where files are named, with the columns that state their digests; the first that says anything counts.
    files: Vec<(usize, Vec<usize>)>,
    /// Columns whose digests count where no file is named.
    hashes: Vec<usize>,
    /// Columns that name the machine; the first that says anything counts.
    hosts: Vec<usize>,
    /// For each column of the table, which of [`columns`] goes there.
    places: Vec<Option<usize>>,
    /// Which of [`columns`] are added behind.
    added: Vec<usize>,
}

impl Columns {
    /// Reads the first row, without its line end.
    pub(super) fn of(header: &[u8], fields: &NamedFields, protocol: Protocol, target: &str) -> Columns {
        let row = Row::header(header);
        let names: Vec<String> =
            (0..row.len()).map(|column| row.text(column).unwrap_or_default().trim().to_owned()).collect();
        let named = |name: &str| names.iter().position(|column| column == name);
        let all = |wanted: &[String]| wanted.iter().filter_map(|name| named(name)).collect::<Vec<_>>();
        let mut files: Vec<(usize, Vec<usize>)> = match fields.path.as_slice() {
            [] => known(&named),
            paths => all(paths).into_iter().map(|column| (column, Vec::new())).collect(),
        };
        let hashes = match fields.hash.as_slice() {
            [] => TABLE_HASHES.iter().filter_map(|name| named(name)).collect(),
            hashes => all(hashes),
        };
        if !fields.hash.is_empty() {
            files.iter_mut().for_each(|(_, own)| own.clone_from(&hashes));
        }
        let hosts = HOST.iter().chain(&TABLE_HOSTS).filter_map(|name| named(name)).collect();
        let ours: Vec<String> = columns()
            .map(|name| if protocol == Protocol::Csv { format!("{target}.{name}") } else { name.to_owned() })
            .collect();
        let places: Vec<Option<usize>> =
            names.iter().map(|name| ours.iter().position(|column| column == name)).collect();
        let added = match protocol {
            Protocol::Csv => (0..ours.len()).filter(|column| !places.contains(&Some(*column))).collect(),
            _ => Vec::new(),
        };
        Columns { width: names.len(), files, hashes, hosts, places, added }
    }

    fn subject<'r>(&self, row: &Row<'r>) -> Option<Subject<'r>> {
        let says = |text: &Cow<'_, str>| !text.is_empty() && text != "-";
        let stated = |columns: &[usize]| Stated::of(columns.iter().map(|column| Some(row.text(*column))));
        // What is not UTF-8 says something that cannot be read.
        let mut cells = self.files.iter().map(|(column, hashes)| (row.text(*column), hashes));
        let (name, stated) = match cells.find(|(cell, _)| cell.as_ref().is_none_or(says)) {
            Some((Some(name), hashes)) => (Name::Text(name), stated(hashes)),
            Some((None, _)) => return Some(Subject::unreadable("file")),
            None => (Name::None, stated(&self.hashes)),
        };
        let found = name != Name::None || !stated.hashes.is_empty();
        found.then(|| Subject { machine: self.machine(row), ..Subject::new(name, stated, "file") })
    }

    fn machine(&self, row: &Row<'_>) -> Machine {
        let said = |column: &usize| row.text(*column).map_or(Some(Machine::Unreadable), |text| Machine::called(&text));
        self.hosts.iter().find_map(said).unwrap_or_default()
    }
}

/// Columns that are known to name files, under the names that they have in objects with dots between levels.
fn known(named: &dyn Fn(&str) -> Option<usize>) -> Vec<(usize, Vec<usize>)> {
    let mut found = Vec::new();
    for row in FILES.iter().chain(&TABLE_FILES) {
        let parts = PARTS.iter().filter(|_| row.in_parts).map(|part| format!("{part}."));
        for part in std::iter::once(String::new()).chain(parts) {
            let column = |name: &str| named(&format!("{part}{name}"));
            found.extend(
                column(row.field).map(|file| (file, row.hashes.iter().filter_map(|hash| column(hash)).collect())),
            );
        }
    }
    found
}

impl Enricher {
    /// Takes in the first row of a table, with its line end if it has one.
    pub(super) fn learn_header(&self, line: &[u8]) {
        let header = line.strip_suffix(b"\n").unwrap_or(line);
        let header = header.strip_suffix(b"\r").unwrap_or(header);
        // Only the first can be the first.
        let _ = self.columns.set(Columns::of(header, &self.fields, self.protocol, &self.target));
    }

    /// Appends what becomes of the first row.
    pub(super) fn header(&self, line: &[u8], out: &mut Vec<u8>) {
        let end = line_end(line);
        let header = line.get(..line.len().saturating_sub(end.len())).unwrap_or_default();
        out.extend_from_slice(header);
        let added = self.columns.get().map(|columns| columns.added.as_slice()).unwrap_or_default();
        let names: Vec<&str> = columns().collect();
        for name in added.iter().filter_map(|column| names.get(*column)) {
            out.push(b',');
            out.extend_from_slice(cell(&format!("{}.{name}", self.target)).as_bytes());
        }
        out.extend_from_slice(end);
    }

    /// Appends what becomes of a row, which has no line feed.
    pub(super) fn row(&self, line: &[u8], out: &mut Vec<u8>, buffer: &mut Vec<u8>) {
        let (text, end) = line.strip_suffix(b"\r").map_or((line, &b""[..]), |text| (text, b"\r"));
        let row = Row::of(text);
        let Some(columns) = self.columns.get().filter(|_| row.is_closed()) else {
            count(&self.counts.malformed);
            return out.extend_from_slice(line);
        };
        if row.len() > columns.width {
            count(&self.counts.malformed);
            self.disowned_row(&row, columns, out);
            return out.extend_from_slice(end);
        }
        let verdict = (!row.is_empty()).then(|| columns.subject(&row)).flatten();
        let verdict = verdict.map(|subject| self.judged(&subject, buffer));
        let cells = match verdict.as_deref().map(|verdict| &verdict.text) {
            Some(Written::Cells(cells)) => cells.as_slice(),
            _ => {
                count(&self.counts.without_file);
                &[]
            }
        };
        let start = out.len();
        // The line feed is not here; a carriage return still comes.
        let fits = |out: &Vec<u8>| self.fits(out.len().saturating_sub(start).saturating_add(end.len()));
        // A lookup without a verdict stays as it was; a table has columns of ours, old ones or new ones.
        if row.is_empty() || (cells.is_empty() && self.protocol != Protocol::Csv) {
            out.extend_from_slice(text);
        } else {
            self.filled(&row, columns, cells, out);
            if !fits(out) {
                out.truncate(start);
                self.filled(&row, columns, &least(cells), out);
            }
            if !fits(out) {
                count(&self.counts.no_room);
                out.truncate(start);
                self.disowned_row(&row, columns, out);
            }
        }
        out.extend_from_slice(end);
    }

    /// A row that gets nothing: as it was, but for what it says in columns of ours, where they are not somebody's lookup.
    fn disowned_row(&self, row: &Row<'_>, columns: &Columns, out: &mut Vec<u8>) {
        for column in 0..row.len() {
            if column > 0 {
                out.push(b',');
            }
            let ours = self.protocol == Protocol::Csv && columns.places.get(column).is_some_and(Option::is_some);
            out.extend_from_slice(if ours { b"" } else { row.raw(column) });
        }
    }

    /// The row with these cells, or none, in their places.
    fn filled(&self, row: &Row<'_>, columns: &Columns, cells: &[String], out: &mut Vec<u8>) {
        let overwrite = self.protocol == Protocol::Csv;
        for (column, place) in columns.places.iter().enumerate() {
            if column > 0 {
                out.push(b',');
            }
            let own = row.raw(column);
            let ours = place.map(|place| cells.get(place).map(String::as_bytes).unwrap_or_default());
            out.extend_from_slice(match ours {
                // In a column of ours nobody else has a say.
                Some(ours) if overwrite || own.is_empty() || own == b"\"\"" => ours,
                _ => own,
            });
        }
        for column in &columns.added {
            out.push(b',');
            out.extend_from_slice(cells.get(*column).map(String::as_bytes).unwrap_or_default());
        }
    }
}

/// The status and its reason alone.
fn least(cells: &[String]) -> Vec<String> {
    let kept = columns().zip(cells);
    kept.map(|(name, cell)| if is_least(name) { cell.clone() } else { String::new() }).collect()
}

fn line_end(line: &[u8]) -> &[u8] {
    match line {
        [.., b'\r', b'\n'] => b"\r\n",
        [.., b'\n'] => b"\n",
        _ => b"",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns_of(header: &str, path: &[&str], hash: &[&str]) -> Columns {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let fields = NamedFields { path: names(path), hash: names(hash) };
        Columns::of(header.as_bytes(), &fields, Protocol::SplunkLookup, "sigscan")
    }

    fn found(columns: &Columns, row: &str) -> Option<(Option<String>, usize)> {
        let subject = columns.subject(&Row::of(row.as_bytes()))?;
        let name = match subject.name {
            Name::Text(name) => Some(name.into_owned()),
            Name::None => None,
            Name::Unreadable => panic!("{row}"),
        };
        Some((name, subject.stated.hashes.len()))
    }

    #[test]
    fn columns_are_found_by_the_names_that_fields_have() {
        let digest = "ab".repeat(32);
        let (a, b) = (r"C:\a.exe", r"C:\b.dll");
        let sysmon = columns_of("\u{feff}Image ,\"ImageLoaded\",Hashes,status", &[], &[]);
        assert_eq!(found(&sysmon, &format!("{a},{b},SHA256={digest},")), Some((Some(b.to_owned()), 1)));
        assert_eq!(found(&sysmon, &format!("{a},-,")), Some((Some(a.to_owned()), 0)));
        assert_eq!(found(&sysmon, &format!(",,{digest}")), Some((None, 1)));
        assert_eq!(found(&sysmon, ",,x"), None);
        assert_eq!(sysmon.places, [None, None, None, Some(0)]);
        let flat = columns_of("x,winlog.event_data.ImageLoaded,winlog.event_data.Hashes", &[], &[]);
        assert_eq!(found(&flat, &format!("1,{b},MD5={}", "cd".repeat(16))), Some((Some(b.to_owned()), 1)));
        let splunk = columns_of("file_path,file_hash", &[], &[]);
        assert_eq!(found(&splunk, &format!("\"{a}\",{digest}")), Some((Some(a.to_owned()), 1)));
        let named = columns_of("path,where,digest,sha256", &["where"], &["digest"]);
        assert_eq!(found(&named, &format!("{a},{b},{digest},{digest}")), Some((Some(b.to_owned()), 1)));
        assert_eq!(found(&named, &format!("{a},,,{digest}")), None);
    }

    #[test]
    fn a_row_is_of_the_machine_that_its_columns_name() {
        let columns = columns_of("dest,path,ComputerName,sha256", &[], &[]);
        let machine = |row: &[u8]| columns.subject(&Row::of(row)).unwrap().machine;
        let named = |name: &str| Machine::Named(name.to_owned());
        assert_eq!(machine(b"A,x,B,"), named("B"));
        assert_eq!(machine(b"A,x,-,"), named("A"));
        assert_eq!(machine(b",x,,"), Machine::Unsaid);
        assert_eq!(machine(b"A,x,\xff,"), Machine::Unreadable);
    }

    #[test]
    fn a_cell_that_cannot_be_read_lets_no_other_column_speak() {
        let digest = "ab".repeat(32);
        let row = [b"C:\\p.exe,C:\\\xff.dll,", digest.as_bytes()].concat();
        let unreadable = Some(Subject::unreadable("file"));
        for columns in [
            columns_of("Image,ImageLoaded,sha256", &[], &[]),
            columns_of("Image,x,sha256", &["x", "Image"], &["sha256"]),
        ] {
            assert_eq!(columns.subject(&Row::of(&row)), unreadable);
            let other = row.strip_prefix(b"C:\\p.exe").unwrap();
            assert_eq!(columns.subject(&Row::of(other)), unreadable);
        }
        // A column that names no file may hold anything.
        let columns = columns_of("Image,x,sha256", &[], &[]);
        let found = columns.subject(&Row::of(&row)).unwrap();
        assert_eq!((found.name, found.stated.hashes.len()), (Name::Text(Cow::Borrowed(r"C:\p.exe")), 0));
    }
}
