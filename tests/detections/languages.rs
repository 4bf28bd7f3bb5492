//! What a query names and compares, read with as much of each language as the queries use. What is not known here is an
//! error, so that nothing goes unread.

use std::collections::BTreeMap;

use crate::tokens::{Token, tokens};

/// A language and where its queries are.
pub struct Language {
    /// Folder of `detections/`.
    pub folder: &'static str,
    /// Of the files.
    pub extension: &'static str,
    /// What the lines of a head begin with.
    pub comment: &'static str,
    /// What the words between things are.
    keywords: &'static [&'static str],
    functions: &'static [&'static str],
    /// Names of arguments and whether their value is a field; `as` gives a name.
    arguments: &'static [(&'static str, bool)],
    /// The quotes in which fields are written.
    field_quote: Option<char>,
    /// Whether `=` gives a name instead of comparing.
    assigns: bool,
    /// What the first line names: an index or a table.
    has_source: bool,
}

pub const LANGUAGES: [Language; 6] = [
    Language {
        folder: "qradar",
        extension: "aql",
        comment: "--",
        keywords: &[
            "SELECT", "AS", "FROM", "events", "WHERE", "AND", "OR", "IN", "IS", "NOT", "NULL", "ORDER", "BY", "DESC",
            "LIMIT", "LAST", "HOURS",
        ],
        functions: &["DATEFORMAT", "LOGSOURCETYPENAME"],
        arguments: &[],
        field_quote: Some('"'),
        assigns: false,
        has_source: false,
    },
    Language {
        folder: "logscale",
        extension: "cql",
        comment: "//",
        keywords: &[],
        functions: &["in", "select", "sort", "groupBy", "count", "collect", "concatArray", "coalesce"],
        arguments: &[
            ("field", true),
            ("values", false),
            ("order", false),
            ("type", false),
            ("limit", false),
            ("separator", false),
            ("function", true),
        ],
        field_quote: None,
        assigns: false,
        has_source: false,
    },
    Language {
        folder: "elastic",
        extension: "esql",
        comment: "//",
        keywords: &["WHERE", "AND", "IN", "IS", "NOT", "NULL", "KEEP", "SORT", "DESC", "LIMIT", "EVAL"],
        functions: &["COALESCE"],
        arguments: &[],
        field_quote: None,
        assigns: true,
        has_source: true,
    },
    Language {
        folder: "elastic",
        extension: "kuery",
        comment: "//",
        keywords: &["and", "or"],
        functions: &[],
        arguments: &[],
        field_quote: None,
        assigns: false,
        has_source: false,
    },
    Language {
        folder: "splunk",
        extension: "spl",
        comment: "",
        keywords: &["IN", "rename", "AS", "table", "sort", "stats", "count", "BY", "eval", "where"],
        functions: &["coalesce", "isnotnull", "values", "latest"],
        arguments: &[],
        field_quote: Some('\''),
        assigns: false,
        has_source: false,
    },
    Language {
        folder: "sentinel",
        extension: "kql",
        comment: "//",
        keywords: &["where", "and", "in", "extend", "project", "order", "by", "desc"],
        functions: &["ago", "isnotempty", "tostring", "tobool", "coalesce"],
        arguments: &[],
        field_quote: None,
        assigns: true,
        has_source: true,
    },
];

/// A condition: one of the fields has one of the values, or any value, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    pub fields: Vec<String>,
    pub values: Wanted,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    Any,
    None,
    One(Vec<String>),
}

/// What a query says.
#[derive(Debug, Default)]
pub struct Query {
    /// The index or table, where the first line names one.
    pub source: String,
    /// Every name that must come from the events.
    pub fields: Vec<String>,
    /// What has to hold, all of it.
    pub conditions: Vec<Condition>,
}

impl Language {
    /// Reads a query, which has no head any more.
    ///
    /// # Errors
    /// What is not understood.
    pub fn read(&self, query: &str) -> Result<Query, String> {
        let (source, rest) = if self.has_source { query.split_once('\n').ok_or("one line")? } else { ("", query) };
        let source = source.strip_prefix("FROM ").unwrap_or(source).to_owned();
        let mut reader =
            Reader { language: self, tokens: tokens(rest)?, at: 0, query: Query::default(), ..Reader::new(self) };
        while reader.at < reader.tokens.len() {
            reader.step()?;
        }
        reader.close();
        if !reader.calls.is_empty() {
            return Err("a bracket without an end".to_owned());
        }
        Ok(Query { source, ..reader.query })
    }
}

