//! What a policy's XML says, before anything is looked up in it.

use std::collections::HashMap;

use super::version::FileVersion;
use super::xml::Attributes;

/// A policy as it stands.
#[derive(Debug, Default)]
pub(super) struct Policy {
    pub file_rules: Vec<FileRule>,
    /// Values of usages by their IDs.
    pub usages: HashMap<String, String>,
    pub signers: Vec<Signer>,
    pub scenarios: Vec<Scenario>,
    /// References in TestSigners and TestSigningSigners.
    pub test_rules: usize,
    /// Elements that the schema does not have where they stand.
    pub unknown_elements: usize,
}

/// What a file rule is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileRuleKind {
    Allow,
    Deny,
    /// Attributes that a signer refers to.
    Attributes,
}

/// An attribute of a file's version resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// OriginalFilename, which policies call FileName.
    FileName,
    /// InternalName.
    InternalName,
    /// FileDescription.
    FileDescription,
    /// ProductName.
    ProductName,
}

impl Field {
    /// All, in the order of the schema.
    pub const ALL: [Field; 4] = [Field::FileName, Field::InternalName, Field::FileDescription, Field::ProductName];

    /// The attribute's name in a policy.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Field::FileName => "FileName",
            Field::InternalName => "InternalName",
            Field::FileDescription => "FileDescription",
            Field::ProductName => "ProductName",
        }
    }
}

/// Why a rule is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unused {
    FilePath,
    Package,
    Application,
    EveryFile,
    Unreadable,
    Repeated,
    NotReferred,
    NotThere,
    WellKnownRoot,
    Issuer,
    SignTime,
    Exception,
    Scenario,
    Inherited,
    Test,
    Element,
}

impl Unused {
    /// What there is so many of, for a person.
    pub(super) fn words(self) -> &'static str {
        match self {
            Unused::FilePath => "by file path",
            Unused::Package => "by package",
            Unused::Application => "for single applications (AppIDs)",
            Unused::EveryFile => "that name every file",
            Unused::Unreadable => "whose values cannot be read",
            Unused::Repeated => "with an ID that another has",
            Unused::NotReferred => "that no signing scenario refers to",
            Unused::NotThere => "that refer to what is not there",
            Unused::WellKnownRoot => "by the number of a well-known root",
            Unused::Issuer => "by issuer (CertIssuer)",
            Unused::SignTime => "by time of signing (SignTimeAfter)",
            Unused::Exception => "with an exception that cannot be looked at",
            Unused::Scenario => "of signing scenarios other than 131 and 12",
            Unused::Inherited => "signing scenarios that inherit from others",
            Unused::Test => "for test signing",
            Unused::Element => "elements of unknown meaning",
        }
    }
}

/// One of Deny, Allow and FileAttrib.
#[derive(Debug)]
pub(super) struct FileRule {
    pub kind: FileRuleKind,
    pub id: Box<str>,
    pub name: Box<str>,
    /// What it names, or why that is not used.
    pub names: Result<Named, Unused>,
}

/// What a file rule names.
#[derive(Debug)]
pub(super) enum Named {
    /// A digest: the Authenticode digest of a file, that of its first page, or, for what is no PE file, of all of it.
    Hash(Box<[u8]>),
    /// Attributes of the version resource, each in lower case, and the bounds of the version.
    Attributes { fields: Vec<(Field, Box<str>)>, minimum: Option<FileVersion>, maximum: Option<FileVersion> },
}

/// How attributes are compared: without case.
pub(super) fn folded(text: &str) -> Box<str> {
    text.to_lowercase().into_boxed_str()
}

/// The octets of a hexBinary value.
pub(super) fn hex_octets(text: &str) -> Option<Box<[u8]>> {
    let digits = text.trim().as_bytes();
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => Some((value(*high)? << 4) | value(*low)?),
        _ => None,
    });
    pairs.collect::<Option<Vec<u8>>>().map(Vec::into_boxed_slice)
}

/// The file rule that an element is; `None` for another element.
pub(super) fn file_rule(element: &str, attributes: &mut Attributes) -> Option<FileRule> {
    let kind = match element {
        "Allow" => FileRuleKind::Allow,
        "Deny" => FileRuleKind::Deny,
        "FileAttrib" => FileRuleKind::Attributes,
        // The general element of newer schemas (RuleTypeType).
        "FileRule" => match attributes.take("Type")?.as_str() {
            "Match" => FileRuleKind::Allow,
            "Exclude" => FileRuleKind::Deny,
            "Attribute" => FileRuleKind::Attributes,
            _ => return None,
        },
        _ => return None,
    };
    let mut text = |name| attributes.take(name).unwrap_or_default().into_boxed_str();
    let (id, name) = (text("ID"), text("FriendlyName"));
    Some(FileRule { kind, id, name, names: named(attributes) })
}

fn named(attributes: &mut Attributes) -> Result<Named, Unused> {
    let mut given = |name| attributes.take(name).filter(|value| !value.is_empty());
    let (package, version) = (given("PackageFamilyName"), given("PackageVersion"));
    if given("FilePath").is_some() {
        return Err(Unused::FilePath);
    }
    if package.is_some() || version.is_some() {
        return Err(Unused::Package);
    }
    if given("AppIDs").is_some() {
        return Err(Unused::Application);
    }
    if let Some(hash) = given("Hash") {
        let octets = hex_octets(&hash).filter(|octets| matches!(octets.len(), 20 | 32));
        return octets.map(Named::Hash).ok_or(Unused::Unreadable);
    }
    let mut bound = |name| match given(name) {
        None => Ok(None),
        Some(text) => FileVersion::parse(&text).map(Some).ok_or(Unused::Unreadable),
    };
    let (minimum, maximum) = (bound("MinimumFileVersion")?, bound("MaximumFileVersion")?);
    let fields: Vec<_> =
        Field::ALL.into_iter().filter_map(|field| Some((field, folded(&given(field.name())?)))).collect();
    if fields.is_empty() { Err(Unused::Unreadable) } else { Ok(Named::Attributes { fields, minimum, maximum }) }
}

/// A Signer.
#[derive(Debug, Default)]
pub(super) struct Signer {
    pub id: String,
    pub name: String,
    pub root_type: String,
    pub root: String,
    pub publisher: Option<String>,
    pub oem: Option<String>,
    pub issuer: bool,
    pub sign_time_after: bool,
    /// IDs of usages.
    pub usages: Vec<String>,
    /// IDs of file attributes.
    pub attributes: Vec<String>,
}

/// A DeniedSigner.
#[derive(Debug)]
pub(super) struct DeniedSigner {
    pub signer: String,
    /// IDs of allow rules that make it conditional.
    pub exceptions: Vec<String>,
}

/// A SigningScenario.
#[derive(Debug, Default)]
pub(super) struct Scenario {
    /// 131 for the kernel, 12 for user mode.
    pub number: String,
    pub inherits: bool,
    pub denied: Vec<DeniedSigner>,
    /// IDs of file rules.
    pub file_rules: Vec<String>,
}
