//! Images whose signature names somebody and does not hold (MITRE ATT&CK T1036.001): loaded, started or written. What the
//! file itself shows goes before what the event says of it, wherever the file is at hand and is the one of the event.

use std::sync::Arc;

use super::activity::{Load, Process, Write};
use super::join::{Cleared, Joined, Judge, Judged, Named};
use super::rules::{Base, about};
use crate::judge::Status;
use crate::record::{
    Confidence, Detection, DetectionType, EventWords, Evidence, FileFate, Revocation, Severity, SignatureState, Witness,
};

/// An image that was loaded.
pub(super) fn loaded(load: &Load, base: &Base<'_>, judge: &mut dyn Judge) -> Option<Detection> {
    let words = EventWords {
        signed: load.signed.clone(),
        status: load.signature_status.clone(),
        signer: load.signature.clone(),
    };
    let file = Named { path: &load.image_loaded, hashes: load.hashes.as_deref(), host: None };
    let title = if load.driver { "A driver was loaded whose signature does not hold" } else { LOADED };
    let detection = image(&file, &words, title, base, judge)?;
    let least = if load.driver { Severity::High } else { Severity::Info };
    Some(Detection { image: load.image.clone(), severity: detection.severity.max(least), ..detection })
}

const LOADED: &str = "An image was loaded whose signature does not hold";

/// A program that was started; its event says nothing of signatures.
pub(super) fn started(process: &Process, base: &Base<'_>, judge: &mut dyn Judge) -> Option<Detection> {
    let file = Named { path: &process.image, hashes: process.hashes.as_deref(), host: None };
    let title = "A program was started whose signature does not hold";
    let detection = image(&file, &EventWords::default(), title, base, judge)?;
    let (severity, target) = (detection.severity, detection.target.clone());
    Some(Detection { severity, target, ..about(process, false, detection) })
}

/// A file that was written; its event says nothing of signatures.
pub(super) fn written(write: &Write, base: &Base<'_>, judge: &mut dyn Judge) -> Option<Detection> {
    let file = Named { path: &write.target, hashes: write.hashes.as_deref(), host: None };
    let title = "A file was written whose signature does not hold";
    let detection = image(&file, &EventWords::default(), title, base, judge)?;
    Some(Detection { image: write.image.clone(), ..detection })
}

fn image(
    file: &Named<'_>,
    words: &EventWords,
    title: &str,
    base: &Base<'_>,
    judge: &mut dyn Judge,
) -> Option<Detection> {
    let blank = base(DetectionType::InvalidCodeSignature);
    let joined = judge.judge(&Named { host: blank.event.host.as_deref(), ..*file });
    let weighed = weigh(&joined, words);
    let state = match weighed.state {
        Ok(state) => state?,
        Err(cleared) => {
            judge.cleared(cleared);
            return None;
        }
    };
    let at = blank.event.moment();
    if let Joined::Judged { judged, same } = &joined
        && state.from == Witness::File
        && (*same || !calls_broken(words))
        && let (Some(at), Some((from, until))) = (at, judged.was_valid)
        && from <= at
        && at <= until
    {
        judge.cleared(Cleared::ExpiredSince);
        return None;
    }
    let by_status = match state.status {
        Status::Invalid | Status::Revoked => Severity::High,
        Status::Untrusted => Severity::Medium,
        Status::Expired => Severity::Low,
        Status::Error | Status::Unsigned | Status::Valid => return None,
    };
    let by_finding = weighed.worst_finding.filter(|_| state.from == Witness::File).unwrap_or(Severity::Info);
    let same = weighed.evidence.as_ref().is_some_and(|evidence| evidence.file == FileFate::Same);
    Some(Detection {
        title: title.to_owned(),
        severity: by_status.max(by_finding),
        confidence: match state.from {
            Witness::File if same => Confidence::Proof,
            Witness::File => Confidence::High,
            Witness::Event => Confidence::Medium,
        },
        target: Some(file.path.to_owned()),
        signature: Some(state),
        evidence: weighed.evidence,
        ..blank
    })
}

/// Whose word counts, and what the other one says.
struct Weighed {
    /// The state of the signature, if there is one that names somebody; or why there is nothing to say.
    state: Result<Option<SignatureState>, Cleared>,
    evidence: Option<Evidence>,
    worst_finding: Option<Severity>,
}

