//! Files of events below mounted folders, each judged once.

use std::sync::Arc;

use super::super::cache::Lru;
use super::super::digests;
use super::super::machine::Machine;
use super::super::paths::PathMap;
use super::super::records::Records;
use super::super::stated::{HashKind, Stated};
use super::super::subject::{Name, Subject};
use super::super::verdicts::{Verdict, Verdicts};
use super::join::{Cleared, Joined, Judge, Judged, Named};
use crate::record::{Reason, Status};
use crate::scan::Scanner;

/// Memory for SHA-1 and MD5 of files whose events state nothing better.
const WEAK_DIGESTS: usize = 8 << 20;

/// How often what happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FileCounts {
    /// The file was judged, and its digest is the event's or the event states none.
    pub judged: u64,
    /// The file there now has other digests.
    pub changed: u64,
    /// The file was not found.
    pub missing: u64,
    /// The file was found and could not be judged.
    pub not_judged: u64,
    /// A signature holds that the event calls broken.
    pub held: u64,
    /// A signature was in order when the event happened.
    pub expired_since: u64,
}

/// Judges the files that events name.
pub struct Files {
    verdicts: Verdicts<Arc<Judged>>,
    weak: Lru<String, Weak>,
    buffer: Vec<u8>,
    /// What happened so far.
    pub counts: FileCounts,
}

/// Digests that somebody can forge, of a file whose SHA-256 is known.
#[derive(Debug, Clone)]
struct Weak {
    sha1: String,
    md5: String,
}

impl std::fmt::Debug for Files {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Files").field("counts", &self.counts).finish_non_exhaustive()
    }
}

impl Files {
    /// Files where these rules say, or else their records, judged by this scanner; `cache` bounds the memory for verdicts.
    #[must_use]
    pub fn new(scanner: Scanner, paths: PathMap, records: Records, cache: usize) -> Files {
        let render = Box::new(|record: &crate::record::Record| {
            let judged = Judged::of(record);
            let weight = judged.weight();
            (Arc::new(judged), weight)
        });
        Files {
            verdicts: Verdicts::new(scanner, paths, records, render, cache),
            weak: Lru::new(WEAK_DIGESTS),
            buffer: Vec::new(),
            counts: FileCounts::default(),
        }
    }

    fn verdict(&mut self, file: &Named<'_>, stated: &[(HashKind, String)]) -> Arc<Verdict<Arc<Judged>>> {
        let mut subject = Subject::new(Name::Text(file.path.into()), readable(stated), "file");
        subject.machine = file.host.and_then(Machine::called).unwrap_or_default();
        self.verdicts.of(&subject, &mut self.buffer)
    }

    /// What records say of the file with these digests, wherever it lies.
    fn elsewhere(&mut self, stated: &[(HashKind, String)]) -> Arc<Verdict<Arc<Judged>>> {
        self.verdicts.of(&Subject::new(Name::None, readable(stated), "file"), &mut self.buffer)
    }

    fn search(&mut self, file: &Named<'_>) -> Joined {
        let stated = file.digests();
        let found = self.verdict(file, &stated);
        if is_there(&found) {
            return self.compared(&found, &stated);
        }
        if !stated.is_empty() {
            // Nothing has these digests. Is there something else under this name?
            let other = self.verdict(file, &[]);
            if is_there(&other) && self.agrees(&other.text, &stated) == Some(false) {
                return Joined::Changed(Arc::clone(&other.text));
            }
        }
        Joined::Missing(problem(&found))
    }

    fn compared(&mut self, found: &Verdict<Arc<Judged>>, stated: &[(HashKind, String)]) -> Joined {
        if found.status == Status::Error {
            return Joined::NotJudged(problem(found));
        }
        match self.agrees(&found.text, stated) {
            Some(true) => Joined::Judged { judged: Arc::clone(&found.text), same: true },
            None => Joined::Judged { judged: Arc::clone(&found.text), same: false },
            Some(false) => {
                let elsewhere = self.elsewhere(stated);
                let same = is_there(&elsewhere) && self.agrees(&elsewhere.text, stated) == Some(true);
                if same && elsewhere.status != Status::Error {
                    return Joined::Judged { judged: Arc::clone(&elsewhere.text), same };
                }
                Joined::Changed(Arc::clone(&found.text))
            }
        }
    }

    /// Whether a file has the strongest digest that the event states; `None` if there is none to compare.
    fn agrees(&mut self, judged: &Judged, stated: &[(HashKind, String)]) -> Option<bool> {
        let (kind, wanted) = stated.first()?;
        if let Some(digest) = judged.digest(*kind) {
            return Some(digest.eq_ignore_ascii_case(wanted));
        }
        let weak = self.weak_digests(judged)?;
        match kind {
            HashKind::Sha256 => None,
            HashKind::Sha1 => Some(weak.sha1 == *wanted),
            HashKind::Md5 => Some(weak.md5 == *wanted),
        }
    }

    /// SHA-1 and MD5 of the bytes that were judged, or nothing if the file has other ones by now.
    fn weak_digests(&mut self, judged: &Judged) -> Option<Weak> {
        let sha256 = judged.digest(HashKind::Sha256)?;
        if let Some(known) = self.weak.get(sha256) {
            return Some(known);
        }
        let path = judged.local_path()?;
        let wanted = [HashKind::Sha256, HashKind::Sha1, HashKind::Md5].map(HashKind::algorithm);
        let [found, sha1, md5] = digests::of_file(&path, wanted).ok()?;
        if found != sha256 {
            return None;
        }
        let weak = Weak { sha1, md5 };
        self.weak.insert(found, weak.clone(), 256);
        Some(weak)
    }
}

impl Judge for Files {
    fn judge(&mut self, file: &Named<'_>) -> Joined {
        let joined = self.search(file);
        let counts = &mut self.counts;
        let counter = match joined {
            Joined::NotSought => return joined,
            Joined::Judged { .. } => &mut counts.judged,
            Joined::Changed(_) => &mut counts.changed,
            Joined::Missing(_) => &mut counts.missing,
            Joined::NotJudged(_) => &mut counts.not_judged,
        };
        *counter = counter.saturating_add(1);
        joined
    }

    fn cleared(&mut self, why: Cleared) {
        let counter = match why {
            Cleared::Holds => &mut self.counts.held,
            Cleared::ExpiredSince => &mut self.counts.expired_since,
        };
        *counter = counter.saturating_add(1);
    }
}

fn readable(hashes: &[(HashKind, String)]) -> Stated {
    Stated { hashes: hashes.to_vec(), unread: None }
}

fn is_there(verdict: &Verdict<Arc<Judged>>) -> bool {
    verdict.status != Status::Error || verdict.reason != Reason::NotFound
}

fn problem(verdict: &Verdict<Arc<Judged>>) -> String {
    verdict.text.problem.clone().unwrap_or_else(|| verdict.reason.code().to_owned())
}
