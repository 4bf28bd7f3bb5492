//! From a policy to the rules that deny something, found by what they name.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::policy::{
    DeniedSigner, Field, FileRule, FileRuleKind, Named, Policy, Scenario, Signer, Unused, folded, hex_octets,
};
use super::version::{Purpose, Versions};
use crate::crypto::DigestAlgorithm;

/// Which files a rule is for. A scenario is a bit, because a rule may stand in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scenarios(u8);

impl Scenarios {
    /// Scenario 131: drivers.
    pub const KERNEL: Scenarios = Scenarios(1);
    /// Scenario 12: everything else.
    pub const USER: Scenarios = Scenarios(2);

    /// Both of two sets.
    #[must_use]
    pub fn with(self, other: Scenarios) -> Scenarios {
        Scenarios(self.0 | other.0)
    }

    /// Whether two sets have one in common.
    #[must_use]
    pub fn meet(self, other: Scenarios) -> bool {
        self.0 & other.0 != 0
    }

    /// For a person.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self.0 {
            1 => "kernel",
            2 => "user",
            3 => "kernel and user",
            _ => "",
        }
    }
}

/// A rule that denies, by its names.
#[derive(Debug)]
pub struct Rule {
    /// ID of the Deny rule or the Signer.
    pub id: Box<str>,
    /// FriendlyName of the one, Name of the other.
    pub name: Box<str>,
    pub(super) scenarios: Scenarios,
}

/// Attributes that a file must have, all of them.
#[derive(Debug)]
pub(super) struct AttributeRule {
    pub fields: Vec<(Field, Box<str>)>,
    pub versions: Versions,
    /// The rule that denies what has them; without one a signer refers to them.
    pub rule: Option<u32>,
}

/// A denied signer.
#[derive(Debug)]
pub(super) struct SignerRule {
    pub rule: u32,
    pub oem: Option<Box<str>>,
    /// Content octets of object identifiers.
    pub usages: Vec<Box<[u8]>>,
    /// Indices of attribute rules, ascending. Without any the signer is denied whatever it signed.
    pub attributes: Vec<u32>,
    /// What is not denied all the same.
    pub exceptions: Vec<Exception>,
}

/// An allow rule that makes a denied signer conditional.
#[derive(Debug)]
pub(super) enum Exception {
    Hash(Box<[u8]>),
    Attributes(AttributeRule),
}

/// By what certificate and publisher a signer is found.
pub(super) type SignerKey = (Box<[u8]>, Option<Box<str>>);

/// The deny rules of one policy.
#[derive(Debug, Default)]
pub struct DenyRules {
    pub(super) rules: Vec<Rule>,
    pub(super) hashes: HashMap<Box<[u8]>, u32>,
    pub(super) attributes: Vec<AttributeRule>,
    /// Attribute rules by the first attribute that names one value.
    pub(super) by_field: HashMap<(Field, Box<str>), Vec<u32>>,
    /// Attribute rules that name versions of all files only.
    pub(super) of_any_file: Vec<u32>,
    pub(super) signers: Vec<SignerRule>,
    pub(super) by_signer: HashMap<SignerKey, Vec<u32>>,
    hash_algorithms: Vec<DigestAlgorithm>,
    unused: BTreeMap<Unused, usize>,
    allow_rules: usize,
}

fn number(index: usize) -> u32 {
    // Each rule has more than ten octets in a file of at most 64 MiB.
    u32::try_from(index).unwrap_or(u32::MAX)
}

impl DenyRules {
    /// The rules of a policy's XML.
    ///
    /// # Errors
    /// A sentence on why it is no policy that is read.
    pub fn read(bytes: &[u8]) -> Result<DenyRules, String> {
        Ok(DenyRules::of(&super::xml::policy(bytes)?))
    }

    /// How many rules deny something.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether nothing is denied.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The algorithms of the digests that are named. A rule does not say which of a file's digests it names.
    #[must_use]
    pub fn hash_algorithms(&self) -> &[DigestAlgorithm] {
        &self.hash_algorithms
    }

    /// Whether a version resource is needed.
    #[must_use]
    pub fn name_attributes(&self) -> bool {
        !self.attributes.is_empty() || self.signers.iter().any(|signer| !signer.exceptions.is_empty())
    }

    /// What is used, and what is not and why: one line for a person.
    #[must_use]
    pub fn note(&self) -> String {
        let by_attributes = self.attributes.iter().filter(|rule| rule.rule.is_some()).count();
        let mut note = format!(
            "rules used: {} by hash, {by_attributes} by file attributes, {} by signer",
            self.hashes.len(),
            self.signers.len()
        );
        let mut not: Vec<String> = self.unused.iter().map(|(why, count)| format!("{count} {}", why.words())).collect();
        if self.allow_rules > 0 {
            not.push(format!("{} that allow", self.allow_rules));
        }
        if !not.is_empty() {
            note.push_str("; not used: ");
            note.push_str(&not.join(", "));
        }
        note
    }

    fn pass_over(&mut self, why: Unused, count: usize) {
        if count > 0 {
            let known = self.unused.entry(why).or_default();
            *known = known.saturating_add(count);
        }
    }

