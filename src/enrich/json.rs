//! The text of a JSON object, read without changing it: where members lie, and the same text with members added.
//!
//! Events go through byte for byte, so that numbers of any size, the order of keys and blanks survive. Nothing here
//! recurses: depth is a counter and a stack of bits. Grammar: RFC 8259.

use std::borrow::Cow;
use std::ops::Range;

/// Deepest nesting that is read; a deeper text counts as no JSON object.
pub const MAX_DEPTH: usize = 512;

/// One member of an object, as ranges of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    /// The key with its quotes.
    key: Range<usize>,
    value: Range<usize>,
}

/// A JSON object within a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object<'t> {
    text: &'t str,
    members: Vec<Member>,
    /// Where the closing brace is.
    end: usize,
}

impl<'t> Object<'t> {
    /// The object that a line holds, blanks around it allowed; `None` if the line is anything else.
    #[must_use]
    pub fn parse(line: &'t [u8]) -> Option<Object<'t>> {
        Object::within(std::str::from_utf8(line).ok()?, 0)
    }

    /// The object that fills `text` from `at`.
    fn within(text: &'t str, at: usize) -> Option<Object<'t>> {
        let mut cursor = Cursor { bytes: text.as_bytes(), at };
        let (members, end) = cursor.object()?;
        cursor.blanks();
        (cursor.at == text.len()).then_some(Object { text, members, end })
    }

    /// The member object of this name.
    fn object(&self, member: &Member) -> Option<Object<'t>> {
        let text = self.text.get(..member.value.end)?;
        Object::within(text, member.value.start)
    }

    fn key(&self, member: &Member) -> Cow<'t, str> {
        let quoted = self.text.get(member.key.clone()).unwrap_or_default();
        unquoted(quoted).unwrap_or(Cow::Borrowed(""))
    }

    /// Whether a member has this name. Only what is longer than the name can be an escaped form of it.
    fn is_called(&self, member: &Member, name: &str) -> bool {
        let quoted = self.text.get(member.key.clone()).unwrap_or_default();
        let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
        inner == name || (inner.len() > name.len() && inner.contains('\\') && self.key(member) == name)
    }

    /// Whether a member's name is `name`, a dot and more.
    fn is_part_of(&self, member: &Member, name: &str) -> bool {
        let within = |key: &str| key.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
        let quoted = self.text.get(member.key.clone()).unwrap_or_default();
        within(quoted.get(1..).unwrap_or_default()) || (quoted.contains('\\') && within(&self.key(member)))
    }

    fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().rev().find(|member| self.is_called(member, name))
    }

    /// A field by its name: the key itself, else keys of nested objects joined with dots, the shortest first.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Found<'t>> {
        if let Some(value) = self.value(name) {
            return Some(Found { value });
        }
        if !name.contains('.') {
            return None;
        }
        let mut places = vec![(Cow::Borrowed(self), 0usize)];
        // Each turn goes one dot further, so there are at most as many as dots, for each way to split the name.
        for _ in 0..MAX_STEPS {
            let (object, from) = places.pop()?;
            let rest = name.get(from..)?;
            if let Some(member) = object.member(rest) {
                let value = object.text.get(member.value.clone())?;
                return Some(Found { value });
            }
            for (dot, _) in rest.match_indices('.').collect::<Vec<_>>().into_iter().rev() {
                let inner = rest.get(..dot).and_then(|head| object.member(head)).and_then(|found| object.object(found));
                places.extend(inner.map(|inner| (Cow::Owned(inner), from.saturating_add(dot).saturating_add(1))));
            }
        }
        None
    }

    /// Whether a key begins with `name` and a dot.
    #[must_use]
    pub fn has_key_below(&self, name: &str) -> bool {
        let below = |key: &str| key.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
        self.members.iter().any(|member| below(&self.key(member)))
    }

    /// The text of a field, if that is a string that is not empty.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<Cow<'t, str>> {
        self.find(name).and_then(|found| found.text()).filter(|text| !text.is_empty())
    }

    /// The value of the member of exactly this name; the last, as most readers have it.
    pub(super) fn value(&self, name: &str) -> Option<&'t str> {
        self.member(name).and_then(|member| self.text.get(member.value.clone()))
    }

    /// The same as an object, if it is one.
    pub(super) fn inner(&self, name: &str) -> Option<Object<'t>> {
        self.member(name).and_then(|member| self.object(member))
    }

    /// Where the values of all members of this name stand in the text.
    pub(super) fn values(&self, name: &str) -> Vec<Range<usize>> {
        let named = self.members.iter().filter(|member| self.is_called(member, name));
        named.map(|member| member.value.clone()).collect()
    }

    /// Where the values of members stand that name a part of this one with a dot: to whoever flattens objects, as
    /// Elasticsearch does, `a.b` beside `a` is the same field.
    pub(super) fn parts(&self, name: &str) -> Vec<Range<usize>> {
        let named = self.members.iter().filter(|member| self.is_part_of(member, name));
        named.map(|member| member.value.clone()).collect()
    }

    /// Members, each with its key as it is written and null, that take away what parts of this one say where objects are
    /// merged member by member.
    pub(super) fn parts_taken_back(&self, name: &str) -> String {
        let parts = self.members.iter().filter(|member| self.is_part_of(member, name));
        let keys = parts.filter_map(|member| self.text.get(member.key.clone()));
        keys.flat_map(|key| [",", key, ":null"]).collect()
    }

    /// The text with null for everything that members of this name and parts of it say; `None` where there are none.
    #[must_use]
    pub fn without(&self, name: &str) -> Option<String> {
        let mut places = self.values(name);
        places.extend(self.parts(name));
        places.sort_by_key(|place| place.start);
        let (mut out, mut from) = (String::with_capacity(self.text.len()), 0usize);
        for place in &places {
            out.push_str(self.text.get(from..place.start).unwrap_or_default());
            out.push_str("null");
            from = place.end;
        }
        out.push_str(self.text.get(from..).unwrap_or_default());
        (!places.is_empty()).then_some(out)
    }

    /// Whether it has no members.
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Where its closing brace stands in the text: behind the last member, if there is one.
    pub(super) fn end(&self) -> usize {
        self.end
    }

    /// The text that holds it.
    pub(super) fn whole(&self) -> &'t str {
        self.text
    }

    /// The text with a member added to the object itself; members of that name give way wherever they are, and those that
    /// name a part of it with a dot become null, so that nobody who writes events can also write a verdict.
    #[must_use]
    pub fn with_member(&self, name: &str, value: &str) -> String {
        let mut out = String::with_capacity(self.text.len().saturating_add(value.len()).saturating_add(64));
        let mut from = 0usize;
        let mut replaced = false;
        for member in &self.members {
            let ours = self.is_called(member, name);
            if !ours && !self.is_part_of(member, name) {
                continue;
            }
            out.push_str(self.text.get(from..member.value.start).unwrap_or_default());
            out.push_str(if ours { value } else { "null" });
            from = member.value.end;
            replaced |= ours;
        }
        if !replaced {
            out.push_str(self.text.get(from..self.end).unwrap_or_default());
            push_member(&mut out, self.members.is_empty(), name, value);
            from = self.end;
        }
        out.push_str(self.text.get(from..).unwrap_or_default());
        out
    }
}

/// Ways to split one dotted name that are tried.
const MAX_STEPS: usize = 64;

/// A field that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<'t> {
    /// Its value as JSON.
    pub value: &'t str,
}

impl<'t> Found<'t> {
    /// The value as an object of the same text, if it is one.
    #[must_use]
    pub fn object(&self, whole: &Object<'t>) -> Option<Object<'t>> {
        let start = (self.value.as_ptr() as usize).checked_sub(whole.text.as_ptr() as usize)?;
        let text = whole.text.get(..start.checked_add(self.value.len())?)?;
        Object::within(text, start)
    }

    /// What the value says: nothing if it is null, and nothing that can be read if it is anything but a string.
    #[must_use]
    pub fn said(&self) -> Option<Option<Cow<'t, str>>> {
        (self.value != "null").then(|| self.text())
    }

    /// The value, if it is a string.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'t, str>> {
        unquoted(self.value)
    }
}

fn push_member(out: &mut String, first: bool, name: &str, value: &str) {
    if !first {
        out.push(',');
    }
    out.push_str(&quoted(name));
    out.push(':');
    out.push_str(value);
}

