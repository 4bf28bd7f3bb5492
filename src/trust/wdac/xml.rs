//! A policy's XML, as its author wrote it: elements that say what is denied, and what else stands there by number.
//!
//! Bounds: the file's size (the caller's), [`MAX_DEPTH`] levels, [`MAX_ATTRIBUTES`] attributes of one element and
//! [`MAX_VALUE`] octets in one of them. Nothing is expanded: a document type declaration is refused, and so is an entity
//! that XML does not define by itself. Only the elements' places count, as Microsoft's schema (`cipolicy.xsd`) has them.

use std::borrow::Cow;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesDecl, BytesStart, Event};
use quick_xml::reader::Reader;

use super::policy::{DeniedSigner, Policy, Scenario, Signer, file_rule};

/// Levels of elements; a policy has six.
const MAX_DEPTH: usize = 16;
/// Attributes of one element; a policy's rule has thirteen at most.
const MAX_ATTRIBUTES: usize = 32;
/// Octets of one attribute's value: the longest that the schema allows is a path of 32,767 characters.
const MAX_VALUE: usize = 4 * 32_767;
/// The namespace of policies.
const NAMESPACE: &str = "urn:schemas-microsoft-com:sipolicy";

/// Reads a policy.
///
/// # Errors
/// A sentence on why the bytes are no policy, or none that is read.
pub(super) fn policy(bytes: &[u8]) -> Result<Policy, String> {
    let text = text(bytes)?;
    let mut reader = Reader::from_str(&text);
    let mut builder = Builder::default();
    loop {
        let event = reader.read_event().map_err(|error| at(&reader, &plain(&error.to_string())))?;
        let step = match event {
            Event::Start(tag) => builder.open(&tag),
            Event::Empty(tag) => builder.open(&tag).map(|()| builder.close()),
            Event::End(_) => {
                builder.close();
                Ok(())
            }
            Event::DocType(_) => Err("a document type declaration, which no policy has".to_owned()),
            Event::GeneralRef(name) => match name.resolve_char_ref() {
                Ok(Some(_)) => Ok(()),
                _ if quick_xml::escape::resolve_predefined_entity(&name.xml10_content()).is_some() => Ok(()),
                _ => Err("an entity that is not XML's own".to_owned()),
            },
            Event::Decl(declaration) => encoding(&declaration),
            Event::Text(_) | Event::CData(_) | Event::Comment(_) | Event::PI(_) => Ok(()),
            Event::Eof => break,
        };
        step.map_err(|why| at(&reader, &why))?;
    }
    if !builder.open.is_empty() {
        return Err("the XML ends within an element".to_owned());
    }
    if builder.prefix.is_none() {
        return Err("there is no element in it".to_owned());
    }
    Ok(builder.policy)
}

fn at(reader: &Reader<&[u8]>, why: &str) -> String {
    format!("before byte {} of the text: {why}", reader.buffer_position())
}

/// A parser's message, which may quote the file.
fn plain(text: &str) -> String {
    text.chars().take(200).flat_map(char::escape_debug).collect()
}

/// The text of an XML file: UTF-8, or UTF-16 with its mark.
fn text(bytes: &[u8]) -> Result<Cow<'_, str>, String> {
    let utf16 = |rest: &[u8], unit: fn([u8; 2]) -> u16| -> Result<Cow<'static, str>, String> {
        if !rest.len().is_multiple_of(2) {
            return Err("it is UTF-16 with half a character at its end".to_owned());
        }
        let units = rest.chunks_exact(2).map(|pair| unit(pair.try_into().unwrap_or_default()));
        let text: Result<String, _> = char::decode_utf16(units).collect();
        text.map(Cow::Owned).map_err(|_| "it is UTF-16 with half a pair of surrogates".to_owned())
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => {
            let rest = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            if let Some(what) = no_xml(rest) {
                return Err(format!("{what}; the policy's XML is read"));
            }
            let text = std::str::from_utf8(rest);
            text.map(Cow::Borrowed).map_err(|error| format!("it is no UTF-8 at byte {}", error.valid_up_to()))
        }
    }
}