    fn of(policy: &Policy) -> DenyRules {
        let mut rules = DenyRules::default();
        rules.pass_over(Unused::Test, policy.test_rules);
        rules.pass_over(Unused::Element, policy.unknown_elements);
        let mut file_rules: HashMap<&str, &FileRule> = HashMap::new();
        for rule in &policy.file_rules {
            if file_rules.contains_key(&*rule.id) {
                rules.pass_over(Unused::Repeated, 1);
            } else {
                file_rules.insert(&rule.id, rule);
            }
        }
        let mut signers: HashMap<&str, &Signer> = HashMap::new();
        for signer in &policy.signers {
            if signers.contains_key(&*signer.id) {
                rules.pass_over(Unused::Repeated, 1);
            } else {
                signers.insert(&signer.id, signer);
            }
        }
        let mut denied: Vec<(&str, Scenarios)> = Vec::new();
        let mut denied_signers: Vec<(&DeniedSigner, Scenarios)> = Vec::new();
        for scenario in &policy.scenarios {
            rules.scenario(scenario, &mut denied, &mut denied_signers);
        }
        rules.deny_files(&denied, &file_rules, policy);
        rules.deny_signers(&denied_signers, &signers, &file_rules, policy);
        rules.hash_algorithms = rules.lengths();
        rules.allow_rules = file_rules.values().filter(|rule| rule.kind == FileRuleKind::Allow).count();
        rules
    }

    fn lengths(&self) -> Vec<DigestAlgorithm> {
        let exceptions = self.signers.iter().flat_map(|signer| &signer.exceptions);
        let excepted = exceptions.filter_map(|exception| match exception {
            Exception::Hash(octets) => Some(octets.len()),
            Exception::Attributes(_) => None,
        });
        let lengths: BTreeSet<usize> = self.hashes.keys().map(|octets| octets.len()).chain(excepted).collect();
        let known = [DigestAlgorithm::Sha1, DigestAlgorithm::Sha256];
        known.into_iter().filter(|algorithm| lengths.contains(&algorithm.output_len())).collect()
    }

    fn scenario<'p>(
        &mut self,
        scenario: &'p Scenario,
        denied: &mut Vec<(&'p str, Scenarios)>,
        signers: &mut Vec<(&'p DeniedSigner, Scenarios)>,
    ) {
        let place = match scenario.number.trim() {
            "131" => Scenarios::KERNEL,
            "12" => Scenarios::USER,
            _ => {
                let count = scenario.denied.len().saturating_add(scenario.file_rules.len());
                self.pass_over(Unused::Scenario, count);
                return;
            }
        };
        self.pass_over(Unused::Inherited, usize::from(scenario.inherits));
        denied.extend(scenario.file_rules.iter().map(|id| (id.as_str(), place)));
        signers.extend(scenario.denied.iter().map(|signer| (signer, place)));
    }

    /// Enters the Deny rules that scenarios refer to.
    fn deny_files(&mut self, denied: &[(&str, Scenarios)], known: &HashMap<&str, &FileRule>, policy: &Policy) {
        let mut places: HashMap<&str, Scenarios> = HashMap::new();
        for (id, place) in denied {
            if !known.contains_key(id) {
                self.pass_over(Unused::NotThere, 1);
            }
            let places = places.entry(id).or_default();
            *places = places.with(*place);
        }
        // In the order of the file; an ID that stands there twice counts for its first rule.
        let denies = policy.file_rules.iter().filter(|rule| rule.kind == FileRuleKind::Deny);
        for rule in denies.filter(|rule| known.get(&*rule.id).is_some_and(|first| std::ptr::eq(*first, *rule))) {
            match (places.get(&*rule.id), &rule.names) {
                (None, _) => self.pass_over(Unused::NotReferred, 1),
                (Some(_), Err(why)) => self.pass_over(*why, 1),
                (Some(scenarios), Ok(named)) => self.deny_file(rule, named, *scenarios),
            }
        }
    }

    fn deny_file(&mut self, rule: &FileRule, named: &Named, scenarios: Scenarios) {
        let index = number(self.rules.len());
        match named {
            // The same digest under several IDs is one thing.
            Named::Hash(octets) if self.hashes.contains_key(octets) => {}
            Named::Hash(octets) => {
                self.hashes.insert(octets.clone(), index);
                self.rules.push(Rule { id: rule.id.clone(), name: rule.name.clone(), scenarios });
            }
            Named::Attributes { .. } => {
                let Some(attributes) = attribute_rule(named, Purpose::Deny, Some(index)) else { return };
                if attributes.fields.is_empty() {
                    self.pass_over(Unused::EveryFile, 1);
                    return;
                }
                self.add_attributes(attributes);
                self.rules.push(Rule { id: rule.id.clone(), name: rule.name.clone(), scenarios });
            }
        }
    }

    fn add_attributes(&mut self, rule: AttributeRule) -> u32 {
        let index = number(self.attributes.len());
        match rule.fields.first() {
            Some(first) => self.by_field.entry(first.clone()).or_default().push(index),
            None => self.of_any_file.push(index),
        }
        self.attributes.push(rule);
        index
    }

    /// Enters the denied signers.
    fn deny_signers(
        &mut self,
        denied: &[(&DeniedSigner, Scenarios)],
        signers: &HashMap<&str, &Signer>,
        file_rules: &HashMap<&str, &FileRule>,
        policy: &Policy,
    ) {
        // Attributes that several signers refer to are entered once.
        let mut entered: HashMap<&str, u32> = HashMap::new();
        for (denied, scenarios) in denied {
            let Some(signer) = signers.get(denied.signer.as_str()) else {
                self.pass_over(Unused::NotThere, 1);
                continue;
            };
            if let Err(why) = self.deny_signer(denied, signer, *scenarios, file_rules, policy, &mut entered) {
                self.pass_over(why, 1);
            }
        }
    }

    fn deny_signer<'p>(
        &mut self,
        denied: &DeniedSigner,
        signer: &'p Signer,
        scenarios: Scenarios,
        file_rules: &HashMap<&str, &'p FileRule>,
        policy: &Policy,
        entered: &mut HashMap<&'p str, u32>,
    ) -> Result<(), Unused> {
        let certificate = certificate(signer)?;
        let usages = signer.usages.iter().map(|id| usage(policy.usages.get(id))).collect::<Result<_, _>>()?;
        let exceptions = denied.exceptions.iter().map(|id| exception(file_rules, id)).collect::<Result<_, _>>()?;
        let mut attributes = Vec::new();
        for id in &signer.attributes {
            let id = id.as_str();
            if let Some(index) = entered.get(id) {
                attributes.push(*index);
                continue;
            }
            let rule = file_rules.get(id).filter(|rule| rule.kind == FileRuleKind::Attributes);
            match rule.map(|rule| &rule.names) {
                None => self.pass_over(Unused::NotThere, 1),
                Some(Err(why)) => self.pass_over(*why, 1),
                Some(Ok(named)) => match attribute_rule(named, Purpose::Deny, None) {
                    None => self.pass_over(Unused::Unreadable, 1), // a hash, which is no attribute
                    Some(rule) => {
                        let index = self.add_attributes(rule);
                        entered.insert(id, index);
                        attributes.push(index);
                    }
                },
            }
        }
        if attributes.is_empty() && !signer.attributes.is_empty() {
            return Ok(()); // counted above; without its attributes it would deny everything that it signed
        }
        attributes.sort_unstable();
        attributes.dedup();
        let (rule, index) = (number(self.rules.len()), number(self.signers.len()));
        let key = (certificate, signer.publisher.as_deref().map(folded));
        self.by_signer.entry(key).or_default().push(index);
        let oem = signer.oem.as_deref().map(folded);
        self.signers.push(SignerRule { rule, oem, usages, attributes, exceptions });
        self.rules.push(Rule { id: signer.id.as_str().into(), name: signer.name.as_str().into(), scenarios });
        Ok(())
    }
}

