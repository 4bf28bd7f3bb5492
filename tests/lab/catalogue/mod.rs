//! Every fixture: how it is made, why it is there, and what it must be judged.
//!
//! Statuses and reasons are derived from the specification of the product and from the documents that each line
//! cites, never from what the program says. A verdict whose other reasons cannot be derived leaves them open.

mod catalogs;
mod chain;
mod distrust;
mod kernel;
mod message;
pub mod online;
mod portable;
mod revocation;
mod stamped;

use super::cms::Signature;
use super::pe::{Pe, sign};

/// The moment at which fixtures are judged unless they say otherwise.
pub const AT: &str = "2026-06-01T00:00:00Z";

/// What the program must say under given options.
pub struct Verdict {
    pub at: &'static str,
    pub flags: &'static [&'static str],
    pub status: &'static str,
    pub reason: &'static str,
    /// `None`: not derivable from the specification, so not compared.
    pub others: Option<&'static [&'static str]>,
    /// The record's `revocation`.
    pub revocation: &'static str,
    /// JSON pointers into the record under these options and what must be found there.
    pub facts: Vec<(&'static str, String)>,
}

/// One file under `testdata/fixtures/`.
pub struct Fixture {
    pub name: &'static str,
    /// Trap ids, as in `tests/traps.tsv`.
    pub traps: &'static str,
    pub about: &'static str,
    pub build: fn() -> Vec<u8>,
    /// Stems of the files in `testdata/pki/` that are trusted.
    pub roots: &'static [&'static str],
    /// The first is the one under default options.
    pub verdicts: Vec<Verdict>,
    /// JSON pointers into the record and what must be found there; `null` is an absent member, too.
    pub facts: Vec<(&'static str, String)>,
}

impl Fixture {
    fn new(name: &'static str, traps: &'static str, about: &'static str, build: fn() -> Vec<u8>) -> Fixture {
        Fixture { name, traps, about, build, roots: &["root", "tsa-root"], verdicts: Vec::new(), facts: Vec::new() }
    }

    fn judged(mut self, status: &'static str, reason: &'static str) -> Fixture {
        let (flags, revocation, facts) = (&[], "not-checked", Vec::new());
        self.verdicts.push(Verdict { at: AT, flags, status, reason, others: Some(&[]), revocation, facts });
        self
    }

    fn valid(self) -> Fixture {
        self.judged("Valid", "ok")
    }

    fn invalid(self, reason: &'static str) -> Fixture {
        self.judged("Invalid", reason)
    }

    fn untrusted(self, reason: &'static str) -> Fixture {
        self.judged("Untrusted", reason)
    }

    fn expired(self, reason: &'static str) -> Fixture {
        self.judged("Expired", reason)
    }

    /// The latest verdict's other reasons.
    fn others(mut self, others: &'static [&'static str]) -> Fixture {
        self.verdicts.last_mut().unwrap().others = Some(others);
        self
    }

    /// The specification leaves the latest verdict's other reasons open.
    fn others_open(mut self) -> Fixture {
        self.verdicts.last_mut().unwrap().others = None;
        self
    }

    /// The latest verdict holds under these options.
    fn with_flags(mut self, flags: &'static [&'static str]) -> Fixture {
        self.verdicts.last_mut().unwrap().flags = flags;
        self
    }

    /// The latest verdict holds at this moment.
    fn when(mut self, at: &'static str) -> Fixture {
        self.verdicts.last_mut().unwrap().at = at;
        self
    }

    /// The latest verdict's `revocation`.
    fn revocation(mut self, revocation: &'static str) -> Fixture {
        self.verdicts.last_mut().unwrap().revocation = revocation;
        self
    }

    /// Like [`Fixture::fact`], under the latest verdict's options.
    fn told(mut self, pointer: &'static str, value: &str) -> Fixture {
        self.verdicts.last_mut().unwrap().facts.push((pointer, value.to_string()));
        self
    }

    fn trusting(mut self, roots: &'static [&'static str]) -> Fixture {
        self.roots = roots;
        self
    }

    fn fact(mut self, pointer: &'static str, value: &str) -> Fixture {
        self.facts.push((pointer, value.to_string()));
        self
    }
}

/// The small PE32 with this signature.
fn signed(signature: Signature) -> Vec<u8> {
    sign(&Pe::pe32().bytes(), &signature)
}

pub fn all() -> Vec<Fixture> {
    let parts = [
        portable::fixtures(),
        message::fixtures(),
        chain::fixtures(),
        stamped::fixtures(),
        revocation::fixtures(),
        catalogs::fixtures(),
        online::fixtures(),
        kernel::fixtures(),
        distrust::fixtures(),
    ];
    parts.into_iter().flatten().collect()
}

/// The whole catalogue as a table: `testdata/expected.tsv`.
pub fn table() -> String {
    let mut out = String::from("file\tat\ttrust\toptions\tstatus\treason\tother_reasons\trevocation\ttraps\tabout\n");
    for fixture in all() {
        for verdict in &fixture.verdicts {
            let others = verdict.others.map_or("?".to_string(), |others| others.join(","));
            let columns = [
                fixture.name,
                verdict.at,
                &fixture.roots.join(","),
                &verdict.flags.join(" "),
                verdict.status,
                verdict.reason,
                &others,
                verdict.revocation,
                fixture.traps,
                fixture.about,
            ];
            out += &columns.join("\t");
            out.push('\n');
        }
    }
    out
}
