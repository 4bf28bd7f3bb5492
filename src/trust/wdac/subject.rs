//! A file, as deny rules see it, and the rule that denies it.

use super::policy::{Field, folded};
use super::rules::{AttributeRule, DenyRules, Exception, Rule, Scenarios, SignerRule};
use super::version::FileVersion;
use crate::asn1::oid_to_string;

/// Which digest a hash rule named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HashOf {
    /// The Authenticode digest.
    Authentihash,
    /// The first page: the headers, as page hashes have them.
    FirstPage,
    /// The whole file: what Windows takes for a file without an Authenticode digest.
    File,
}

/// What rules may name of a file.
#[derive(Debug, Clone, Default)]
pub struct Subject {
    /// Digests of it.
    pub hashes: Vec<(HashOf, Vec<u8>)>,
    /// Attributes of its version resource.
    pub attributes: Vec<(Field, String)>,
    /// Its fixed file version.
    pub version: Option<FileVersion>,
    /// The scenarios that it may run in.
    pub scenarios: Scenarios,
    /// Who signed it, or is said to have; the first one that is denied counts.
    pub signers: Vec<SubjectSigner>,
}

/// One signature of a file.
#[derive(Debug, Clone, Default)]
pub struct SubjectSigner {
    /// TBS hashes of the certificates of its chains, the signer's first.
    pub certificates: Vec<Vec<u8>>,
    /// Common name of the signer's certificate.
    pub publisher: Option<String>,
    /// Program name of SpcSpOpusInfo, where Microsoft states for whom it signed.
    pub program: Option<String>,
    /// Usages of the signer's certificate, content octets.
    pub usages: Vec<Vec<u8>>,
}

/// Why a file is denied.
#[derive(Debug)]
pub struct Denial<'r> {
    /// The rule that denies it.
    pub rule: &'r Rule,
    /// By what.
    pub by: DeniedBy,
    /// All that the rule asked for and found, for a person.
    pub matched: String,
}

/// What a rule named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeniedBy {
    /// A digest.
    Hash(HashOf, Vec<u8>),
    /// Attributes of the version resource.
    Attributes,
    /// A certificate of this signer's chain, by its TBS hash.
    Signer(usize, Vec<u8>),
}

impl Rule {
    /// The scenarios that it stands in, for a person.
    #[must_use]
    pub fn scenario(&self) -> &'static str {
        self.scenarios.words()
    }
}

/// A subject with its attributes ready to be compared.
struct Folded<'s> {
    subject: &'s Subject,
    attributes: Vec<(Field, Box<str>)>,
}

impl Folded<'_> {
    fn has(&self, rule: &AttributeRule) -> bool {
        rule.fields.iter().all(|wanted| self.attributes.contains(wanted)) && rule.versions.contain(self.subject.version)
    }

    fn is_excepted(&self, signer: &SignerRule) -> bool {
        signer.exceptions.iter().any(|exception| match exception {
            Exception::Hash(octets) => self.subject.hashes.iter().any(|(_, hash)| **hash == **octets),
            Exception::Attributes(rule) => self.has(rule),
        })
    }
}

