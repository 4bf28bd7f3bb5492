//! What is known to be harmless and left out.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::judge::Status;
use crate::record::{Detection, DetectionType, SignatureState, Witness};

/// Patterns as a person writes them: `*` and `?` match anything, case does not matter.
#[derive(Debug, Clone, Default)]
pub struct TuningArguments {
    /// Files and registry keys.
    pub paths: Vec<String>,
    /// Signers.
    pub signers: Vec<String>,
    /// Programs that act.
    pub images: Vec<String>,
    /// Programs that start them.
    pub parents: Vec<String>,
    /// Machines.
    pub hosts: Vec<String>,
    /// Rules of several conditions, all of which must hold: `host=BUILD*, type=SigntoolSigning`.
    pub rules: Vec<String>,
}

/// What a condition looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    Type,
    Host,
    User,
    Image,
    Parent,
    Command,
    Path,
    Store,
    Signer,
}

impl Subject {
    const ALL: [(&'static str, Subject); 9] = [
        ("type", Subject::Type),
        ("host", Subject::Host),
        ("user", Subject::User),
        ("image", Subject::Image),
        ("parent", Subject::Parent),
        ("command", Subject::Command),
        ("path", Subject::Path),
        ("store", Subject::Store),
        ("signer", Subject::Signer),
    ];

    fn named(name: &str) -> Option<Subject> {
        Subject::ALL.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, subject)| *subject)
    }
}

/// One condition: the subject matches one of the patterns.
#[derive(Debug, Clone)]
struct Condition {
    subject: Subject,
    patterns: GlobSet,
}

/// What is left out: a detection that meets all conditions of a rule.
#[derive(Debug, Clone, Default)]
pub struct Tuning {
    rules: Vec<Vec<Condition>>,
}

impl Tuning {
    /// Compiles patterns.
    ///
    /// # Errors
    /// The first that is not well formed, in a sentence.
    pub fn new(arguments: &TuningArguments) -> Result<Tuning, String> {
        let single = [
            (Subject::Path, &arguments.paths, "--exclude-path"),
            (Subject::Signer, &arguments.signers, "--exclude-signer"),
            (Subject::Image, &arguments.images, "--exclude-image"),
            (Subject::Parent, &arguments.parents, "--exclude-parent"),
            (Subject::Host, &arguments.hosts, "--exclude-host"),
        ];
        let mut rules = Vec::new();
        for (subject, patterns, option) in single {
            if !patterns.is_empty() {
                let patterns = set(patterns).map_err(|error| format!("{option}: {error}"))?;
                rules.push(vec![Condition { subject, patterns }]);
            }
        }
        for text in &arguments.rules {
            rules.push(rule(text).map_err(|error| format!("--exclude {text}: {error}"))?);
        }
        Ok(Tuning { rules })
    }

    /// Whether a detection is known to be harmless.
    #[must_use]
    pub fn excludes(&self, detection: &Detection) -> bool {
        self.rules.iter().any(|rule| rule.iter().all(|condition| condition.holds(detection)))
    }
}

impl Condition {
    fn holds(&self, detection: &Detection) -> bool {
        let path = |path: &Option<String>| path.as_deref().is_some_and(|path| names(&self.patterns, path));
        let text = |text: Option<&str>| text.is_some_and(|text| self.patterns.is_match(text.replace('\\', "/")));
        match self.subject {
            Subject::Type => text(Some(detection.detection_type.name())),
            Subject::Host => text(detection.event.host.as_deref()),
            Subject::User => path(&detection.user),
            Subject::Image => path(&detection.image),
            Subject::Parent => path(&detection.parent_image),
            Subject::Command => text(detection.command_line.as_deref()),
            Subject::Path => path(&detection.target),
            Subject::Store => text(detection.store.as_deref()),
            Subject::Signer => detection.signature.as_ref().is_some_and(|state| knows(&self.patterns, state)),
        }
    }
}

/// Whether a signer is excluded. By name only where the name is proven: an intact signature of an expired
/// certificate, whether the file shows it or Windows said so. Anybody may put any name into a certificate that nobody
/// vouches for, so that takes the certificate's SHA-1.
fn knows(patterns: &GlobSet, state: &SignatureState) -> bool {
    let by_thumbprint = state.thumbprint_sha1.as_deref().is_some_and(|thumbprint| patterns.is_match(thumbprint));
    let intact = state.signer_verified || state.from == Witness::Event;
    let proven = state.status == Status::Expired && intact;
    state.signer_verified && by_thumbprint || proven && patterns.is_match(&state.signer)
}

/// `KEY=GLOB, KEY=GLOB`; a comma belongs to the pattern before it unless a key and `=` follow.
fn rule(text: &str) -> Result<Vec<Condition>, String> {
    let mut parts: Vec<(Subject, String)> = Vec::new();
    for part in text.split(',') {
        let pair = part.split_once('=').map(|(key, pattern)| (key.trim(), pattern.trim()));
        match (pair.and_then(|(key, pattern)| Some((Subject::named(key)?, pattern))), parts.last_mut()) {
            (Some((subject, pattern)), _) => parts.push((subject, pattern.to_owned())),
            (None, Some((_, pattern))) => {
                pattern.push(',');
                pattern.push_str(part.trim_end());
            }
            (None, None) => {
                let keys = Subject::ALL.map(|(name, _)| name).join(", ");
                return Err(format!("KEY=GLOB, with several separated by commas; KEY is one of {keys}"));
            }
        }
    }
    let compile = |(subject, pattern): (Subject, String)| {
        if pattern.is_empty() {
            return Err("a pattern that is empty".to_owned());
        }
        check_type(subject, &pattern)?;
        let patterns = set(&[pattern]).map_err(|error| error.to_string())?;
        Ok(Condition { subject, patterns })
    };
    parts.into_iter().map(compile).collect()
}

/// A type that does not exist would leave out nothing, silently.
fn check_type(subject: Subject, pattern: &str) -> Result<(), String> {
    let known = DetectionType::ALL.iter().any(|kind| kind.name().eq_ignore_ascii_case(pattern));
    if subject != Subject::Type || known || pattern.contains(['*', '?', '[', '{']) {
        return Ok(());
    }
    Err(format!("type is one of {}", DetectionType::ALL.map(DetectionType::name).join(", ")))
}

fn set(patterns: &[String]) -> Result<GlobSet, globset::Error> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let pattern = pattern.replace('\\', "/");
        set.add(GlobBuilder::new(&pattern).case_insensitive(true).literal_separator(false).build()?);
    }
    set.build()
}

/// Whether a pattern matches the whole path or its last component.
fn names(set: &GlobSet, path: &str) -> bool {
    let path = path.replace('\\', "/");
    set.is_match(&path) || path.rsplit('/').next().is_some_and(|name| set.is_match(name))
}