/// What a file is that is no XML, for a person.
fn no_xml(bytes: &[u8]) -> Option<&'static str> {
    /// PolicyTypeID {A244370E-44C9-4C06-B551-F6016E563076} behind the four octets of the format's version.
    const POLICY_TYPE: [u8; 16] = *b"\x0e\x37\x44\xa2\xc9\x44\x06\x4c\xb5\x51\xf6\x01\x6e\x56\x30\x76";
    match bytes {
        [b'P', b'K', 3, 4, ..] => Some("it is a ZIP archive"),
        [b'<', 0, ..] | [0, b'<', ..] => Some("it is UTF-16 without a byte order mark"),
        [0x30, 0x80..=0x84, ..] => Some("it is a signed binary policy (PKCS#7)"),
        _ if bytes.get(4..20) == Some(&POLICY_TYPE) => Some("it is a binary policy"),
        _ if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'<') => Some("it is no XML"),
        _ => None,
    }
}

/// The text has been decoded by its mark; a declaration of something else would have meant other characters.
fn encoding(declaration: &BytesDecl<'_>) -> Result<(), String> {
    match declaration.encoding() {
        None => Ok(()),
        Some(Ok(name)) if ["utf-8", "utf-16", "us-ascii"].iter().any(|known| name.eq_ignore_ascii_case(known)) => {
            Ok(())
        }
        Some(_) => Err("an encoding other than UTF-8 and UTF-16".to_owned()),
    }
}

/// Where an element stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Policy,
    FileRules,
    Ekus,
    Signers,
    Signer,
    Scenarios,
    Scenario,
    Product,
    ProductDenied,
    ProductDeniedSigner,
    ProductReferences,
    /// TestSigners and TestSigningSigners, and what is in them.
    Test,
    /// An element without children.
    Leaf,
    /// Something that denies nothing, with all that is in it.
    Aside,
}

#[derive(Default)]
struct Builder {
    policy: Policy,
    open: Vec<Place>,
    /// The root's own prefix, which all elements of a policy share.
    prefix: Option<String>,
}

/// The attributes of one element.
pub(super) struct Attributes(Vec<(String, String)>);

impl Attributes {
    fn of(tag: &BytesStart<'_>) -> Result<Attributes, String> {
        let mut list = Vec::new();
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|error| plain(&error.to_string()))?;
            if list.len() >= MAX_ATTRIBUTES {
                return Err(format!("an element with more than {MAX_ATTRIBUTES} attributes"));
            }
            if attribute.value.len() > MAX_VALUE {
                return Err(format!("an attribute of more than {MAX_VALUE} bytes"));
            }
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            let value = value.map_err(|_| "an attribute with an entity that is not XML's own".to_owned())?;
            list.push((attribute.key.as_ref().to_owned(), value.into_owned()));
        }
        Ok(Attributes(list))
    }

    /// The value of an attribute, once.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let place = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.swap_remove(place).1)
    }
}

impl Builder {
    fn open(&mut self, tag: &BytesStart<'_>) -> Result<(), String> {
        if self.open.len() >= MAX_DEPTH {
            return Err(format!("more than {MAX_DEPTH} levels of elements"));
        }
        let mut attributes = Attributes::of(tag)?;
        let (name, prefix) = (tag.local_name(), tag.name().prefix());
        let (name, prefix) = (name.as_ref(), prefix.as_ref().map_or("", AsRef::as_ref));
        let parent = self.open.last().copied();
        let place = match (parent, &self.prefix) {
            (None, None) => {
                let declaration = if prefix.is_empty() { "xmlns".to_owned() } else { format!("xmlns:{prefix}") };
                if name != "SiPolicy" || attributes.take(&declaration).as_deref() != Some(NAMESPACE) {
                    return Err("the first element is no SiPolicy, so this is no App Control policy".to_owned());
                }
                self.prefix = Some(prefix.to_owned());
                Place::Policy
            }
            (None, Some(_)) => return Err("a second element beside the first".to_owned()),
            (Some(parent), own) if own.as_deref() == Some(prefix) => self.child(parent, name, &mut attributes),
            (Some(Place::Aside), _) => Place::Aside,
            (Some(_), _) => self.unknown(),
        };
        self.open.push(place);
        Ok(())
    }

    fn close(&mut self) {
        self.open.pop();
    }

    fn unknown(&mut self) -> Place {
        self.policy.unknown_elements = self.policy.unknown_elements.saturating_add(1);
        Place::Aside
    }

