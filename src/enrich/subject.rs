//! Which file an event is about, and which digests it states.

use std::borrow::Cow;

use super::json::{Found, Object};
use super::machine::Machine;
use super::shapes::{FALCON_NAME, FALCON_PART, FILES, PARTS};
use super::stated::Stated;

/// What an event calls its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name<'e> {
    /// Nothing: digests alone say which file it is.
    None,
    /// This.
    Text(Cow<'e, str>),
    /// Something that cannot be read, so that nobody knows which file it is.
    Unreadable,
}

/// The file that an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject<'e> {
    /// Its name.
    pub name: Name<'e>,
    /// Digests that the event states.
    pub stated: Stated,
    /// The machine that it is of, where somebody asked for it.
    pub machine: Machine,
    /// The object that ECS has for such a file.
    pub ecs: &'static str,
}

impl<'e> Subject<'e> {
    /// A file with these digests.
    #[must_use]
    pub fn new(name: Name<'e>, stated: Stated, ecs: &'static str) -> Subject<'e> {
        Subject { name, stated, machine: Machine::Unsaid, ecs }
    }

    /// A file of which is known only that it has a name: digests beside that may be anything's.
    pub(super) fn unreadable(ecs: &'static str) -> Subject<'e> {
        Subject::new(Name::Unreadable, Stated::default(), ecs)
    }
}

/// What an event says of the file that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mention<'e> {
    /// Nothing: no field for it is there.
    Nothing,
    /// That it has none: a number, or true or false, stands where its name should be.
    NoFile,
    /// This.
    File(Subject<'e>),
}

/// Fields that somebody named instead of the known ones.
#[derive(Debug, Clone, Default)]
pub struct NamedFields {
    /// Fields with a file's name, the first that says anything counts.
    pub path: Vec<String>,
    /// Fields with digests.
    pub hash: Vec<String>,
}

/// The file that an event is about. The first field that says anything decides, whatever it says: an event that loads a
/// file names the process too, and whoever chooses the file's name must not choose that the process is judged instead.
#[must_use]
pub fn subject<'e>(event: &Object<'e>, fields: &NamedFields) -> Mention<'e> {
    let mention = if fields.path.is_empty() { known(event) } else { named(event, &fields.path) };
    if fields.hash.is_empty() {
        return mention;
    }
    let stated = Stated::of(fields.hash.iter().filter_map(|name| event.find(name)).map(|found| found.said()));
    match mention {
        Mention::File(Subject { name: name @ Name::Text(_), ecs, .. }) => {
            Mention::File(Subject::new(name, stated, ecs))
        }
        Mention::Nothing if !stated.hashes.is_empty() => Mention::File(Subject::new(Name::None, stated, "file")),
        other => other,
    }
}

/// What a field says of a file's name; `None` if that is nothing.
fn said<'e>(found: &Found<'e>, ecs: &'static str) -> Option<Mention<'e>> {
    match found.value.as_bytes().first() {
        Some(b'n') => None, // null
        Some(b'"') => match found.text() {
            Some(text) if text.is_empty() || text == "-" => None,
            Some(text) => Some(Mention::File(Subject::new(Name::Text(text), Stated::default(), ecs))),
            None => Some(Mention::File(Subject::unreadable(ecs))),
        },
        Some(b'[' | b'{') => Some(Mention::File(Subject::unreadable(ecs))),
        _ => Some(Mention::NoFile),
    }
}

/// Where fields may lie: in an object, or under keys that begin with the name of what would be one.
struct Container<'a, 'e> {
    object: Cow<'a, Object<'e>>,
    prefix: &'static str,
}

impl<'a, 'e> Container<'a, 'e> {
    fn find(event: &'a Object<'e>, name: &'static str) -> Option<Container<'a, 'e>> {
        if name.is_empty() {
            return Some(Container { object: Cow::Borrowed(event), prefix: "" });
        }
        let object = event.find(name).and_then(|found| found.object(event));
        match object {
            Some(object) => Some(Container { object: Cow::Owned(object), prefix: "" }),
            None => event.has_key_below(name).then_some(Container { object: Cow::Borrowed(event), prefix: name }),
        }
    }

    fn field(&self, name: &str) -> Option<Found<'e>> {
        if self.prefix.is_empty() {
            self.object.find(name)
        } else {
            self.object.find(&format!("{}.{name}", self.prefix))
        }
    }
}