struct Reader<'l> {
    language: &'l Language,
    tokens: Vec<Token>,
    at: usize,
    query: Query,
    /// Open brackets: the function they belong to, or nothing.
    calls: Vec<Option<String>>,
    /// Names that the query gives, with the fields behind them.
    given: BTreeMap<String, Vec<String>>,
    /// The name that the expression here is given, and the depth of brackets where it ends.
    naming: Option<(String, usize)>,
    /// The fields of the last operand.
    last: Vec<String>,
    /// A comparison that waits for values, and the depth of brackets where it stands.
    pending: Option<(Vec<String>, bool, Vec<String>, usize)>,
    /// The argument of a function that stands here.
    argument: Option<String>,
    /// Whether the next condition is another way to satisfy the last one.
    or: bool,
}

impl<'l> Reader<'l> {
    fn new(language: &'l Language) -> Self {
        Reader {
            language,
            tokens: Vec::new(),
            at: 0,
            query: Query::default(),
            calls: Vec::new(),
            given: BTreeMap::new(),
            naming: None,
            last: Vec::new(),
            pending: None,
            argument: None,
            or: false,
        }
    }

    fn next_is(&self, sign: &str) -> bool {
        matches!(self.tokens.get(self.at), Some(Token::Sign(found)) if *found == sign)
    }

    fn next_word(&self, word: &str) -> bool {
        matches!(self.tokens.get(self.at), Some(Token::Word(found)) if found == word)
    }

    fn step(&mut self) -> Result<(), String> {
        let token = self.tokens[self.at].clone();
        self.at += 1;
        match token {
            Token::Word(word) => self.word(&word),
            Token::Quoted(quote, text) => self.quoted(quote, text),
            Token::Number(text) => {
                self.value(text, true)?;
                Ok(())
            }
            Token::Sign(sign) => self.sign(sign),
        }
    }

    fn word(&mut self, word: &str) -> Result<(), String> {
        if self.language.keywords.contains(&word) {
            return self.keyword(word);
        }
        if self.next_is("(") {
            if !self.language.functions.contains(&word) {
                return Err(format!("function {word}"));
            }
            self.at += 1;
            self.calls.push(Some(word.to_owned()));
            self.last.clear();
            return Ok(());
        }
        if matches!(word, "true" | "false") {
            return self.value(word.to_owned(), false);
        }
        let before = self.at.checked_sub(2).and_then(|at| self.tokens.get(at));
        let in_eval = self.language.extension == "spl" && before == Some(&Token::Word("eval".to_owned()));
        if self.next_is(":=") || (self.next_is("=") && (self.language.assigns || in_eval)) {
            self.close();
            self.at += 1;
            self.given.insert(word.to_owned(), Vec::new());
            self.naming = Some((word.to_owned(), self.calls.len()));
            return Ok(());
        }
        if self.language.extension == "cql" && !self.calls.is_empty() && self.next_is("=") {
            return self.named_argument(word);
        }
        self.field(word)
    }

    fn named_argument(&mut self, word: &str) -> Result<(), String> {
        self.at += 1;
        self.argument = Some(word.to_owned());
        match word {
            "as" => {
                let Some(Token::Word(name)) = self.tokens.get(self.at).cloned() else {
                    return Err("as what?".to_owned());
                };
                self.at += 1;
                self.given.insert(name, self.last.clone());
            }
            "values" => self.pending = Some((self.last.clone(), true, Vec::new(), self.calls.len())),
            _ if self.language.arguments.iter().any(|(name, _)| *name == word) => {}
            _ => return Err(format!("argument {word}")),
        }
        Ok(())
    }

    fn keyword(&mut self, word: &str) -> Result<(), String> {
        let depth = self.calls.len();
        if matches!(word, "or" | "OR") {
            if self.pending.as_ref().is_some_and(|pending| pending.3 < depth) {
                return Ok(());
            }
            self.close();
            self.or = true;
            return Ok(());
        }
        self.close();
        match word {
            "IN" | "in" => self.pending = Some((self.last.clone(), true, Vec::new(), depth)),
            "IS" => {
                let not = self.next_word("NOT");
                self.at += usize::from(not);
                if !self.next_word("NULL") {
                    return Err("IS what?".to_owned());
                }
                self.at += 1;
                self.condition(self.last.clone(), if not { Wanted::Any } else { Wanted::None });
            }
            "AS" => {
                match self.tokens.get(self.at).cloned() {
                    Some(Token::Word(name)) => drop(self.given.insert(name, self.last.clone())),
                    Some(Token::Quoted('\'', _)) if self.language.extension == "aql" => {}
                    other => return Err(format!("AS {other:?}")),
                }
                self.at += 1;
            }
            _ => {}
        }
        Ok(())
    }

