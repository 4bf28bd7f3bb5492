//! Names of the ATT&CK techniques that findings carry, for the formats that want them spelt out.
//!
//! Source: MITRE ATT&CK for Enterprise, version 17 (April 2025): names, sub-techniques and tactics as pySigma 0.11.23 has them
//! from there. Findings know techniques by number; a number without a row here goes out by itself.

/// The version that the names are from.
pub(super) const VERSION: &str = "17.0";

/// A tactic: number and name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tactic {
    /// `TA0005`.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
}

/// A technique or, with a dot in its number, a sub-technique.
#[derive(Debug)]
pub(super) struct Technique {
    /// `T1036` or `T1036.001`.
    pub id: &'static str,
    /// Its name, without that of the technique above it.
    pub name: &'static str,
    /// What it is used for.
    pub tactics: &'static [Tactic],
}

const fn tactic(id: &'static str, name: &'static str) -> Tactic {
    Tactic { id, name }
}

const EVASION: &[Tactic] = &[tactic("TA0005", "Defense Evasion")];
const RESOURCES: &[Tactic] = &[tactic("TA0042", "Resource Development")];
const ESCALATION: &[Tactic] = &[tactic("TA0004", "Privilege Escalation")];
const ACCESS: &[Tactic] = &[tactic("TA0001", "Initial Access")];
const CONTROL: &[Tactic] = &[tactic("TA0011", "Command and Control")];
const PERSISTENCE: &[Tactic] = &[tactic("TA0003", "Persistence")];
const SERVICE: &[Tactic] = &[tactic("TA0003", "Persistence"), tactic("TA0004", "Privilege Escalation")];
const HIJACK: &[Tactic] =
    &[tactic("TA0003", "Persistence"), tactic("TA0004", "Privilege Escalation"), tactic("TA0005", "Defense Evasion")];

const fn row(id: &'static str, name: &'static str, tactics: &'static [Tactic]) -> Technique {
    Technique { id, name, tactics }
}

/// Techniques in the order of their numbers.
pub(super) const TECHNIQUES: &[Technique] = &[
    row("T1014", "Rootkit", EVASION),
    row("T1027", "Obfuscated Files or Information", EVASION),
    row("T1027.001", "Binary Padding", EVASION),
    row("T1027.003", "Steganography", EVASION),
    row("T1027.009", "Embedded Payloads", EVASION),
    row("T1036", "Masquerading", EVASION),
    row("T1036.001", "Invalid Code Signature", EVASION),
    row("T1036.002", "Right-to-Left Override", EVASION),
    row("T1036.003", "Rename Legitimate Utilities", EVASION),
    row("T1036.005", "Match Legitimate Resource Name or Location", EVASION),
    row("T1036.007", "Double File Extension", EVASION),
    row("T1036.008", "Masquerade File Type", EVASION),
    row("T1068", "Exploitation for Privilege Escalation", ESCALATION),
    row("T1195", "Supply Chain Compromise", ACCESS),
    row("T1195.002", "Compromise Software Supply Chain", ACCESS),
    row("T1218", "System Binary Proxy Execution", EVASION),
    row("T1219", "Remote Access Tools", CONTROL),
    row("T1543", "Create or Modify System Process", SERVICE),
    row("T1543.003", "Windows Service", SERVICE),
    row("T1553", "Subvert Trust Controls", EVASION),
    row("T1553.002", "Code Signing", EVASION),
    row("T1553.003", "SIP and Trust Provider Hijacking", EVASION),
    row("T1553.004", "Install Root Certificate", EVASION),
    row("T1553.005", "Mark-of-the-Web Bypass", EVASION),
    row("T1553.006", "Code Signing Policy Modification", EVASION),
    row("T1554", "Compromise Host Software Binary", PERSISTENCE),
    row("T1562", "Impair Defenses", EVASION),
    row("T1562.001", "Disable or Modify Tools", EVASION),
    row("T1574", "Hijack Execution Flow", HIJACK),
    row("T1574.001", "DLL", HIJACK),
    row("T1587", "Develop Capabilities", RESOURCES),
    row("T1587.002", "Code Signing Certificates", RESOURCES),
    row("T1588", "Obtain Capabilities", RESOURCES),
    row("T1588.001", "Malware", RESOURCES),
    row("T1588.002", "Tool", RESOURCES),
    row("T1588.003", "Code Signing Certificates", RESOURCES),
];

/// The row of a number.
pub(super) fn technique(id: &str) -> Option<&'static Technique> {
    TECHNIQUES.iter().find(|row| row.id == id)
}

/// The number of the technique that a number belongs to: itself, or what stands before its dot.
pub(super) fn parent(id: &str) -> &str {
    id.split_once('.').map_or(id, |(parent, _)| parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_technique_that_findings_carry_has_a_name_and_a_parent() {
        assert!(TECHNIQUES.is_sorted_by_key(|row| row.id));
        for row in TECHNIQUES {
            assert!(technique(parent(row.id)).is_some(), "{}", row.id);
        }
        for row in crate::hunt::rows() {
            for id in row.attack {
                assert!(technique(id).is_some(), "{}: {id}", row.code);
            }
        }
    }
}