fn named<'e>(event: &Object<'e>, names: &[String]) -> Mention<'e> {
    let ecs = |name: &str| match name.split('.').next() {
        Some("dll") => "dll",
        Some("process") => "process",
        _ => "file",
    };
    names.iter().find_map(|name| said(&event.find(name)?, ecs(name))).unwrap_or(Mention::Nothing)
}

fn known<'e>(event: &Object<'e>) -> Mention<'e> {
    let falcon = Some(FALCON_PART).filter(|_| event.find(FALCON_NAME).is_some());
    let names = std::iter::once("").chain(PARTS).chain(falcon);
    let containers: Vec<Container<'_, 'e>> = names.filter_map(|name| Container::find(event, name)).collect();
    let mention = FILES.iter().find_map(|row| {
        let places = if row.in_parts { containers.as_slice() } else { containers.get(..1).unwrap_or_default() };
        places.iter().find_map(|container| {
            let mention = said(&container.field(row.field)?, row.ecs)?;
            let Mention::File(Subject { name: Name::Text(mut name), .. }) = mention else { return Some(mention) };
            if row.field == "FilePath" && name.ends_with('\\') {
                // LogScale splits Falcon's names: the folder with its separator, and the file beside it.
                match container.field("FileName").and_then(|found| said(&found, row.ecs)) {
                    None => {}
                    Some(Mention::File(Subject { name: Name::Text(file), .. })) => name.to_mut().push_str(&file),
                    Some(_) => return Some(Mention::File(Subject::unreadable(row.ecs))),
                }
            }
            let stated = row.hashes.iter().filter_map(|field| container.field(field)).map(|found| found.said());
            Some(Mention::File(Subject::new(Name::Text(name), Stated::of(stated), row.ecs)))
        })
    });
    mention.unwrap_or(Mention::Nothing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<(String, usize, &'static str)> {
        match subject(&Object::parse(text.as_bytes()).unwrap(), &NamedFields::default()) {
            Mention::File(Subject { name: Name::Text(name), stated, ecs, .. }) => {
                Some((name.into_owned(), stated.hashes.len(), ecs))
            }
            Mention::File(other) => panic!("{other:?}"),
            Mention::NoFile | Mention::Nothing => None,
        }
    }

    #[test]
    fn events_of_each_shipper_are_understood() {
        let hashes = format!(
            "SHA1={},MD5={},SHA256={},IMPHASH={}",
            "a".repeat(40),
            "B".repeat(32),
            "c".repeat(64),
            "d".repeat(32)
        );
        let sysmon = format!(r#"{{"Image":"C:\\p.exe","ImageLoaded":"C:\\l.dll","Hashes":"{hashes}"}}"#);
        let wrapped = [
            sysmon.clone(),
            format!(r#"{{"Event":{{"System":{{"EventID":7}},"EventData":{sysmon}}}}}"#),
            format!(r#"{{"EventData":{sysmon}}}"#),
            format!(r#"{{"winlog":{{"event_id":"7","event_data":{sysmon}}}}}"#),
            sysmon.replace("\"Image", "\"winlog.event_data.Image").replace("\"Hashes", "\"winlog.event_data.Hashes"),
        ];
        for (index, event) in wrapped.iter().enumerate() {
            assert_eq!(found(event), Some((r"C:\l.dll".to_owned(), 3, "dll")), "{index} {event}");
        }
        let cases = [
            (r#"{"EventData":{"NewProcessName":"C:\\n.exe","ProcessId":"0x1"}}"#, (r"C:\n.exe", 0, "process")),
            (r#"{"dll":{"path":"C:\\d.dll"},"process":{"executable":"C:\\p.exe"}}"#, (r"C:\d.dll", 0, "dll")),
            (r#"{"file.path":"/bin/ls","file.hash.md5":"0123456789abcdef0123456789abcdef"}"#, ("/bin/ls", 1, "file")),
            (
                r#"{"process":{"executable":"C:\\p.exe","hash":{"sha1":"0123456789abcdef0123456789abcdef01234567"}}}"#,
                (r"C:\p.exe", 1, "process"),
            ),
            (
                r#"{"event":{"event_simpleName":"PeFileWritten","TargetFileName":"C:\\t.exe"},"metadata":{}}"#,
                (r"C:\t.exe", 0, "file"),
            ),
            (
                r#"{"event_simpleName":"ProcessRollup2","ImageFileName":"\\Device\\HarddiskVolume3\\x.exe","SHA1HashData":"0000000000000000000000000000000000000000"}"#,
                (r"\Device\HarddiskVolume3\x.exe", 0, "process"),
            ),
            (
                r##"{"#event_simpleName":"ImageHash","FilePath":"\\Device\\HarddiskVolume3\\W\\","FileName":"x.dll"}"##,
                (r"\Device\HarddiskVolume3\W\x.dll", 0, "file"),
            ),
            (r#"{"FilePath":"C:\\W\\x.dll","FileName":"x.dll"}"#, (r"C:\W\x.dll", 0, "file")),
        ];
        for (event, (name, hashes, ecs)) in cases {
            assert_eq!(found(event), Some((name.to_owned(), hashes, ecs)), "{event}");
        }
        assert_eq!(found(r#"{"message":"C:\\x.exe","ImageLoaded":7}"#), None);
    }

    /// Each of these names a file that nobody can read, or none, and the process beside it is never meant.
    #[test]
    fn a_name_that_cannot_be_read_lets_no_other_field_speak() {
        let digest = "a".repeat(40);
        let fields = |path: &[&str], hash: &[&str]| NamedFields {
            path: path.iter().map(|name| (*name).to_owned()).collect(),
            hash: hash.iter().map(|name| (*name).to_owned()).collect(),
        };
        let known = fields(&[], &[]);
        let named = fields(&["file.path", "dll.path", "Image"], &["Hashes"]);
        let mention =
            |event: &str, fields: &NamedFields| match subject(&Object::parse(event.as_bytes()).unwrap(), fields) {
                Mention::File(Subject { name: Name::Text(name), stated, .. }) => {
                    format!("{name} {}", stated.hashes.len())
                }
                Mention::File(Subject { name, stated, ecs, .. }) => format!("{name:?} {} {ecs}", stated.hashes.len()),
                other => format!("{other:?}"),
            };
        let unreadable = [r#""C:\\x\ud800.dll""#, r#""\udc00""#, r#"["C:\\b.dll"]"#, "[]", "{}", r#"{"path":"C:\\b"}"#];
        let beside = format!(r#""Image":"C:\\p.exe","process":{{"executable":"C:\\p.exe"}},"Hashes":"{digest}""#);
        for value in unreadable {
            for (field, ecs) in [("ImageLoaded", "dll"), ("TargetFilename", "file"), ("dll.path", "dll")] {
                let event = format!(r#"{{"{field}":{value},{beside}}}"#);
                assert_eq!(mention(&event, &known), format!("Unreadable 0 {ecs}"), "{event}");
                let parts = format!(r#"{{"EventData":{event},{beside}}}"#);
                let wanted = if field == "dll.path" { r"C:\p.exe 0".to_owned() } else { format!("Unreadable 0 {ecs}") };
                assert_eq!(mention(&parts, &known), wanted, "{parts}");
            }
            let event = format!(r#"{{"dll":{{"path":{value}}},{beside}}}"#);
            assert_eq!(mention(&event, &known), "Unreadable 0 dll", "{event}");
            assert_eq!(mention(&event, &named), "Unreadable 0 dll", "{event}");
            let split = format!(r#"{{"FilePath":"C:\\W\\","FileName":{value}}}"#);
            assert_eq!(mention(&split, &known), "Unreadable 0 file", "{split}");
        }
        for value in ["7", "-1.5e3", "true", "false"] {
            let event = format!(r#"{{"dll":{{"path":{value}}},{beside}}}"#);
            assert_eq!((mention(&event, &known), mention(&event, &named)), ("NoFile".to_owned(), "NoFile".to_owned()));
        }
        for value in ["null", r#""""#, r#""-""#] {
            let event = format!(r#"{{"dll":{{"path":{value}}},"ImageLoaded":{value},{beside}}}"#);
            assert_eq!(
                (mention(&event, &known), mention(&event, &named)),
                (r"C:\p.exe 0".to_owned(), r"C:\p.exe 1".to_owned())
            );
        }
        assert_eq!(mention(&format!(r#"{{"Hashes":"{digest}"}}"#), &named), "None 1 file");
        assert_eq!(mention(r#"{"x":1}"#, &named), "Nothing");
    }
}