    fn quoted(&mut self, quote: char, text: String) -> Result<(), String> {
        let is_name = self.language.extension == "spl" && self.next_word("AS");
        let is_array = self.calls.last() == Some(&Some("concatArray".to_owned())) && self.argument.is_none();
        if self.language.field_quote == Some(quote) || is_name || is_array {
            return self.field(&text);
        }
        self.value(text, false)
    }

    fn field(&mut self, name: &str) -> Result<(), String> {
        self.close();
        let behind = match self.given.get(name) {
            Some(fields) => fields.clone(),
            None => {
                if !self.query.fields.iter().any(|known| known == name) {
                    self.query.fields.push(name.to_owned());
                }
                vec![name.to_owned()]
            }
        };
        if let Some((given, _)) = &self.naming {
            self.given.entry(given.clone()).or_default().extend(behind.iter().cloned());
        }
        if self
            .calls
            .last()
            .is_some_and(|call| call.as_deref().is_some_and(|name| name.eq_ignore_ascii_case("coalesce")))
        {
            self.last.extend(behind);
        } else {
            self.last = behind;
        }
        Ok(())
    }

    fn value(&mut self, text: String, number: bool) -> Result<(), String> {
        if let Some(pending) = &mut self.pending {
            pending.2.push(text);
            return Ok(());
        }
        // A format, a separator, an order, a limit, a span of time.
        if number || self.calls.iter().any(Option::is_some) {
            return Ok(());
        }
        Err(format!("{text:?} is compared with nothing"))
    }

    fn sign(&mut self, sign: &'static str) -> Result<(), String> {
        match sign {
            "(" | "[" => self.calls.push(None),
            ")" | "]" => {
                let call = self.calls.pop().ok_or("a bracket too many")?;
                if self.pending.as_ref().is_some_and(|pending| pending.3 >= self.calls.len()) {
                    self.close();
                }
                if matches!(call.as_deref(), Some("isnotempty" | "isnotnull")) {
                    self.condition(self.last.clone(), Wanted::Any);
                }
                self.argument = None;
            }
            "=" | "==" | ":" => {
                self.close();
                self.pending = Some((self.last.clone(), true, Vec::new(), self.calls.len()));
            }
            "!=" => {
                self.close();
                self.pending = Some((self.last.clone(), false, Vec::new(), self.calls.len()));
            }
            "*" => {
                let Some((fields, true, ..)) = self.pending.take() else { return Err("what is * for?".to_owned()) };
                self.condition(fields, Wanted::Any);
            }
            "," => {
                let depth = self.calls.len();
                if self.pending.as_ref().is_some_and(|pending| pending.3 < depth) {
                    return Ok(());
                }
                self.close();
                self.argument = None;
                if self.naming.as_ref().is_some_and(|(_, at)| *at >= depth) {
                    self.naming = None;
                }
            }
            "|" => {
                self.close();
                self.naming = None;
            }
            ">" | "-" => self.close(),
            other => return Err(format!("sign {other}")),
        }
        Ok(())
    }

    /// A comparison has all its values.
    fn close(&mut self) {
        let Some((fields, equal, values, _)) = self.pending.take() else { return };
        if !equal && values == [""] {
            return self.condition(fields, Wanted::Any);
        }
        assert!(equal && !values.is_empty(), "{fields:?} is compared with {values:?} in a way that is not known here");
        self.condition(fields, Wanted::One(values));
    }

    fn condition(&mut self, fields: Vec<String>, values: Wanted) {
        assert!(!fields.is_empty(), "{values:?} of nothing");
        match self.query.conditions.last_mut() {
            Some(last) if self.or && last.values == values => last.fields.extend(fields),
            _ if self.or => panic!("or with different values is not known here"),
            _ => self.query.conditions.push(Condition { fields, values }),
        }
        self.or = false;
    }
}
