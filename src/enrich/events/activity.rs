//! What an event tells, whoever told it: Sysmon, the Security log, PowerShell, Elastic or Falcon.

use super::super::event::Event;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Activity {
    /// A process started: Sysmon 1, Security 4688, Falcon's ProcessRollup2.
    Process(Process),
    /// An image was loaded into a process (Sysmon 7) or a driver into the kernel (Sysmon 6).
    Load(Load),
    /// A file was written: Sysmon 11 and 29, Falcon's NewExecutableWritten, PeFileWritten and GenericFileWritten.
    File(Write),
    /// A registry key or value was written: Sysmon 12 and 13, Falcon's RegGenericValueUpdate and RegistryOperationCreate.
    Registry(Write),
    /// A block of PowerShell script was compiled: PowerShell 4104.
    Script(Script),
}

/// A process that started.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Process {
    /// Its program's path, or only its name if the event says no more.
    pub image: String,
    /// The name that its version resource states.
    pub original_name: Option<String>,
    /// Its command line.
    pub command_line: String,
    /// The program of its parent.
    pub parent: Option<String>,
    /// Digests as Sysmon writes them.
    pub hashes: Option<String>,
}

/// An image that was loaded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Load {
    /// Its path.
    pub image_loaded: String,
    /// The process that loaded it; none for a driver.
    pub image: Option<String>,
    /// The signer's name as the event states it.
    pub signature: Option<String>,
    /// Whether there is a signature, as the event states it.
    pub signed: Option<String>,
    /// The signature's status as the event states it.
    pub signature_status: Option<String>,
    /// Digests as Sysmon writes them.
    pub hashes: Option<String>,
    /// Whether it is a driver.
    pub driver: bool,
}

/// Something that was written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Write {
    /// The file's path, or the registry key or value.
    pub target: String,
    /// The process that wrote.
    pub image: Option<String>,
    /// Digests of the file as Sysmon writes them.
    pub hashes: Option<String>,
}

/// A block of script.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    /// Its text.
    pub text: String,
    /// The file that it is from.
    pub path: Option<String>,
}

/// Who writes events.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Log {
    Sysmon,
    Security,
    PowerShell,
    Unknown,
    Other,
}

impl Activity {
    /// What an event tells; `None` where it is not one of those that detections read.
    #[must_use]
    pub fn of(event: &Event) -> Option<Activity> {
        if let Some(name) = &event.name {
            return falcon(event, name);
        }
        let log = log(event);
        match (event.id?, log) {
            (1, Log::Sysmon | Log::Unknown) | (4688, Log::Security | Log::Unknown) => process(event),
            (6 | 7, Log::Sysmon | Log::Unknown) => load(event),
            (11 | 29, Log::Sysmon | Log::Unknown) => {
                written(event, &["TargetFilename", "file.path"]).map(Activity::File)
            }
            (12 | 13, Log::Sysmon | Log::Unknown) => registry(event),
            (4104, Log::PowerShell | Log::Unknown) => {
                let text = event.first(&["ScriptBlockText", "powershell.file.script_block_text"])?;
                Some(Activity::Script(Script { text: text.to_owned(), path: event.get("Path").map(str::to_owned) }))
            }
            _ => None,
        }
    }
}

fn log(event: &Event) -> Log {
    let names = [event.provider.to_ascii_lowercase(), event.channel.to_ascii_lowercase()];
    let has = |part: &str| names.iter().any(|name| name.contains(part));
    match () {
        () if has("sysmon") => Log::Sysmon,
        () if has("powershell") => Log::PowerShell,
        () if has("security-auditing") || names.iter().any(|name| name == "security") => Log::Security,
        () if names.iter().all(String::is_empty) => Log::Unknown,
        () => Log::Other,
    }
}

