//! Findings about one file.

use super::{CERTIFICATES, CODE_SIGNING, MASQUERADING, Row};
use crate::record::{Confidence, Severity};

const PE_SIGNATURES: &str = "https://learn.microsoft.com/en-us/windows/win32/seccrypto/understanding-pe-signatures";
const PE_FORMAT: &str = "https://learn.microsoft.com/en-us/windows/win32/debug/pe-format";
const TECHNIQUE: &str = "https://attack.mitre.org/techniques/T1036/001/";
const SUBVERT: &str = "https://attack.mitre.org/techniques/T1553/002/";

/// Rows in the order of their codes.
pub(super) const ROWS: &[Row] = &[
    Row {
        code: "S101",
        title: "Signature does not match content",
        severity: Severity::High,
        confidence: Confidence::Proof,
        attack: &[MASQUERADING],
        condition: "The digest in SpcIndirectDataContent is not that of the file. Low with signed_by_section: it is that of \
                    the headers and sections in order, as firmware computes it and Windows does not.",
        why: "The signature was made for other content: it was copied here from another file, or this one was changed \
              after signing. With signature_intact the signature itself still verifies, as one does that was copied.",
        todo: "Do not believe the signer's name. Look for the file that the signature belongs to (X201, X203); donor_catalog names the catalog that \
               lists it, where --catalog or a Windows folder gave that.",
        false_positives: "Cut-off downloads, files that a scanner repaired, resources edited or files packed after \
                          signing.",
        references: &[TECHNIQUE, PE_SIGNATURES],
    },
    Row {
        code: "S102",
        title: "Page hashes of another file",
        severity: Severity::Critical,
        confidence: Confidence::Proof,
        attack: &[MASQUERADING],
        condition: "The digest differs, and the table of page hashes ends elsewhere than this file does.",
        why: "The table's last entry is where the signed file ended: it gives the donor's size.",
        todo: "Look for a file of donor_size bytes that carries this signature.",
        false_positives: "A file that was cut off or grew after signing.",
        references: &[TECHNIQUE],
    },
    Row {
        code: "S103",
        title: "Signed before it was built",
        severity: Severity::High,
        confidence: Confidence::High,
        attack: &[MASQUERADING, CODE_SIGNING],
        condition: "A verified timestamp is more than a day older than the header's TimeDateStamp, which is of 1995 or \
                    later, not in the future, and of no reproducible build. Low where the digest matches: then \
                    whoever signed had this very content, and only its date is wrong.",
        why: "Nobody signs a file that does not exist yet: the signature was made for an older one.",
        todo: "With S101 it is a graft: the signed original is older than the timestamp says.",
        false_positives: "Packers and linkers that write a hash or a fixed number as date without saying so; with a \
                          digest that matches, these are all there is.",
        references: &[TECHNIQUE, PE_FORMAT],
    },
    Row {
        code: "S104",
        title: "An older certificate table lies before the new one",
        severity: Severity::High,
        confidence: Confidence::Proof,
        attack: &[MASQUERADING],
        condition: "A WIN_CERTIFICATE starts behind the last section and ends exactly where the certificate table \
                    begins. Where other data lies before it (an installer's) only with S101: a file that carries a \
                    signed one at its end is signed so.",
        why: "Signing tools replace a table. Only a graft appends one and leaves the old one where it was.",
        todo: "The old table holds the file's own former signature: carve it, it names who really made the file.",
        false_positives: "None known.",
        references: &["https://github.com/secretsquirrel/SigThief"],
    },
    Row {
        code: "S105",
        title: "A certificate table as no signing tool writes it",
        severity: Severity::Medium,
        confidence: Confidence::Medium,
        attack: &[MASQUERADING],
        condition: "The table does not start at a multiple of 8, is reached by a section, the headers or a data directory, lies \
                    before a section, or holds entries of unusual type or revision, junk, or more entries \
                    than are read; or headers may lie over the \
                    fields that no digest covers. Low where only the table's size is no multiple of 8.",
        why: "Tools that copy signatures append the table wherever the file ends.",
        todo: "See what else was found: with S101 it is a graft.",
        false_positives: "Signing software of other systems, firmware images with signatures of other kinds.",
        references: &[PE_FORMAT],
    },
    Row {
        code: "S106",
        title: "Data hidden behind the signature",
        severity: Severity::Critical,
        confidence: Confidence::Proof,
        attack: &[CODE_SIGNING, "T1027.009"],
        condition: "Bytes that are not zero follow the PKCS#7 inside its WIN_CERTIFICATE, or lie in a further one in which \
                    no signature can be read. Critical with SigFlip's marker anywhere in them, high for a kilobyte \
                    and more of which some part looks encrypted, info for the tag of a known vendor behind a PKCS#7 \
                    and nothing but zeros behind it, else medium. A tag is a mark and at most 2,048 printable \
                    characters. The worst of several places is told.",
        why: "Nothing signs these bytes and Windows accepts them by default (CVE-2013-3900): payloads travel there in \
              files that stay valid.",
        todo: "Carve the bytes and compare the file with the vendor's original. --strict-padding makes such files \
               Invalid.",
        false_positives: "Installers that carry campaign or customer data there; known tags are named.",
        references: &[
            "https://learn.microsoft.com/en-us/security-updates/securityadvisories/2014/2915720",
            PE_SIGNATURES,
        ],
    },
    Row {
        code: "S108",
        title: "Data behind the certificate table",
        severity: Severity::High,
        confidence: Confidence::Proof,
        attack: &[CODE_SIGNING],
        condition: "The file goes on behind its certificate table.",
        why: "Windows wants the table to end the file (MS12-024); what follows was put there after signing, or the table \
              was not made for this file.",
        todo: "Carve the bytes.",
        false_positives: "Files joined together by mistake.",
        references: &["https://learn.microsoft.com/en-us/security-updates/securitybulletins/2012/ms12-024"],
    },
    Row {
        code: "S109",
        title: "Unsigned data inside the signature",
        severity: Severity::High,
        confidence: Confidence::Medium,
        attack: &[CODE_SIGNING],
        condition: "The SignerInfo has an unsigned attribute of a type that signing tools do not write, or more than a \
                    kilobyte of the PKCS#7 is neither signed nor what its format provides for (parameters of algorithms, \
                    odd elements of its sets, overlong signature values of certificates, the same inside timestamps and \
                    nested signatures). High above 4 KiB, info for the tag of a known vendor (as in S106) as the only \
                    value and nothing behind it, else medium.",
        why: "Nothing signs these octets, and no setting of Windows objects to them; configurations and payloads are smuggled \
              there.",
        todo: "Look at the attribute's octets; where no attribute is named, at the largest elements that `openssl asn1parse` \
               lists.",
        false_positives: "Older installers that carry customer data (Dropbox, GoToMeeting, ScreenConnect).",
        references: &[
            "https://learn.microsoft.com/en-us/archive/blogs/ieinternals/caveats-for-authenticode-code-signing",
        ],
    },
    Row {
        code: "S110",
        title: "Certificate that nothing needs",
        severity: Severity::Medium,
        confidence: Confidence::Medium,
        attack: &[CODE_SIGNING],
        condition: "The signature carries a certificate that is on no path of a signer or time authority. Medium with an \
                    unknown extension of more than 1,024 octets, info with the tag of a known vendor (as in S106) \
                    in one such certificate and nothing of size beside or behind it; else low, and only if no authority of this signature or root of the store is its subject or issuer, because \
                    publishers add cross-certificates and former certificates of their own. In a timestamp only one with \
                    such an extension counts.",
        why: "Nothing signs the certificates of a signature: data can be added there and stays out of every digest.",
        todo: "Look at the certificate's extensions; the tag is shown.",
        false_positives: "Installers that are personalised on download (Chrome), publishers who add all they have.",
        references: &["https://github.com/google/omaha/blob/main/common/certificate_tag/certificate_tag.go"],
    },
    Row {
        code: "S111",
        title: "Signed file that is something else too",
        severity: Severity::High,
        confidence: Confidence::High,
        attack: &["T1027.009", "T1036.008"],
        condition: "A ZIP archive ends where the file ends, or the marker of a script or of a JAR lies anywhere behind \
                    the PKCS#7, in a further entry without a signature, or behind the certificate table. Info where a ZIP archive ends before the certificate table: \
                    then the digest covers it.",
        why: "Java, script hosts and unpackers look for their format anywhere in a file, and take along a signature \
              that was made for another.",
        todo: "Rename a copy to .zip and look into it.",
        false_positives: "For info: self-extracting archives and installers.",
        references: &["https://attack.mitre.org/techniques/T1036/008/", SUBVERT],
    },
    Row {
        code: "S112",
        title: "CheckSum is not that of the file",
        severity: Severity::Medium,
        confidence: Confidence::Low,
        attack: &[MASQUERADING],
        condition: "The header's CheckSum is not 0, or the file is a driver, and it is not the sum over the file. Medium \
                    with S101 or an unknown S106, else info.",
        why: "Tools that graft or patch leave the old sum where it was.",
        todo: "Nothing by itself; it adds to what else was found.",
        false_positives: "Tagged installers, signing software that does not correct it.",
        references: &[PE_FORMAT],
    },
    Row {
        code: "S113",
        title: "Certificate signed by itself that names another issuer",
        severity: Severity::Critical,
        confidence: Confidence::Proof,
        attack: &[MASQUERADING, CERTIFICATES],
        condition: "The signer's certificate verifies under its own key although its issuer is not its subject.",
        why: "No authority makes such a certificate: subject, issuer and serial number were copied from a real one, as \
              CarbonCopy, LimeLighter and ScareCrow do.",
        todo: "Treat the file as hostile. The real certificate has the same issuer and serial number and another key.",
        false_positives: "None known.",
        references: &["https://github.com/paranoidninja/CarbonCopy", TECHNIQUE],
    },
    Row {
        code: "S114",
        title: "Self-signed in the name of a known publisher",
        severity: Severity::High,
        confidence: Confidence::High,
        attack: &[MASQUERADING, CERTIFICATES],
        condition: "The signer signed itself, and its organisation or common name reads as that of a publisher of the \
                    catalogue or of a trusted root (case, legal form, punctuation and look-alike letters put aside).",
        why: "Who is a known publisher does not sign with a certificate that nobody vouches for.",
        todo: "Ignore the name; look for everything else with this certificate's thumbprint.",
        false_positives: "Internal test builds of that very company.",
        references: &[TECHNIQUE],
    },
    Row {
        code: "S115",
        title: "Name of a trusted root, unknown key",
        severity: Severity::Critical,
        confidence: Confidence::High,
        attack: &[CODE_SIGNING, "T1553.004"],
        condition: "The chain ends at a certificate that signed itself, bears the subject of a trusted root and has \
                    another key, and no chain leads to a trusted root. High where only name and organisation read like \
                    that root's.",
        why: "A cloned root. Machines on which it was installed accept everything below it.",
        todo: "Look for its thumbprint in the ROOT stores of your machines.",
        false_positives: "A root that was made anew after the date of the trust store.",
        references: &["https://posts.specterops.io/code-signing-certificate-cloning-attacks-and-defenses-6f98657fc6ec"],
    },
    Row {
        code: "S116",
        title: "Signer not made for signing code",
        severity: Severity::High,
        confidence: Confidence::High,
        attack: &[CODE_SIGNING],
        condition: "The signer's certificate has extended key usages without code signing, a key usage without \
                    digitalSignature, or is that of a CA which it did not found itself. No usages at all are no finding. \
                    Low where another signature of the file is Valid and Microsoft's, who signs drivers of others.",
        why: "Certificates of web servers and authorities end up on programs when they are stolen or copied.",
        todo: "See what the certificate was made for, and whether it is the real one (S113).",
        false_positives: "Authorities of firms that make one certificate for everything; test certificates of driver \
                          kits.",
        references: &[SUBVERT],
    },
    Row {
        code: "S117",
        title: "Mark of a signing tool for attackers",
        severity: Severity::High,
        confidence: Confidence::High,
        attack: &[MASQUERADING, "T1588.002"],
        condition: "The program name in the signature is one that CarbonCopy writes, or the certificate is made as \
                    LimeLighter and ScareCrow make it: subject and issuer are common names alone, for servers and not \
                    for code, RSA with 4,096 bits, the only one in the signature, leading to no trusted root. Low where \
                    only the link names a timestamp server.",
        why: "Such tools fill in fixed words; a timestamp server as the publisher's page is a mistake of theirs.",
        todo: "See what else was found.",
        false_positives: "For the link alone: publishers who mistook the option.",
        references: &["https://github.com/paranoidninja/CarbonCopy"],
    },
    Row {
        code: "S118",
        title: "Timestamp that proves nothing",
        severity: Severity::High,
        confidence: Confidence::High,
        attack: &[CODE_SIGNING],
        condition: "A timestamp is of another signature, is not confirmed by its authority's key or not by an algorithm \
                    that Windows accepts, or comes from an authority known for forged ones (high); or its authority is not trusted, or a timestamp \
                    that counts stands beside a broken one (medium). The worst of several is told.",
        why: "Old dates are forged to make expired or revoked certificates count.",
        todo: "Judge the signature as if it had no timestamp; that is what its status does.",
        false_positives: "Private time authorities, authorities that are no longer in the programme.",
        references: &["https://github.com/Jemmy1228/HookSigntool", SUBVERT],
    },
    Row {
        code: "S119",
        title: "Back-dated signature of a driver",
        severity: Severity::High,
        confidence: Confidence::Medium,
        attack: &[CODE_SIGNING, "T1553.006"],
        condition: "A driver's signer has a certificate from before 2015-07-29 that is over, and the file was built after \
                    its end by its header or debug directory, or a time authority is younger than the time that it \
                    states, or no timestamp is verified. Medium where a timestamp is missing and nothing else is odd.",
        why: "Windows still loads drivers of such certificates. Tools that sign with leaked ones set the clock back \
              or forge the timestamp.",
        todo: "See when the file appeared, and whether the certificate is known to have leaked.",
        false_positives: "Genuine old drivers that were never timestamped.",
        references: &[
            "https://blog.talosintelligence.com/old-certificate-new-signature/",
            "https://github.com/Jemmy1228/HookSigntool",
        ],
    },
    Row {
        code: "S120",
        title: "Expired, without a timestamp that counts",
        severity: Severity::High,
        confidence: Confidence::Medium,
        attack: &[CODE_SIGNING],
        condition: "The signer's certificate is over and no usable timestamp says that the signature is older. High where \
                    the file was built after the certificate's end, by its own header, or a sound timestamp is from \
                    after it.",
        why: "A signature without timestamp can be made at any time, with leaked certificates too.",
        todo: "See when the file appeared; a file built after its certificate's end was signed with a clock set back.",
        false_positives: "Old software of publishers who did not use timestamps.",
        references: &[SUBVERT],
    },
    Row {
        code: "S121",
        title: "Weak cryptography",
        severity: Severity::High,
        confidence: Confidence::Proof,
        attack: &[CODE_SIGNING],
        condition: "The signer's RSA key has fewer than 2,048 bits although its certificate is of 2014 or later, its \
                    certificate rests on MD5 or older, or on SHA-1 although of 2016 or later, or the file's digest is \
                    MD5. High below 1,023 bits, else low.",
        why: "Short keys can be factored and old hashes collide.",
        todo: "Nothing by itself; it adds to what else was found.",
        false_positives: "Old and in-house software.",
        references: &["https://learn.microsoft.com/en-us/security-updates/securityadvisories/2012/2661254"],
    },
    Row {
        code: "S122",
        title: "On a block-list",
        severity: Severity::Critical,
        confidence: Confidence::High,
        attack: &[CODE_SIGNING, "T1588.003", "T1068"],
        condition: "A list given with --blocklist names the file (by its hash or Authenticode digest), its signer's \
                    certificate (by thumbprint, TBS hash, or issuer and serial number) or an issuer (by TBS hash) of any of its signatures, or a \
                    rule of an App Control policy (wdac) denies it: by Authenticode digest, digest of the first page, \
                    attributes and version of the version resource, or signer, in the scenario that it runs in (drivers: \
                    kernel). As bad as the list says, high for a policy; at most medium where a certificate is named \
                    whose signature does not hold; info where --allowlist names it too, by something that is proven of the file or of the signature that decides. Of several lists the one that \
                    says the worst is shown, and the others are in also.",
        why: "Others saw this file do harm, or this certificate sign what did.",
        todo: "Follow the reference. By issuer-serial alone it may be a forged copy of the listed certificate: compare \
               thumbprints.",
        false_positives: "Vulnerable drivers that are needed; genuine files from before a certificate was stolen.",
        references: &[
            "https://www.loldrivers.io/",
            "https://certgraveyard.org/",
            "https://bazaar.abuse.ch/",
            "https://learn.microsoft.com/en-us/windows/security/application-security/application-control/app-control-for-business/design/microsoft-recommended-driver-block-rules",
        ],
    },
    Row {
        code: "S124",
        title: "Certificate revoked or disallowed",
        severity: Severity::High,
        confidence: Confidence::Proof,
        attack: &[CODE_SIGNING],
        condition: "A certificate of the chain was revoked for the moment that counts, or is on a disallowed list.",
        why: "Its issuer or Microsoft withdrew it, often because it signed malware.",
        todo: "See the reason that the list gives, and search for the thumbprint.",
        false_positives: "Certificates that were replaced for administrative reasons.",
        references: &[SUBVERT],
    },
    Row {
        code: "S125",
        title: "Version info claims another publisher",
        severity: Severity::High,
        confidence: Confidence::Medium,
        attack: &["T1036.005", MASQUERADING],
        condition: "The company of the version resource reads as, or looks like, a publisher of the catalogue, or its \
                    copyright notice names one and nobody else, and the signer's organisation and common name are none \
                    of that publisher's. High where the signature does not hold, leads nowhere or to a root that nobody \
                    trusts, revoked there or not; high, too, where such a root bears the publisher's name; medium for a \
                    signer that is trusted but expired, revoked or not meant for this; low on a Valid file, but nothing \
                    where one of the file's signatures is Valid and Microsoft's: it signs drivers and parts of Windows that \
                    others made. Unsigned files, and files with a signature of which nothing can be read that names anybody: \
                    medium where catalogs were given and none lists the file; else low, with the note catalog_unknown, \
                    because publishers sign through catalogs and ship unsigned files, too.",
        why: "The version resource is what Explorer and most tools show, and anybody can write it. The signature says who \
              answers for the file.",
        todo: "Look the file up by its hash, or scan again with --catalog and the catalogs of its system; believe the \
               signer and not the resource.",
        false_positives: "Redistributables that their user signed anew, satellite assemblies and tools that a publisher \
                          ships unsigned, open source that others built, firms that were bought or renamed, and whatever \
                          is signed through a catalog that was not given.",
        references: &["https://attack.mitre.org/techniques/T1036/005/", TECHNIQUE],
    },
    Row {
        code: "S126",
        title: "Version resource that no compiler writes",
        severity: Severity::Medium,
        confidence: Confidence::Medium,
        attack: &["T1036.005"],
        condition: "OriginalFilename holds a path or a drive. Low on a valid file, else medium.",
        why: "Loaders that dress up as a system file copy its whole path there, as ScareCrow does.",
        todo: "Compare the file with the one that it names.",
        false_positives: "Careless builds.",
        references: &["https://github.com/Tylous/ScareCrow"],
    },
    Row {
        code: "S127",
        title: "Signatures for different contents",
        severity: Severity::High,
        confidence: Confidence::Proof,
        attack: &[MASQUERADING],
        condition: "Of the file's signatures some match its content and some do not.",
        why: "All signatures of a file are made for one content. One of them came from elsewhere.",
        todo: "Believe only signatures whose digest matches; the record has each one's own status.",
        false_positives: "None known.",
        references: &[TECHNIQUE],
    },
    Row {
        code: "S128",
        title: "Known publisher, unknown issuer",
        severity: Severity::High,
        confidence: Confidence::Medium,
        attack: &[MASQUERADING, CERTIFICATES],
        condition: "The signer's organisation is a publisher of the catalogue, and its certificate was issued by an \
                    authority under which the catalogue does not know it to sign. High where a chain ends at a root that \
                    nobody trusts; medium where no chain ends, or where a trusted authority issued in the name of a \
                    publisher that has its own; low for any other trusted authority. An issuer that the catalogue knows \
                    counts as one only below a root of the embedded store or a trusted one: else it is named only, \
                    which is high and medium likewise, and low where no chain ends and the publisher has no \
                    authority of its own. Where the catalogue does not know the publisher's issuers, only an \
                    untrusted root counts.",
        why: "Whoever makes an authority can give out every name; whoever deceives one gets the name too.",
        todo: "Compare the certificate with that of another file of the publisher.",
        false_positives: "Publishers change their authorities, and the catalogue follows late; in-house roots and test \
                          builds of the publisher itself; for low, signatures without the certificate of their issuer.",
        references: &[TECHNIQUE],
    },
    Row {
        code: "S129",
        title: "Name that only looks like a known publisher's",
        severity: Severity::High,
        confidence: Confidence::High,
        attack: &[MASQUERADING],
        condition: "The organisation or common name of the signer looks like that of a publisher of the catalogue or of a \
                    trusted root, but is spelt with letters of another alphabet or with letters and digits that look alike \
                    (0 and o; 1, l and i; rn and m; vv and w).",
        why: "Such a name has one purpose, to be taken for the other; authorities have issued certificates for some.",
        todo: "Look for everything else with this certificate's thumbprint.",
        false_positives: "A company whose own name in its own alphabet looks like a known one.",
        references: &["https://www.unicode.org/reports/tr39/", TECHNIQUE],
    },
    Row {
        code: "S131",
        title: "Known product, new signer",
        severity: Severity::High,
        confidence: Confidence::Medium,
        attack: &[MASQUERADING],
        condition: "With --baseline: files of this company and product (version resource) are there, and none of them has \
                    this signer's organisation. Medium on a Valid file, else high.",
        why: "A version resource can be copied from anywhere, its vendor's signature cannot.",
        todo: "Compare the file with the vendor's own of the same version.",
        false_positives: "A product that was sold to another company, and files that its new owner signs.",
        references: &[TECHNIQUE],
    },
    Row {
        code: "S132",
        title: "Publisher of the baseline, new issuer",
        severity: Severity::High,
        confidence: Confidence::Medium,
        attack: &[MASQUERADING, CERTIFICATES],
        condition: "With --baseline: its Valid files have a signer of this organisation, and none of their certificates is \
                    from this issuer. Low on a Valid file, else high. Where they are from this issuer by its name: \
                    high if the chain ends at a root that nobody trusts, medium if it leads to none.",
        why: "Who cannot get a certificate where the publisher does gets or makes one elsewhere.",
        todo: "Compare the certificate with those of the baseline.",
        false_positives: "Authorities replace their issuing certificates every few years, and publishers change authorities.",
        references: &[TECHNIQUE],
    },
    Row {
        code: "S133",
        title: "No longer signed",
        severity: Severity::High,
        confidence: Confidence::High,
        attack: &["T1554"],
        condition: "With --baseline: the file at this path below the scanned folder was Valid there and has no signature now.",
        why: "Who changes a signed program takes its signature off, or replaces it by one that never had any.",
        todo: "Compare the content with the known one.",
        false_positives: "A vendor who stopped signing; files that are signed through a catalog, scanned without it.",
        references: &["https://attack.mitre.org/techniques/T1554/"],
    },
    Row {
        code: "S134",
        title: "Other content than in the baseline",
        severity: Severity::High,
        confidence: Confidence::Proof,
        attack: &["T1554"],
        condition: "With --baseline: the file at this path below the scanned folder has another Authenticode digest there. \
                    Info on a Valid file of the same signer, low on one of another, high on a file that was Valid and is \
                    signed but not Valid now, else medium. Paths are compared without regard to case and to the kind of \
                    slash; without a digest under the same algorithm (--hashes none) nothing is said.",
        why: "The digest leaves out nothing but the signature: the program itself is another one.",
        todo: "See whether it was updated, and by whom.",
        false_positives: "Updates.",
        references: &["https://attack.mitre.org/techniques/T1554/"],
    },
];