impl DenyRules {
    /// The rule that denies a file: by its digest, else by its attributes, else by a signer in their order.
    #[must_use]
    pub fn find(&self, subject: &Subject) -> Option<Denial<'_>> {
        if let Some(denial) = self.by_hash(subject) {
            return Some(denial);
        }
        let attributes = subject.attributes.iter().map(|(field, value)| (*field, folded(value))).collect();
        let file = Folded { subject, attributes };
        let mut matched = self.matching_attributes(&file);
        let denies = |index: &u32| {
            let attributes = self.attribute_rule(*index)?;
            let rule = self.rule(attributes.rule?).filter(|rule| rule.scenarios.meet(subject.scenarios))?;
            Some(Denial { rule, by: DeniedBy::Attributes, matched: words(attributes, subject.version) })
        };
        if let Some(denial) = matched.iter().find_map(denies) {
            return Some(denial);
        }
        matched.sort_unstable();
        let mut signers = subject.signers.iter().enumerate();
        signers.find_map(|(number, signer)| self.by_signer(&file, &matched, number, signer))
    }

    fn rule(&self, index: u32) -> Option<&Rule> {
        self.rules.get(usize::try_from(index).ok()?)
    }

    fn attribute_rule(&self, index: u32) -> Option<&AttributeRule> {
        self.attributes.get(usize::try_from(index).ok()?)
    }

    /// A digest names those very bytes, wherever they run.
    fn by_hash(&self, subject: &Subject) -> Option<Denial<'_>> {
        subject.hashes.iter().find_map(|(of, octets)| {
            let rule = self.rule(*self.hashes.get(octets.as_slice())?)?;
            Some(Denial { rule, by: DeniedBy::Hash(*of, octets.clone()), matched: String::new() })
        })
    }

    /// Attribute rules that the file meets.
    fn matching_attributes(&self, file: &Folded<'_>) -> Vec<u32> {
        let named = file.attributes.iter().filter_map(|attribute| self.by_field.get(attribute)).flatten();
        let candidates = named.chain(&self.of_any_file).copied();
        candidates.filter(|index| self.attribute_rule(*index).is_some_and(|rule| file.has(rule))).collect()
    }

    fn by_signer(
        &self,
        file: &Folded<'_>,
        matched: &[u32],
        number: usize,
        signer: &SubjectSigner,
    ) -> Option<Denial<'_>> {
        let publisher = signer.publisher.as_deref().map(folded);
        let program = signer.program.as_deref().map(folded);
        let publishers = publisher.map(Some).into_iter().chain([None]);
        let keys = publishers.flat_map(|publisher| {
            signer.certificates.iter().map(move |octets| (octets.as_slice().into(), publisher.clone()))
        });
        for key in keys {
            for index in self.by_signer.get(&key).into_iter().flatten() {
                let Some(rule) = usize::try_from(*index).ok().and_then(|index| self.signers.get(index)) else {
                    continue;
                };
                let own = self.rule(rule.rule).filter(|own| own.scenarios.meet(file.subject.scenarios));
                let of_program = rule.oem.is_none() || rule.oem == program;
                let usages = rule.usages.iter().all(|usage| signer.usages.iter().any(|own| **own == **usage));
                let Some(own) = own.filter(|_| of_program && usages && !file.is_excepted(rule)) else { continue };
                let attributes = rule.attributes.iter().find(|index| matched.binary_search(index).is_ok());
                if attributes.is_none() && !rule.attributes.is_empty() {
                    continue;
                }
                let attributes = attributes.and_then(|index| self.attribute_rule(*index));
                let mut found: Vec<String> = Vec::new();
                found.extend(key.1.as_ref().and(signer.publisher.as_ref()).map(|name| format!("CertPublisher={name}")));
                found.extend(rule.oem.as_ref().and(signer.program.as_ref()).map(|name| format!("CertOemID={name}")));
                found.extend(rule.usages.iter().map(|usage| format!("CertEKU={}", oid_to_string(usage))));
                found.extend(attributes.map(|attributes| words(attributes, file.subject.version)));
                let by = DeniedBy::Signer(number, key.0.into_vec());
                return Some(Denial { rule: own, by, matched: found.join("; ") });
            }
        }
        None
    }
}

/// Attributes as a rule names them, and the version if that mattered.
fn words(rule: &AttributeRule, version: Option<FileVersion>) -> String {
    let mut words: Vec<String> = rule.fields.iter().map(|(field, value)| format!("{}={value}", field.name())).collect();
    if let Some(version) = version.filter(|_| !rule.versions.is_all()) {
        words.push(format!("version {version} is in {}", rule.versions));
    }
    words.join("; ")
}