    /// Where a child stands; what it says goes into the policy.
    fn child(&mut self, parent: Place, name: &str, attributes: &mut Attributes) -> Place {
        let mut value = |name| attributes.take(name).unwrap_or_default();
        match (parent, name) {
            (Place::Aside, _) => return Place::Aside,
            (Place::Policy, "FileRules") => return Place::FileRules,
            (Place::Policy, "EKUs") => return Place::Ekus,
            (Place::Policy, "Signers") => return Place::Signers,
            (Place::Policy, "SigningScenarios") => return Place::Scenarios,
            (
                Place::Policy,
                "VersionEx"
                | "PolicyTypeID"
                | "PlatformID"
                | "PolicyID"
                | "BasePolicyID"
                | "Rules"
                | "UpdatePolicySigners"
                | "CiSigners"
                | "HvciOptions"
                | "Settings"
                | "Macros"
                | "SupplementalPolicySigners"
                | "AppSettings",
            ) => return Place::Aside,
            (Place::FileRules, _) => match file_rule(name, attributes) {
                Some(rule) => self.policy.file_rules.push(rule),
                None => return self.unknown(),
            },
            (Place::Ekus, "EKU") => {
                let (id, value) = (value("ID"), value("Value"));
                self.policy.usages.insert(id, value);
            }
            (Place::Signers, "Signer") => {
                let (id, name) = (value("ID"), value("Name"));
                let after = attributes.take("SignTimeAfter").is_some();
                self.policy.signers.push(Signer { id, name, sign_time_after: after, ..Signer::default() });
                return Place::Signer;
            }
            (Place::Signer, name) => return self.of_signer(name, attributes),
            (Place::Scenarios, "SigningScenario") => {
                let inherits = attributes.take("InheritedScenarios").is_some_and(|text| !text.trim().is_empty());
                let number = attributes.take("Value").unwrap_or_default();
                self.policy.scenarios.push(Scenario { number, inherits, ..Scenario::default() });
                return Place::Scenario;
            }
            (Place::Scenario, "ProductSigners") => return Place::Product,
            (Place::Scenario, "TestSigners" | "TestSigningSigners") => return Place::Test,
            (Place::Scenario, "AppIDTags") => return Place::Aside,
            (Place::Product, "DeniedSigners") => return Place::ProductDenied,
            (Place::Product, "FileRulesRef") => return Place::ProductReferences,
            // Not counted among the signers that are not used: an allowed signer names nothing that is bad.
            (Place::Product | Place::Test, "AllowedSigners") => return Place::Aside,
            (Place::Test, "DeniedSigners" | "FileRulesRef" | "ExceptAllowRule") => return Place::Test,
            (Place::Test, "DeniedSigner" | "FileRuleRef") => {
                self.policy.test_rules = self.policy.test_rules.saturating_add(1);
                return Place::Test;
            }
            _ => return self.of_scenario(parent, name, attributes),
        }
        Place::Leaf
    }

    /// What is denied in a scenario.
    fn of_scenario(&mut self, parent: Place, name: &str, attributes: &mut Attributes) -> Place {
        let Some(scenario) = self.policy.scenarios.last_mut() else { return self.unknown() };
        let mut value = |name| attributes.take(name).unwrap_or_default();
        match (parent, name) {
            (Place::ProductDenied, "DeniedSigner") => {
                scenario.denied.push(DeniedSigner { signer: value("SignerId"), exceptions: Vec::new() });
                Place::ProductDeniedSigner
            }
            (Place::ProductDeniedSigner, "ExceptAllowRule") => {
                let rule = value("AllowRuleID");
                if let Some(denied) = scenario.denied.last_mut() {
                    denied.exceptions.push(rule);
                }
                Place::Leaf
            }
            (Place::ProductReferences, "FileRuleRef") => {
                scenario.file_rules.push(value("RuleID"));
                Place::Leaf
            }
            _ => self.unknown(),
        }
    }

    fn of_signer(&mut self, name: &str, attributes: &mut Attributes) -> Place {
        let Some(signer) = self.policy.signers.last_mut() else { return self.unknown() };
        let mut value = |name| attributes.take(name).unwrap_or_default();
        match name {
            "CertRoot" => {
                signer.root_type = value("Type");
                signer.root = value("Value");
            }
            "CertPublisher" => signer.publisher = Some(value("Value")),
            "CertOemID" => signer.oem = Some(value("Value")),
            "CertIssuer" => signer.issuer = true,
            "CertEKU" => signer.usages.push(value("ID")),
            "FileAttribRef" => signer.attributes.push(value("RuleID")),
            _ => return self.unknown(),
        }
        Place::Leaf
    }
}
