//! Findings about several files.

use super::{CERTIFICATES, CODE_SIGNING, MASQUERADING, Row};
use crate::record::{Confidence, Severity};

/// Rows in the order of their codes.
pub(super) const ROWS: &[Row] = &[
    Row {
        code: "X201",
        title: "One signature, several contents",
        severity: Severity::Critical,
        confidence: Confidence::Proof,
        attack: &[MASQUERADING],
        condition: "Files carry the same PKCS#7 (bytes behind it left out) and have different Authenticode digests.",
        why: "A signature is made over one content. At most one of these is what was signed; the others carry a \
              signature that was cut out of it, as SigThief and MetaTwin do, or were changed after signing.",
        todo: "Treat every member but the donor as falsely signed, whatever name it shows. The donor, if it was among \
               the files, is the honest original. Where records disagree about what this signature was made for \
               (contradictory_digests), one of them was made up, and none is named as the donor.",
        false_positives: "Copies of one file of which some were damaged or patched after signing: equally not what \
                          was signed, but nobody's disguise.",
        references: &["https://attack.mitre.org/techniques/T1036/001/", "https://github.com/secretsquirrel/SigThief"],
    },
    Row {
        code: "X202",
        title: "One signature in several wrappings",
        severity: Severity::Critical,
        confidence: Confidence::Proof,
        attack: &[MASQUERADING],
        condition: "Files with different Authenticode digests share the octets of the signer's signature, in PKCS#7 \
                    structures that differ.",
        why: "The signer signed once. Somebody took the signature over and changed what lies around it: certificates, \
              unsigned attributes, a tag.",
        todo: "As for X201: at most one member is what was signed.",
        false_positives: "Copies that were damaged after signing, of a file that was tagged by its vendor.",
        references: &["https://attack.mitre.org/techniques/T1036/001/"],
    },
    Row {
        code: "X203",
        title: "The donor of a signature",
        severity: Severity::High,
        confidence: Confidence::Proof,
        attack: &[MASQUERADING],
        condition: "The content that a file's signature was made for is that of another file of the scan, which does \
                    not carry this signature itself.",
        why: "It names the file that the signature was taken from, although that one is unsigned by now or signed \
              anew.",
        todo: "Compare the two: what the donor is, the carrier pretends to be.",
        false_positives: "An unsigned build beside a signed copy that was changed after signing.",
        references: &["https://attack.mitre.org/techniques/T1036/001/"],
    },
    Row {
        code: "X204",
        title: "One issuer and serial number, several certificates",
        severity: Severity::Critical,
        confidence: Confidence::Proof,
        attack: &[MASQUERADING, CERTIFICATES],
        condition: "Signers' certificates name the same issuer and serial number and differ, and not all of them are \
                    their own issuer. Issuers of one common name are one here, whatever else their names say. Critical where one of them leads to a trusted root and another does not, or to \
                    none that can be found, else medium.",
        why: "An authority gives a number once. A second certificate with it is a copy with another key, as CarbonCopy \
              and LimeLighter make.",
        todo: "Believe only the one that leads to a trusted root, and look for the other's thumbprint elsewhere.",
        false_positives: "Test authorities that count from one again. Certificates that signed themselves share small \
                          numbers by habit; they are left out.",
        references: &[
            "https://github.com/paranoidninja/CarbonCopy",
            "https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.2",
        ],
    },
    Row {
        code: "X205",
        title: "One name, several keys, and only one of them trusted",
        severity: Severity::Critical,
        confidence: Confidence::High,
        attack: &[MASQUERADING, CERTIFICATES],
        condition: "Signers have the same subject (string types, case and white space put aside) and different keys; one leads to a trusted root, another signed \
                    itself (critical), ends at a root that is not trusted (medium) or leads to none (low), whatever else is \
                    wrong with it. A key of which files say both is no trusted one where there is another.",
        why: "Somebody made a certificate in the name of a publisher whose real one is among the files.",
        todo: "Treat the files of the untrusted key as disguised; ask the publisher only if it signs test builds with \
               certificates of its own.",
        false_positives: "A vendor's own test certificate with the name of its real one; files of a programme whose \
                          root Windows does not hold (UEFI), which is why those are at most medium.",
        references: &["https://posts.specterops.io/code-signing-certificate-cloning-attacks-and-defenses-6f98657fc6ec"],
    },
    Row {
        code: "X206",
        title: "One timestamp on several signatures",
        severity: Severity::High,
        confidence: Confidence::Proof,
        attack: &[CODE_SIGNING],
        condition: "Files carry the same timestamp token on signatures that differ, be it one of several.",
        why: "A timestamp is made over one signature. On any other one it proves nothing, and was put there to look \
              old.",
        todo: "Trust the timestamp of the file whose record says that it is verified, and no other.",
        false_positives: "None known.",
        references: &["https://www.rfc-editor.org/rfc/rfc3161#section-2.4.2"],
    },
    Row {
        code: "X207",
        title: "One signed content, several files",
        severity: Severity::Info,
        confidence: Confidence::Proof,
        attack: &[],
        condition: "Valid files have the same Authenticode digest and different SHA-256. High where one of them hides \
                    data behind its signature that is no known vendor's tag (S106), else info.",
        why: "They differ only where Authenticode does not look: checksum and certificate table. Vendors tag installers \
              there; SigFlip hides payloads there.",
        todo: "Compare the certificate tables; an anomaly data-in-padding names bytes behind the signature.",
        false_positives: "Tagged installers, doubly signed copies, corrected checksums.",
        references: &["https://learn.microsoft.com/en-us/security-updates/securityadvisories/2014/2915720"],
    },
    Row {
        code: "X208",
        title: "Cloned version resource",
        severity: Severity::High,
        confidence: Confidence::Medium,
        attack: &["T1036.005", MASQUERADING],
        condition: "A Valid file's version resource gives its signer as company, and files with other Authenticode digests \
                    have the same resource, octet for octet. High where the signature of one of those is not of its \
                    content, is self-signed, ends at a root that nobody trusts, or leads nowhere and is in another name; \
                    medium where another trusted signer signed one and the company is a publisher of the catalogue; low \
                    where they are unsigned, or lead nowhere and are in the signer's name with another key. Files that the named signer signed himself do not count, nor do files that \
                    have no digest algorithm in common with the original (SHA-1 signatures; --hashes all gives more).",
        why: "The resource holds name, version and publisher of one build. MetaTwin and the like copy it whole, because \
              Explorer and most tools show it.",
        todo: "Compare the members with the donor, the honest original: they are other programs under its name.",
        false_positives: "Damaged or patched copies of the original itself. For low: products whose publisher leaves a part \
                          unsigned and gives all parts one resource, signed through a catalog that was not given, or built \
                          for two kinds of processor and signed for one.",
        references: &["https://github.com/threatexpress/metatwin", "https://attack.mitre.org/techniques/T1036/005/"],
    },
    Row {
        code: "X209",
        title: "The donor of a signature, by its headers",
        severity: Severity::High,
        confidence: Confidence::High,
        attack: &[MASQUERADING],
        condition: "A falsely signed file's page hashes (SHA-256) give the first page, the headers, of the file that was \
                    signed; its own first page is another one, and that of another file is this one. Asked where neither \
                    the signature (X201) nor the signed digest (X203) leads to a donor. First pages are taken of files \
                    without a signature and of those with page hashes, unless their headers have more than 64 KiB.",
        why: "Headers hold dates, sizes and addresses of one build. The file that has them is the donor, or was it before \
              something behind its headers was changed; SHA-1 signatures hide a stripped donor from X203, too.",
        todo: "Compare the two: what the donor is, the carrier pretends to be.",
        false_positives: "None known; builds made to be reproducible may share headers and differ behind them.",
        references: &["https://attack.mitre.org/techniques/T1036/001/"],
    },
];
