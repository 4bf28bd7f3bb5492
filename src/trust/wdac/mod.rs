//! App Control policies (WDAC, SiPolicy) as lists of what is denied, such as Microsoft's vulnerable driver block-list.
//!
//! A policy decides what may run on a machine; sigscan asks it only what it denies. What a policy allows suppresses nothing,
//! because every list of this kind allows all else ("allow all" rules), and Windows asks deny rules first. The exceptions of
//! a denied signer are part of its denial, and are looked at. Rules that need more than the file are counted in
//! [`DenyRules::note`] and not used: paths on a machine, packages, applications that load something.
//!
//! Sources: Microsoft, "Understand App Control for Business policy rules and file rules", "Guidance on creating App Control
//! deny policies", "Microsoft recommended driver block rules", and the schema `cipolicy.xsd`.

mod policy;
mod rules;
mod subject;
mod version;
mod xml;

#[cfg(test)]
mod tests;

pub use policy::Field;
pub use rules::{DenyRules, Rule, Scenarios};
pub use subject::{Denial, DeniedBy, HashOf, Subject, SubjectSigner};
pub use version::FileVersion;
