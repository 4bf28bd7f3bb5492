//! What tools of attackers leave on disk: a folder each, with honest files and with those that the tool made of them.
//!
//! Only the artefacts are made here, after the sources of the tools: which octets go where, what is copied and what is
//! forgotten. Hosts do nothing when run, authorities and publishers are those of [`super::cast`]. What each file and each
//! folder must be judged and found is written by hand, from the descriptions of the findings, in
//! `testdata/scenarios.tsv` and `testdata/scenarios-shared.tsv`.

mod copied;
mod forged;
mod hidden;
mod timed;

use super::cms::Signature;
use super::pe::{Pe, code, resources, sign};
use super::stamp::Token;

/// When honest files are timestamped: after they were built, while their signers' certificates were valid.
const SIGNED: &str = "20250301120000Z";

/// A folder under `testdata/scenarios/`.
pub struct Scenario {
    pub name: &'static str,
    pub files: Vec<(&'static str, Vec<u8>)>,
}

pub fn all() -> Vec<Scenario> {
    let mut all: Vec<Scenario> = [copied::scenarios(), forged::scenarios(), hidden::scenarios(), timed::scenarios()]
        .into_iter()
        .flatten()
        .collect();
    all.sort_by_key(|scenario| scenario.name);
    all.iter_mut().for_each(|scenario| scenario.files.sort_by_key(|file| file.0));
    all
}

/// A program without resources, told from others by a text in its code.
fn host(text: &str) -> Pe {
    let mut code = code(0x1000, 0x200, 0x200);
    code.content = [b"\x31\xc0\xc3 ", text.as_bytes()].concat();
    Pe { sections: vec![code], ..Pe::pe32() }
}

/// A program with the fixtures' version resource.
fn product(text: &str) -> Pe {
    let mut pe = host(text);
    pe.sections.push(resources(0x2000, 0x400, 0x400));
    pe
}

/// What the publisher ships: signed and timestamped.
fn honest(text: &str) -> Vec<u8> {
    sign(&product(text).bytes(), &stamped(Signature::default()))
}

fn stamped(signature: Signature) -> Signature {
    signature.add(Token::at(SIGNED).attribute())
}