/// A JSON string.
#[must_use]
pub fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// What a JSON string says; halves of surrogate pairs that stand alone make it unreadable.
fn unquoted(json: &str) -> Option<Cow<'_, str>> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') { serde_json::from_str(json).ok().map(Cow::Owned) } else { Some(Cow::Borrowed(inner)) }
}

struct Cursor<'t> {
    bytes: &'t [u8],
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn step(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.step())
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.step();
        }
    }

    /// An object and its members; where its closing brace is.
    fn object(&mut self) -> Option<(Vec<Member>, usize)> {
        self.blanks();
        self.take(b'{')?;
        self.blanks();
        let mut members = Vec::new();
        if self.peek()? == b'}' {
            let end = self.at;
            self.step();
            return Some((members, end));
        }
        loop {
            self.blanks();
            let key = self.string()?;
            self.blanks();
            self.take(b':')?;
            self.blanks();
            let start = self.at;
            self.value()?;
            members.push(Member { key, value: start..self.at });
            self.blanks();
            let end = self.at;
            match self.peek()? {
                b',' => self.step(),
                b'}' => {
                    self.step();
                    return Some((members, end));
                }
                _ => return None,
            }
        }
    }

    /// Passes over one value of any kind.
    fn value(&mut self) -> Option<()> {
        let mut open: Vec<u8> = Vec::new();
        loop {
            self.blanks();
            match self.peek()? {
                bracket @ (b'{' | b'[') if open.len() < MAX_DEPTH => {
                    self.step();
                    self.blanks();
                    let close = if bracket == b'{' { b'}' } else { b']' };
                    if self.peek()? != close {
                        open.push(close);
                        if close == b'}' {
                            self.key()?;
                        }
                        continue;
                    }
                    self.step();
                }
                b'"' => {
                    self.string()?;
                }
                b't' => self.word(b"true")?,
                b'f' => self.word(b"false")?,
                b'n' => self.word(b"null")?,
                b'-' | b'0'..=b'9' => self.number()?,
                _ => return None,
            }
            // A value has ended: so may the brackets around it.
            loop {
                let Some(close) = open.last().copied() else { return Some(()) };
                self.blanks();
                match self.peek()? {
                    b',' => {
                        self.step();
                        if close == b'}' {
                            self.key()?;
                        }
                        break;
                    }
                    byte if byte == close => {
                        self.step();
                        open.pop();
                    }
                    _ => return None,
                }
            }
        }
    }

    fn key(&mut self) -> Option<()> {
        self.blanks();
        self.string()?;
        self.blanks();
        self.take(b':')
    }

    fn string(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        self.take(b'"')?;
        loop {
            match self.peek()? {
                b'"' => {
                    self.step();
                    return Some(start..self.at);
                }
                b'\\' => {
                    self.step();
                    match self.peek()? {
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.step(),
                        b'u' => {
                            let digits = self.bytes.get(self.at.saturating_add(1)..self.at.saturating_add(5))?;
                            if !digits.iter().all(u8::is_ascii_hexdigit) {
                                return None;
                            }
                            self.at = self.at.saturating_add(5);
                        }
                        _ => return None,
                    }
                }
                0..=0x1f => return None,
                _ => self.step(),
            }
        }
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.bytes.get(self.at..)?.starts_with(word).then(|| self.at = self.at.saturating_add(word.len()))
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.step();
        }
        (self.at > start).then_some(())
    }

    fn number(&mut self) -> Option<()> {
        let _ = self.take(b'-');
        if self.take(b'0').is_none() {
            self.digits()?;
        }
        if self.take(b'.').is_some() {
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.step();
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.step();
            }
            self.digits()?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(text: &str) -> Object<'_> {
        Object::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn what_is_an_object_is_what_serde_says() {
        let good = [
            "{}",
            " { } ",
            "{\"a\":1}\r",
            "{\"a\":[1,{\"b\":[]},[[]]],\"c\":{\"d\":{}}}",
            "{\"\":null,\"b\":true,\"c\":false}",
            "{\"a\":-0.5e+10,\"b\":123456789012345678901234567890}",
            "{\"a\":\"\\u00e4\\n\\\"}\"}",
            "{\"ä\":\"😀\"}",
            "{\"a\":1,\"a\":2}",
        ];
        let bad = [
            "",
            " ",
            "[]",
            "1",
            "\"a\"",
            "{",
            "}",
            "{}{}",
            "{}x",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{,}",
            "{\"a\":01}",
            "{\"a\":1.}",
            "{\"a\":+1}",
            "{\"a\":.5}",
            "{\"a\":1e}",
            "{\"a\":tru}",
            "{\"a\":[1,]}",
            "{\"a\":[1}",
            "{\"a\":{]}",
            "{\"a\":\"\u{1}\"}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\\u12g4\"}",
            "{a:1}",
            "{'a':1}",
            "{\"a\":1 \"b\":2}",
            "{\"a\":\"",
            "{\"a\":{\"b\" 1}}",
            "{\"a\":{\"b\":1,}}",
            "{\"a\":NaN}",
            "\u{feff}{}",
        ];
        for text in good {
            assert!(Object::parse(text.as_bytes()).is_some(), "{text}");
            assert!(serde_json::from_str::<serde_json::Value>(text).is_ok(), "{text}");
        }
        for text in bad {
            assert!(Object::parse(text.as_bytes()).is_none(), "{text}");
        }
        assert!(Object::parse(b"{\"a\":\"\xff\"}").is_none());
        let deep = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(Object::parse(deep(MAX_DEPTH).as_bytes()).is_some());
        assert!(Object::parse(deep(MAX_DEPTH + 1).as_bytes()).is_none());
        assert!(Object::parse(deep(1_000_000).as_bytes()).is_none());
    }

    #[test]
    fn fields_are_found_flat_and_nested() {
        let event =
            object(r#"{"a.b":"flat","a":{"b":"nested","c":{"d":"deep"},"e.f":"mixed"},"n":1,"\u0061x":"esc\\aped"}"#);
        let text = |name: &str| event.text(name).map(Cow::into_owned);
        assert_eq!(text("a.b").as_deref(), Some("flat"));
        assert_eq!(text("a.c.d").as_deref(), Some("deep"));
        assert_eq!(text("a.e.f").as_deref(), Some("mixed"));
        assert_eq!(text("ax").as_deref(), Some("esc\\aped"));
        for missing in ["n", "a", "a.c", "x.y", "", ".", "a.", "a.c.d.e"] {
            assert_eq!(text(missing), None, "{missing}");
        }
        assert_eq!(event.find("n").unwrap().value, "1");
        assert_eq!(object(r#"{"a":{"b":"1"},"a":{"b":"2"}}"#).text("a.b").as_deref(), Some("2"));
        let many = format!("{}x", "a.".repeat(5000));
        assert_eq!(text(&many), None);
    }

    #[test]
    fn members_are_added_and_nothing_else_changes() {
        assert_eq!(object("{}").with_member("s", "1"), r#"{"s":1}"#);
        assert_eq!(object(" { \"n\" : 1.0e2 } \r").with_member("s", "{}"), " { \"n\" : 1.0e2 ,\"s\":{}} \r");
        let spoofed = object(r#"{"s":{"status":"Valid"},"x":1,"\u0073":2}"#);
        assert_eq!(spoofed.with_member("s", "7"), r#"{"s":7,"x":1,"\u0073":7}"#);
        let parts = object(r#"{"s.status":"Valid","sx":1,"\u0073\u002er.x":{"a":1},"s":0}"#);
        assert_eq!(parts.with_member("s", "7"), r#"{"s.status":null,"sx":1,"\u0073\u002er.x":null,"s":7}"#);
        assert_eq!(object(r#"{"s.x":1}"#).with_member("s", "7"), r#"{"s.x":null,"s":7}"#);
        assert_eq!(object(r#"{"sx":1,"t":{"s":2}}"#).without("s"), None);
        assert_eq!(parts.without("s").unwrap(), r#"{"s.status":null,"sx":1,"\u0073\u002er.x":null,"s":null}"#);
        assert_eq!(spoofed.without("s").unwrap(), r#"{"s":null,"x":1,"\u0073":null}"#);
    }
}