/// The TBS hash that a signer is known by.
fn certificate(signer: &Signer) -> Result<Box<[u8]>, Unused> {
    if signer.issuer {
        return Err(Unused::Issuer);
    }
    if signer.sign_time_after {
        return Err(Unused::SignTime);
    }
    match signer.root_type.as_str() {
        "TBS" => {
            let octets = hex_octets(&signer.root).filter(|octets| matches!(octets.len(), 16 | 20 | 32 | 48 | 64));
            octets.ok_or(Unused::Unreadable)
        }
        "Wellknown" => Err(Unused::WellKnownRoot),
        _ => Err(Unused::Unreadable),
    }
}

/// Content octets of a usage. Policies write its DER with tag 1 in place of 6.
fn usage(value: Option<&String>) -> Result<Box<[u8]>, Unused> {
    let octets = hex_octets(value.ok_or(Unused::NotThere)?).ok_or(Unused::Unreadable)?;
    match &*octets {
        [1 | 6, length, oid @ ..] if usize::from(*length) == oid.len() && !oid.is_empty() => Ok(oid.into()),
        _ => Err(Unused::Unreadable),
    }
}

fn exception(file_rules: &HashMap<&str, &FileRule>, id: &str) -> Result<Exception, Unused> {
    let rule = file_rules.get(id).filter(|rule| rule.kind == FileRuleKind::Allow).ok_or(Unused::NotThere)?;
    match &rule.names {
        Ok(Named::Hash(octets)) => Ok(Exception::Hash(octets.clone())),
        Ok(named) => attribute_rule(named, Purpose::Allow, None).map(Exception::Attributes).ok_or(Unused::Exception),
        Err(_) => Err(Unused::Exception),
    }
}

/// Attributes to compare; `*` stands for any value and is left out. `None` for a hash.
fn attribute_rule(named: &Named, purpose: Purpose, rule: Option<u32>) -> Option<AttributeRule> {
    let Named::Attributes { fields, minimum, maximum } = named else { return None };
    let fields = fields.iter().filter(|(_, value)| &**value != "*").cloned().collect();
    Some(AttributeRule { fields, versions: Versions::new(*minimum, *maximum, purpose), rule })
}
