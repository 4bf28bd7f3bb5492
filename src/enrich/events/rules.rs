//! Which activities are worth a detection. Source: MITRE ATT&CK T1553.002 (Code Signing) and T1036.001 (Invalid Code
//! Signature), and the detections that are published for them: their conditions, and their names of what was detected.

use super::activity::{Activity, Process, Script, Write};
use super::images;
use super::join::Judge;
use super::roots::known_root;
use crate::enrich::event::Event;
use crate::record::{Confidence, DETECTION_SCHEMA, Detection, DetectionType, EventReference, Severity};

/// Characters of a command line or a script that a detection repeats.
const MAX_COMMAND: usize = 2048;

/// What a shell, a script host or the desktop starts is started by a person or a script, not by a build service.
const SUSPICIOUS_PARENTS: [&str; 8] = [
    "cmd.exe",
    "powershell.exe",
    "pwsh.exe",
    "wscript.exe",
    "cscript.exe",
    "mshta.exe",
    "rundll32.exe",
    "explorer.exe",
];

/// All detections in one event, at most two: a process may both do something and be something.
pub fn detect(event: &Event, source: &str, position: u64, judge: &mut dyn Judge) -> Vec<Detection> {
    let Some(activity) = Activity::of(event) else { return Vec::new() };
    let base = |kind: DetectionType| base(kind, event, source, position);
    match &activity {
        Activity::Process(process) => {
            let acts = [signtool(process, &base), certutil(process, &base), powershell_process(process, &base)];
            let started = images::started(process, &base, judge);
            acts.into_iter().chain([started]).flatten().collect()
        }
        Activity::Load(load) => images::loaded(load, &base, judge).into_iter().collect(),
        Activity::File(write) => match certificate_file(write, &base) {
            Some(detection) => vec![detection],
            None => images::written(write, &base, judge).into_iter().collect(),
        },
        Activity::Registry(write) => certificate_store(write, &base).into_iter().collect(),
        Activity::Script(script) => powershell_script(script, &base).into_iter().collect(),
    }
}

/// Makes what every detection of one event has.
pub(super) type Base<'b> = dyn Fn(DetectionType) -> Detection + 'b;

/// What every detection of this event has.
fn base(kind: DetectionType, event: &Event, source: &str, position: u64) -> Detection {
    let user = event.first(&["User", "SubjectUserName", "UserName", "user.name"]);
    Detection {
        schema: DETECTION_SCHEMA.to_owned(),
        detection_type: kind,
        title: kind.title().to_owned(),
        severity: Severity::Medium,
        confidence: Confidence::Medium,
        attack: vec![kind.technique().to_owned()],
        event: EventReference {
            time: event.time.clone(),
            host: event.host.clone(),
            provider: event.provider.clone(),
            id: event.id,
            name: event.name.clone(),
            record: event.record,
            source: source.to_owned(),
            position,
        },
        user: user.map(str::to_owned),
        image: None,
        command_line: None,
        parent_image: None,
        suspicious_parent: None,
        has_pfx: None,
        no_timestamp: None,
        renamed: None,
        cmdlets: Vec::new(),
        target: None,
        store: None,
        thumbprint_sha1: None,
        known_root: None,
        signature: None,
        evidence: None,
    }
}

/// The last component of a path, in lower case.
fn name_of(path: &str) -> String {
    path.rsplit(['\\', '/']).next().unwrap_or(path).to_ascii_lowercase()
}

fn shortened(text: &str) -> String {
    text.chars().take(MAX_COMMAND).collect()
}

/// Whether a process runs a program, under its own name or under another; and whether it is another.
fn runs(process: &Process, program: &str) -> Option<bool> {
    let own = name_of(&process.image) == program;
    let original = process.original_name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(program));
    (own || original).then_some(!own)
}

/// A detection about a process: what is said of every one.
pub(super) fn about(process: &Process, renamed: bool, base: Detection) -> Detection {
    let command = process.command_line.to_ascii_lowercase();
    let suspicious =
        process.parent.as_deref().is_some_and(|parent| SUSPICIOUS_PARENTS.contains(&name_of(parent).as_str()));
    Detection {
        severity: if suspicious || renamed { Severity::High } else { Severity::Medium },
        image: Some(process.image.clone()),
        command_line: Some(shortened(&process.command_line)),
        parent_image: process.parent.clone(),
        suspicious_parent: Some(suspicious),
        has_pfx: Some(command.contains(".pfx") || command.contains(".p12")),
        renamed: renamed.then_some(true),
        ..base
    }
}