fn weigh(joined: &Joined, words: &EventWords) -> Weighed {
    let stated = stated(words);
    let event = |fate: FileFate, judged: Option<&Arc<Judged>>, note: &str| Weighed {
        state: Ok(stated.clone()),
        evidence: Some(evidence(fate, judged, words, false, note)),
        worst_finding: None,
    };
    match joined {
        Joined::NotSought => Weighed { state: Ok(stated), evidence: None, worst_finding: None },
        Joined::Missing(why) => event(FileFate::Missing, None, &format!("{why}; the event's own words count")),
        Joined::NotJudged(why) => {
            event(FileFate::NotJudged, None, &format!("the file was not judged: {why}; the event's own words count"))
        }
        Joined::Changed(judged) => event(FileFate::Changed, Some(judged), CHANGED),
        Joined::Judged { judged, same } => {
            let fate = if *same { FileFate::Same } else { FileFate::Unconfirmed };
            match (doubt(judged, *same, stated.as_ref()), judged.status) {
                (Some(note), _) => event(fate, Some(judged), note),
                (None, Status::Valid) if stated.is_some() => {
                    Weighed { state: Err(Cleared::Holds), evidence: None, worst_finding: None }
                }
                _ => {
                    let disagrees = said(words).is_some_and(|said| said != judged.status);
                    let note = if *same { "" } else { UNCONFIRMED };
                    Weighed {
                        state: Ok(judged.state.clone()),
                        evidence: Some(evidence(fate, Some(judged), words, disagrees, note)),
                        worst_finding: judged.worst_finding,
                    }
                }
            }
        }
    }
}

const CHANGED: &str = "the file there now has another digest than the event states; the event's own words count";
const UNCONFIRMED: &str = "the event states no digest to compare, so the file may be another one by now";

/// Why the file cannot refute what the event says of its signature, if it cannot.
fn doubt(judged: &Judged, same: bool, stated: Option<&SignatureState>) -> Option<&'static str> {
    match (stated?.status, judged.status) {
        // A sound file, of today or until it expired, says nothing of another one that had its name.
        (_, Status::Valid | Status::Expired) if !same => Some(UNCONFIRMED),
        (Status::Revoked, status)
            if status.severity() < Status::Revoked.severity() && judged.revocation != Revocation::Good =>
        {
            Some("no revocation list at hand says so or otherwise; the event's own words count")
        }
        (_, Status::Unsigned) => {
            Some("the file has no signature of its own and no catalog at hand lists it; the event's own words count")
        }
        // A signature that is too broken to name anybody, and the event that does.
        _ if judged.state.is_none() && judged.status != Status::Valid => {
            Some("the file's signature names nobody that could be read; the event's own words count")
        }
        _ => None,
    }
}

fn evidence(fate: FileFate, judged: Option<&Arc<Judged>>, words: &EventWords, disagrees: bool, note: &str) -> Evidence {
    let verdict = judged.map(|judged| judged.status);
    Evidence {
        file: fate,
        path: judged.map(|judged| judged.path.clone()),
        sha256: judged.and_then(|judged| judged.digest(super::super::stated::HashKind::Sha256)).map(str::to_owned),
        status: verdict,
        event: Some(words.clone()).filter(|words| *words != EventWords::default()),
        disagrees: disagrees
            || fate != FileFate::Changed && said(words).zip(verdict).is_some_and(|(one, two)| one != two),
        note: Some(note.to_owned()).filter(|note| !note.is_empty()),
    }
}

/// The status that an event's words amount to. `Unavailable` is what Sysmon writes whenever Windows could not confirm a
/// signature, so it is no statement. Sources: the strings of Sysmon, and those of Elastic's endpoint.
fn said(words: &EventWords) -> Option<Status> {
    Some(match words.status.as_deref()?.to_ascii_lowercase().as_str() {
        "valid" | "trusted" => Status::Valid,
        "invalid" | "errorbaddigest" => Status::Invalid,
        "expired" | "errorexpired" => Status::Expired,
        "revoked" | "errorrevoked" => Status::Revoked,
        "untrusted" | "selfsigned" | "erroruntrustedroot" | "errorchaining" => Status::Untrusted,
        "unsigned" | "nosignature" => Status::Unsigned,
        _ => return None,
    })
}

/// Whether an event calls the signature broken, whomever it names.
fn calls_broken(words: &EventWords) -> bool {
    said(words).is_some_and(|status| !matches!(status, Status::Valid | Status::Unsigned))
}

/// What an event states of a signature that does not hold, if it names somebody.
fn stated(words: &EventWords) -> Option<SignatureState> {
    let status = said(words).filter(|_| calls_broken(words))?;
    Some(SignatureState {
        from: Witness::Event,
        status,
        reason: None,
        signer: words.signer.clone()?,
        signer_verified: false,
        thumbprint_sha1: None,
        findings: Vec::new(),
    })
}
