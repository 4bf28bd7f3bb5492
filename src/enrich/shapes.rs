//! How shippers write the events of Windows machines: the one table of field names.
//!
//! Sources: the tree of the Windows event log ([MS-EVEN6] 2.2.17); Winlogbeat and Elastic Agent (`winlog.*`) and the ECS
//! field reference (dll, file, process); NXLog (flat keys); Wazuh and Logstash (`event_data`); Sysmon's schema
//! (`sysmon -s`); Microsoft, "4688(S)"; CrowdStrike Falcon's events as the Data Replicator and LogScale carry them; Splunk
//! Common Information Model, Endpoint.

/// Where the provider is; of these as of all that follow, the first that is there counts.
pub(super) const PROVIDER: &[&str] = &[
    "Event.System.Provider.Name",
    "Event.System.Provider.#attributes.Name",
    "Event.System.Provider_attributes.Name",
    "winlog.provider_name",
    "event.provider",
    "SourceName",
    "ProviderName",
    "Provider",
];
/// Where the channel is.
pub(super) const CHANNEL: &[&str] = &["Event.System.Channel", "winlog.channel", "Channel"];
/// Where the event's number is.
pub(super) const ID: &[&str] =
    &["Event.System.EventID", "Event.System.EventID.#text", "winlog.event_id", "event.code", "EventID", "EventId"];
/// Where Falcon's name of the event is.
pub(super) const NAME: &[&str] = &["event_simpleName", "#event_simpleName", "event.event_simpleName"];
/// Where the moment is.
pub(super) const TIME: &[&str] = &[
    "Event.System.TimeCreated.SystemTime",
    "Event.System.TimeCreated.#attributes.SystemTime",
    "Event.System.TimeCreated_attributes.SystemTime",
    "@timestamp",
    "EventTime",
    "UtcTime",
    "timestamp",
];
/// Where the machine is.
pub(super) const HOST: &[&str] = &[
    "Event.System.Computer",
    "winlog.computer_name",
    "host.name",
    "host.hostname",
    "ComputerName",
    "Computer",
    "Hostname",
    "event.ComputerName",
    "MachineName",
    "DeviceName",
    "hostname",
    "host",
];
/// Columns of tables that name the machine beside those of [`HOST`]: Splunk's.
pub(super) const TABLE_HOSTS: [&str; 2] = ["dest", "dvc"];
/// Where the number of the record in its log is.
pub(super) const RECORD: &[&str] = &["Event.System.EventRecordID", "winlog.record_id", "RecordNumber"];

/// Parts that hold an event's own fields, where these are not at the top.
pub(super) const PARTS: [&str; 7] = [
    "Event.EventData",
    "Event.UserData",
    "winlog.event_data",
    "winlog.user_data",
    "EventData",
    "event_data",
    "windows.EventData",
];
/// The part of Falcon's stream, if it holds [`FALCON_NAME`]; in ECS it describes the event.
pub(super) const FALCON_PART: &str = "event";
/// What tells the two apart.
pub(super) const FALCON_NAME: &str = "event.event_simpleName";

/// A field that names a file, and those that state its digests.
pub(super) struct FileField {
    pub(super) field: &'static str,
    pub(super) hashes: &'static [&'static str],
    /// Whether the fields are looked for in the event's parts too, or only at the top.
    pub(super) in_parts: bool,
    /// The object that ECS has for such a file.
    pub(super) ecs: &'static str,
}

const fn at_top(field: &'static str, hashes: &'static [&'static str], ecs: &'static str) -> FileField {
    FileField { field, hashes, in_parts: false, ecs }
}

const fn in_parts(field: &'static str, hashes: &'static [&'static str], ecs: &'static str) -> FileField {
    FileField { field, hashes, in_parts: true, ecs }
}

const SYSMON: &[&str] = &["Hashes"];
const FALCON: &[&str] = &["SHA256HashData", "SHA1HashData", "MD5HashData"];

/// In this order, because an event that loads or writes a file names the process too.
pub(super) const FILES: [FileField; 10] = [
    at_top("dll.path", &["dll.hash.sha256", "dll.hash.sha1", "dll.hash.md5"], "dll"),
    at_top("file.path", &["file.hash.sha256", "file.hash.sha1", "file.hash.md5"], "file"),
    in_parts("ImageLoaded", SYSMON, "dll"),
    in_parts("TargetFilename", SYSMON, "file"),
    in_parts("NewProcessName", &[], "process"),
    in_parts("TargetFileName", FALCON, "file"),
    at_top("process.executable", &["process.hash.sha256", "process.hash.sha1", "process.hash.md5"], "process"),
    in_parts("Image", SYSMON, "process"),
    in_parts("ImageFileName", FALCON, "process"),
    in_parts("FilePath", FALCON, "file"),
];

/// What only tables have: Splunk's names, and those of sigscan's own CSV. In objects a `path` may be anything's.
pub(super) const TABLE_FILES: [FileField; 3] = [
    at_top("file_path", &["file_hash"], "file"),
    at_top("process_path", &["process_hash"], "process"),
    at_top("path", TABLE_HASHES, "file"),
];
/// Columns whose digests count without a path.
pub(super) const TABLE_HASHES: &[&str] = &["sha256", "sha1", "md5", "hash", "file_hash", "process_hash", "Hashes"];