/// `signtool sign`. The published queries look for options of signing anywhere in the command line; the command itself
/// is `sign` without a dash, and `signtool verify` with the same options signs nothing.
fn signtool(process: &Process, base: &Base<'_>) -> Option<Detection> {
    let renamed = runs(process, "signtool.exe")?;
    let words = arguments(&process.command_line);
    let command = words.first().map(|word| word.trim_start_matches(['/', '-']));
    let option = |names: &[&str]| {
        words.iter().any(|word| word.strip_prefix(['/', '-']).is_some_and(|word| names.contains(&word)))
    };
    let signs = match command {
        Some("sign") => true,
        Some("verify" | "catdb" | "remove" | "timestamp") => false,
        _ => option(&["sign", "f", "p", "fd", "tr"]) || words.iter().any(|word| word == "sha256"),
    };
    signs.then(|| Detection {
        no_timestamp: Some(!option(&["tr", "t", "tseal"])),
        ..about(process, renamed, base(DetectionType::SigntoolSigning))
    })
}

/// The words of a command line after the program, in lower case. Quotes hold words together, as in
/// `CommandLineToArgvW`; its rules for backslashes change no word that is looked for.
fn arguments(command_line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quoted, mut any) = (String::new(), false, false);
    for character in command_line.chars().take(32_768) {
        match character {
            '"' => {
                quoted = !quoted;
                any = true;
            }
            _ if character.is_whitespace() && !quoted => {
                if any {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            _ => {
                word.push(character.to_ascii_lowercase());
                any = true;
            }
        }
    }
    if any {
        words.push(word);
    }
    words.into_iter().skip(1).collect()
}

/// certutil, importing or with the stores that Authenticode believes.
fn certutil(process: &Process, base: &Base<'_>) -> Option<Detection> {
    const IMPORTS: [&str; 4] = ["addstore", "addcert", "importpfx", "p12"];
    let renamed = runs(process, "certutil.exe")?;
    let words = arguments(&process.command_line);
    let imports = words.iter().any(|word| word.strip_prefix(['/', '-']).is_some_and(|word| IMPORTS.contains(&word)));
    let store = words.iter().find_map(|word| STORES.iter().find(|(key, _)| key == word)).map(|(_, name)| *name);
    let named = store.is_some_and(|store| store != "Root");
    if !imports && !named {
        return None;
    }
    let detection = about(process, renamed, base(DetectionType::CertutilImport));
    Some(Detection {
        severity: if imports { detection.severity } else { Severity::Low },
        confidence: if imports { Confidence::High } else { Confidence::Low },
        store: store.map(str::to_owned),
        ..detection
    })
}

/// Stores of what is trusted, by their names in command lines and registry keys.
const STORES: [(&str, &str); 3] =
    [("root", "Root"), ("trustedpublisher", "TrustedPublisher"), ("authroot", "AuthRoot")];

/// A certificate or key file where any user may write.
fn certificate_file(write: &Write, base: &Base<'_>) -> Option<Detection> {
    const KINDS: [&str; 4] = [".pfx", ".p12", ".cer", ".crt"];
    const PLACES: [&str; 6] = ["\\temp\\", "\\downloads\\", "\\appdata\\", "\\public\\", "\\programdata\\", "\\tmp\\"];
    let target = write.target.to_ascii_lowercase().replace('/', "\\");
    let key = [".pfx", ".p12"].iter().any(|kind| target.ends_with(kind));
    if !KINDS.iter().any(|kind| target.ends_with(kind)) || !PLACES.iter().any(|place| target.contains(place)) {
        return None;
    }
    Some(Detection {
        severity: if key { Severity::High } else { Severity::Medium },
        image: write.image.clone(),
        target: Some(write.target.clone()),
        ..base(DetectionType::SuspiciousCertFileCreation)
    })
}

const KNOWN: &str = "A root that Windows knows enters a store of trusted ones";
const TOUCHED: &str = "A store of trusted certificates is opened for writing";

/// A certificate that is put into a store of trusted ones: `SystemCertificates\STORE\Certificates\THUMBPRINT`, in
/// whatever hive ([MS-GPEF] 2.2.1.1 and 2.2.1.2 name keys and values).
fn certificate_store(write: &Write, base: &Base<'_>) -> Option<Detection> {
    let key = write.target.to_ascii_lowercase();
    let parts: Vec<&str> = key.split('\\').collect();
    let store = parts.windows(2).find_map(|pair| {
        let [before, after] = pair else { return None };
        let of = |name: &str| STORES.iter().find(|(key, _)| *key == name).map(|(_, store)| *store);
        if *after == "certificates" { of(before) } else { of(after).filter(|_| *before == "systemcertificates") }
    })?;
    let is_thumbprint = |part: &&&str| part.len() == 40 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let thumbprint = parts.iter().find(is_thumbprint).map(|part| (*part).to_owned());
    // Publishers are no roots: nobody adds those to their store but whoever wants them trusted.
    let known = thumbprint.as_deref().filter(|_| store != "TrustedPublisher").and_then(known_root);
    let (title, severity, confidence) = match (&thumbprint, known) {
        // Only the store's own key, which Windows opens for writing all the time.
        (None, _) => (TOUCHED, Severity::Info, Confidence::Low),
        (Some(_), Some(_)) => (KNOWN, Severity::Low, Confidence::Low),
        (Some(_), None) => (DetectionType::CertStoreRegistryMod.title(), Severity::High, Confidence::High),
    };
    let blank = base(DetectionType::CertStoreRegistryMod);
    let installs = (store != "TrustedPublisher").then(|| "T1553.004".to_owned());
    Some(Detection {
        title: title.to_owned(),
        severity,
        confidence,
        attack: blank.attack.iter().cloned().chain(installs).collect(),
        known_root: known.map(str::to_owned),
        image: write.image.clone(),
        target: Some(write.target.clone()),
        store: Some(store.to_owned()),
        thumbprint_sha1: thumbprint,
        ..blank
    })
}

/// What PowerShell makes certificates, exports keys and signs with.
const CMDLETS: [&str; 3] = ["New-SelfSignedCertificate", "Export-PfxCertificate", "Set-AuthenticodeSignature"];

/// The commands in a text, as whole words.
fn cmdlets(text: &str) -> Vec<String> {
    let text = text.to_ascii_lowercase();
    let in_word = |character: char| character.is_alphanumeric() || matches!(character, '-' | '_');
    let words: Vec<&str> = text.split(|character| !in_word(character)).collect();
    let found = CMDLETS.iter().filter(|name| words.iter().any(|word| word.eq_ignore_ascii_case(name)));
    found.map(|name| (*name).to_owned()).collect()
}

fn powershell(found: Vec<String>, text: &str, detection: Detection) -> Detection {
    let lower = text.to_ascii_lowercase();
    // Certificates for web servers are made with the same command; the usage tells (RFC 5280 section 4.2.1.12).
    let signing = lower.contains("codesigning") || lower.contains("1.3.6.1.5.5.7.3.3");
    let only_makes = found.iter().all(|name| name == "New-SelfSignedCertificate");
    Detection {
        severity: if signing || !only_makes { Severity::High } else { Severity::Low },
        cmdlets: found,
        ..detection
    }
}

fn powershell_process(process: &Process, base: &Base<'_>) -> Option<Detection> {
    let renamed = runs(process, "powershell.exe").or_else(|| runs(process, "pwsh.exe"))?;
    let found = cmdlets(&process.command_line);
    if found.is_empty() {
        return None;
    }
    let detection = about(process, renamed, base(DetectionType::PowershellCodeSigning));
    Some(powershell(found, &process.command_line, detection))
}

fn powershell_script(script: &Script, base: &Base<'_>) -> Option<Detection> {
    let found = cmdlets(&script.text);
    if found.is_empty() {
        return None;
    }
    let detection = Detection {
        command_line: Some(shortened(&script.text)),
        target: script.path.clone(),
        ..base(DetectionType::PowershellCodeSigning)
    };
    Some(powershell(found, &script.text, detection))
}
