//! The octets to start from: fixtures, and what is in them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::TARGETS;
use crate::host::{ALL, Host, VALID, seeds_of_blobs, testdata};

fn files_below(folder: &Path) -> Vec<Vec<u8>> {
    let mut work = vec![folder.to_owned()];
    let mut paths: Vec<PathBuf> = Vec::new();
    while let Some(folder) = work.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() { work.push(entry.path()) } else { paths.push(entry.path()) }
        }
    }
    paths.sort();
    paths.iter().filter_map(|path| fs::read(path).ok()).filter(|octets| octets.len() < 1 << 17).collect()
}

fn certificates() -> Vec<Vec<u8>> {
    let folders = ["pki", "intermediates", "kernel"].map(|name| testdata().join(name));
    let mut found = sigscan::trust::certificates_below(&folders).unwrap_or_default();
    for blob in seeds_of_blobs().0.iter().step_by(5) {
        if let Ok(data) = sigscan::cms::SignedData::parse(blob, 0) {
            found.extend(data.certificates.iter().map(|element| element.raw.to_vec()));
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Contents and tokens: what is inside signatures.
fn inside(wanted: impl Fn(&sigscan::cms::SignedData<'_>) -> Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let (blobs, _) = seeds_of_blobs();
    let mut found: Vec<Vec<u8>> = blobs
        .iter()
        .filter_map(|blob| sigscan::cms::SignedData::parse(blob, 0).ok().map(|data| wanted(&data)))
        .flatten()
        .collect();
    found.sort();
    found.dedup();
    found
}

/// Seven streams of all kinds, and forty steps of which the streams in the mask take a part.
fn steps(mask: u8) -> Vec<u8> {
    let step = |number: u8| [vec![mask.rotate_left(u32::from(number)), number.wrapping_mul(37), 0], vec![number; 700]].concat();
    [vec![6, 0, 1, 2, 2, 1, 0, 2], (0..40).flat_map(step).collect()].concat()
}

/// The seeds of a target.
#[must_use]
pub fn of(target: &str) -> Vec<Vec<u8>> {
    let fixtures = || files_below(&testdata().join("fixtures"));
    let numbered = |index: usize| vec![index as u8, 0x50, 0, 0, 0, 0, 1, 0xff, 0xff, 0, 0, 7, 9];
    match target {
        "record" => ALL.iter().map(|host| host.octets.clone()).chain(catalogs()).collect(),
        "damage" => (0..VALID.len().min(256)).map(numbered).collect(),
        "graft" | "blob" | "signed_data" => seeds_of_blobs().0,
        "catalog" => catalogs(),
        "asn1" => seeds_of_blobs().0.into_iter().step_by(8).chain(certificates()).collect(),
        "certificate" => certificates(),
        "crl" => files_below(&testdata().join("crl")),
        "ocsp" => files_below(&testdata().join("ocsp")),
        "ctl" => files_below(&testdata().join("disallowed")),
        "spc" => inside(|data| data.content.iter().map(|element| element.raw.to_vec()).collect()),
        "timestamp" => inside(|data| {
            let sets = data.signers.iter().filter_map(|signer| signer.unsigned_attributes.as_ref());
            let values = sets.flat_map(|set| &set.attributes).filter_map(|attribute| attribute.single_value().ok());
            values.map(|value| value.raw.to_vec()).collect()
        }),
        // All streams in each step, some of them, and one after the other.
        "digests" => [0x7f, 0x2a, 0x01].map(|mask| steps(mask)).to_vec(),
        "version" => VALID.iter().filter_map(resources).take(20).collect(),
        "store" => vec![
            fs::read(testdata().join("../data/roots.bin")).unwrap_or_default(),
            fs::read(testdata().join("pki/root.pem")).unwrap_or_default(),
        ],
        "events" | "evtx" => files_below(&testdata().join("events")),
        "lines" => fixtures().into_iter().filter(|octets| octets.starts_with(b"{")).step_by(9).collect(),
        "lists" => {
            (0u8..12).flat_map(|kind| LISTS.iter().map(move |text| [&[kind], text.as_bytes()].concat())).collect()
        }
        "url" => ["http://a.example/x.crl", "ldap:///CN=x", "HTTPS://[::1]:8/%41?q#f", "=1+1\u{202e}"]
            .map(|text| text.as_bytes().to_vec())
            .into(),
        _ => Vec::new(),
    }
}

const LISTS: &[&str] = &[
    "Name,MD5,SHA1,SHA256\nx,d41d8cd98f00b204e9800998ecf8427e,,\n",
    "[{\"Category\":\"malicious\",\"KnownVulnerableSamples\":[{\"Authentihash\":{\"SHA256\":\"00\"}}]}]",
    "<SiPolicy><FileRules><Deny ID=\"a\" Hash=\"00\"/></FileRules></SiPolicy>",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n",
];

fn catalogs() -> Vec<Vec<u8>> {
    let folder = testdata().join("fixtures");
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths.retain(|path| path.extension().is_some_and(|word| word == "cat"));
    paths.iter().filter_map(|path| fs::read(path).ok()).filter(|octets| octets.len() < 1 << 17).collect()
}

/// What the resource section of a file holds.
fn resources(host: &Host) -> Option<Vec<u8>> {
    let name = host.octets.windows(8).position(|window| window == b".rsrc\0\0\0")?;
    let field = |at: usize| {
        host.octets
            .get(name + at..name + at + 4)
            .map(|four| u32::from_le_bytes(four.try_into().unwrap_or_default()) as usize)
    };
    let (size, offset) = (field(16)?, field(20)?);
    host.octets.get(offset..offset + size).map(<[u8]>::to_vec)
}

/// Writes the seeds of every target below `folder`.
///
/// # Errors
/// Errors of writing.
pub fn write(folder: &Path) -> io::Result<()> {
    for target in TARGETS {
        let place = folder.join(target.name);
        fs::create_dir_all(&place)?;
        for (number, octets) in of(target.name).iter().enumerate() {
            fs::write(place.join(format!("seed-{number:04}")), octets)?;
        }
    }
    Ok(())
}