fn process(event: &Event) -> Option<Activity> {
    let text = |names: &[&str]| event.first(names).map(str::to_owned);
    Some(Activity::Process(Process {
        image: text(&["Image", "NewProcessName", "process.executable"])?,
        original_name: text(&["OriginalFileName", "process.pe.original_file_name"]),
        command_line: text(&["CommandLine", "ProcessCommandLine", "process.command_line"]).unwrap_or_default(),
        parent: text(&["ParentImage", "ParentProcessName", "process.parent.executable"]),
        hashes: hashes(event, &["process.hash"]),
    }))
}

/// The digests of a file as Sysmon writes them, or as ECS does below one of these objects.
fn hashes(event: &Event, objects: &[&str]) -> Option<String> {
    let whole = event.get("Hashes").map(str::to_owned);
    whole
        .or_else(|| objects.iter().find_map(|object| listed(event, |name| format!("{object}.{}", name.to_lowercase()))))
}

/// Digests that have fields of their own, as one list.
fn listed(event: &Event, field: impl Fn(&str) -> String) -> Option<String> {
    let of = |name: &&str| event.get(&field(name)).map(|digest| format!("{name}={digest}"));
    let pairs: Vec<String> = ["SHA256", "SHA1", "MD5"].iter().filter_map(of).collect();
    (!pairs.is_empty()).then(|| pairs.join(","))
}

fn load(event: &Event) -> Option<Activity> {
    let text = |names: &[&str]| event.first(names).map(str::to_owned);
    Some(Activity::Load(Load {
        image_loaded: text(&["ImageLoaded", "dll.path", "file.path"])?,
        image: text(&["Image", "process.executable"]).filter(|_| event.id == Some(7)),
        signature: text(&["Signature", "dll.code_signature.subject_name", "file.code_signature.subject_name"]),
        signed: text(&["Signed", "dll.code_signature.exists", "file.code_signature.exists"]),
        signature_status: text(&["SignatureStatus", "dll.code_signature.status", "file.code_signature.status"]),
        hashes: hashes(event, &["dll.hash", "file.hash"]),
        driver: event.id == Some(6),
    }))
}

fn registry(event: &Event) -> Option<Activity> {
    // Sysmon 12 tells of deleted keys and values as well.
    if event.get("EventType").is_some_and(|kind| kind.to_ascii_lowercase().starts_with("delete")) {
        return None;
    }
    written(event, &["TargetObject", "registry.path"]).map(Activity::Registry)
}

fn written(event: &Event, targets: &[&str]) -> Option<Write> {
    let image = event.first(&["Image", "process.executable"]).map(str::to_owned);
    Some(Write { target: event.first(targets)?.to_owned(), image, hashes: hashes(event, &["file.hash"]) })
}

/// Falcon's events as the CrowdStrike Falcon Data Replicator and LogScale carry them.
fn falcon(event: &Event, name: &str) -> Option<Activity> {
    let text = |names: &[&str]| event.first(names).map(str::to_owned);
    let image = || text(&["ContextImageFileName", "ContextBaseFileName", "FileName"]);
    let digests = || listed(event, |name| format!("{name}HashData"));
    match name {
        "ProcessRollup2" | "SyntheticProcessRollup2" => Some(Activity::Process(Process {
            image: text(&["ImageFileName", "FileName"])?,
            original_name: text(&["OriginalFilename"]),
            command_line: text(&["CommandLine"]).unwrap_or_default(),
            parent: text(&["ParentImageFileName", "ParentBaseFileName"]),
            hashes: digests(),
        })),
        "NewExecutableWritten" | "PeFileWritten" | "GenericFileWritten" => {
            let image = text(&["ContextImageFileName", "ContextBaseFileName"]);
            Some(Activity::File(Write { target: text(&["TargetFileName"])?, image, hashes: digests() }))
        }
        "RegGenericValueUpdate" | "RegistryOperationCreate" => {
            Some(Activity::Registry(Write { target: text(&["RegObjectName"])?, image: image(), hashes: None }))
        }
        _ => None,
    }
}
