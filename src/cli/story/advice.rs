//! What each reason means for the one who found the file, and what to do next.

use crate::judge::Reason;

/// Advice on one reason.
#[derive(Debug, Clone, Copy)]
pub struct Advice {
    /// The reason.
    pub reason: Reason,
    /// What it means.
    pub meaning: &'static str,
    /// What can be done now.
    pub next: &'static str,
}

const fn advice(reason: Reason, meaning: &'static str, next: &'static str) -> Advice {
    Advice { reason, meaning, next }
}

/// The advice on a reason; every reason has some (a test says so).
#[must_use]
pub fn on(reason: Reason) -> Option<&'static Advice> {
    ADVICE.iter().find(|advice| advice.reason == reason)
}

/// What `ok` means for a file with so many bytes that nobody signed.
#[must_use]
pub fn valid_but_for(octets: &str) -> String {
    format!(
        "These bytes are the ones that were signed, except {octets} that nobody signed (see Findings), and the chain led to a \
         trusted root at the moment that counts. Whoever put these there need not be the signer."
    )
}

/// What `malformed` means in a case of its own: the signature itself can be read.
#[derive(Debug)]
pub struct Special {
    /// Instead of what the reason means in general.
    pub headline: &'static str,
    /// Instead of the advice on the reason.
    pub advice: Advice,
}

/// Bytes behind the certificate table. The digest covers them: were it different, the reason would be another one.
pub const APPENDED: Special = Special {
    headline: "bytes follow the certificate table, where nothing may follow",
    advice: advice(
        Reason::Malformed,
        "The signature can be read, but Windows accepts no file that goes on after its certificate table. What lies in \
         the table's place is covered by no digest, and may be a program of its own.",
        "Look at both: the table, and what follows it. Either the file was signed like this, or a signed file was taken \
         apart around another one.",
    ),
};

/// A part of the image lies in what the digest leaves out: were it different elsewhere, the reason would be another one.
pub const LOADED: Special = Special {
    headline: "a part of the program lies where no digest covers it",
    advice: advice(
        Reason::Malformed,
        "The signature can be read, but sections, headers or data directories reach into the certificate table, or headers lie \
         over the fields that belong to it. No digest covers those, so that anybody may have changed what is loaded from there.",
        "Take what is loaded from there for code that nobody signed. Only the signer could make such a file; ask for one \
         that is laid out like others.",
    ),
};

/// Everything that was signed holds, and what stands around it is no PKCS#7.
pub const UNSOUND: Special = Special {
    headline: "what was signed is intact, but the structure around it is not what it should be",
    advice: advice(
        Reason::Malformed,
        "Digest and signature hold, and nobody vouches for the rest of the PKCS#7: something stands there that its \
         type does not have, or that cannot be read. Decoders of the whole structure refuse it; nothing that signs \
         writes such a thing.",
        "Look at the signature's bytes around the place that is named. What was put there after signing may be a \
         payload: another file with the same signature (X201) shows what it looked like before.",
    ),
};

/// Everything that was signed holds, and it was not signed for a program.
pub const FOREIGN: Special = Special {
    headline: "the signature was made for a file of another kind",
    advice: advice(
        Reason::Malformed,
        "Digest and signature hold, and the signed content says that it is no program: the same octets may be a text or \
         a package that somebody was made to sign.",
        "Do not take the signer's name for that of the program's author. Ask the signer what was signed: no signing tool \
         makes this of a program.",
    ),
};

/// What `no-signature` means when catalogs were looked at.
pub const UNLISTED: Advice = advice(
    Reason::NoSignature,
    "Nobody vouches for this file: it holds no signature, and none of the catalogs that were looked at lists it.",
    "If it claims to be part of Windows, make sure that the catalogs are those of its own installation: then it was \
     changed or never was a part. Otherwise look up its digests in reputation sources.",
);

/// What `timestamp-outside-validity` means where the timestamp is the earlier one.
pub const STAMPED_EARLY: Advice = advice(
    Reason::TimestampOutsideValidity,
    "The timestamp is older than the signer's certificate: it says that the signature was there before anybody could have \
     made it with that certificate.",
    "Compare the two dates below. A wrong clock explains hours; more than that points to an authority that states \
     any time, or to a certificate that was renewed after signing and exchanged in the file.",
);

/// In the order of the decision table.
pub const ADVICE: &[Advice] = &[
    advice(
        Reason::NotFound,
        "Nothing was judged: the path leads to no file.",
        "Check the spelling and whether the volume is mounted. If a file was there before, note that it is gone.",
    ),
    advice(
        Reason::Io,
        "Nothing was judged: the system did not hand out the file's bytes or, if the error says so, sigscan failed on them. \
         That says nothing about the signature.",
        "Check permissions and the medium, or copy the file elsewhere and judge the copy. A failure of sigscan is a defect: \
         report it with the place that the error names.",
    ),
    advice(
        Reason::ChangedWhileReading,
        "The file was written to while it was being read, so a digest would describe no state that ever existed.",
        "Run again when nothing writes to it, or judge a copy.",
    ),
    advice(
        Reason::Limit,
        "sigscan stopped to stay within its limits. The signature may be good or bad.",
        "Raise the limit named above and run again. A file built to exceed limits deserves a closer look.",
    ),
    advice(
        Reason::UnsupportedFormat,
        "Files of this kind can be signed; sigscan recognises the kind but cannot read its signatures yet.",
        "Let Windows judge it (Get-AuthenticodeSignature, signtool verify) until sigscan can.",
    ),
    advice(
        Reason::NoSignature,
        "Nobody vouches for this file from inside it. That is common: many honest files are unsigned, and Windows \
         signs most of its own through catalogs, which were not looked at.",
        "Look up its digests in catalogs and reputation sources. Be wary if it bears a well-known vendor's name: \
         that vendor signs.",
    ),
    advice(
        Reason::UnsupportedSubject,
        "Files of this kind have no place for a signature, so the absence of one means nothing.",
        "Judge it by origin, digest and content. If its name promises a program, ask why it is none.",
    ),
    advice(
        Reason::CertPadding,
        "The signature itself holds, but foreign bytes lie behind it inside its table entry, where no digest \
         reaches. Windows with EnableCertPaddingCheck treats such a file as unsigned.",
        "Look at these bytes: some installers keep settings there, some malware its payload.",
    ),
    advice(
        Reason::Malformed,
        "The place for a signature is filled with something that does not work as one, so nobody vouches for \
         this file. Truncated copies, packers, appended data and clumsy forgeries look like this.",
        "Compare length and digest with a copy from the vendor, then look at the bytes where the certificate \
         table should be.",
    ),
    advice(
        Reason::BadDigest,
        "Either the file was changed after signing, or the signature was copied onto it from another file. The \
         named signer did not sign these bytes.",
        "Search for the signed digest below: the file that bears it rightfully is the original. Neither trust \
         nor block the named signer because of this file.",
    ),
    advice(
        Reason::BadAlgorithm,
        "The signature rests on a hash that was broken long ago, so anybody could have made it fit other bytes.",
        "Treat the file as unsigned, and get a current one from the vendor.",
    ),
    advice(
        Reason::SignerSignature,
        "The digest fits the file, but the named certificate's key did not make this signature: it was altered, \
         assembled from parts of another, or made by somebody else in that name.",
        "Treat it as a forgery until shown otherwise, and look for other files with the same certificate.",
    ),
    advice(
        Reason::NoSignerCert,
        "The certificate that the signature refers to was left out or taken out, so nobody can verify it.",
        "Treat the file as unsigned, and compare it with the vendor's own copy.",
    ),
    advice(
        Reason::ExplicitDistrust,
        "A disallowed list (Microsoft's, or one given with --disallowed) names a certificate of this chain as never \
         to be trusted, mostly because its key was stolen or misused.",
        "Treat the file as malicious until shown otherwise. Find what else that certificate signed, and how this \
         file got here.",
    ),
    advice(
        Reason::CertSignature,
        "A certificate names an issuer whose key did not sign it. Cloned certificates, with a genuine one's names \
         and another key, look exactly like this.",
        "Ignore the names. Hunt for the thumbprint of the marked certificate: other files that bear it come from \
         the same forger.",
    ),
    advice(
        Reason::UnsupportedAlgorithm,
        "sigscan does not know this kind of key or hash and leaves the question open.",
        "Let Windows judge it. Hardly any publisher signs like this, so ask who would.",
    ),
    advice(
        Reason::WeakSignature,
        "A key or hash of the chain is so weak (RSA below 1023 bits, MD2, MD4, MD5) that a stranger could have \
         made this signature.",
        "Do not rely on the name. Very old software may be honest: compare it with a known copy.",
    ),
    advice(
        Reason::CertRevoked,
        "The issuer took a certificate back, mostly because its key was stolen or signed malware, and this \
         signature counts as made after that.",
        "Treat the file as suspicious. Find what else that certificate signed, and why it was revoked.",
    ),
    advice(
        Reason::SelfSigned,
        "Whoever made the file also made the certificate and typed any name into it. The signature proves only \
         that the bytes are unchanged since.",
        "Ignore the name. In-house tools and test builds are signed like this, and so is malware dressed up as a \
         known vendor. The thumbprint leads to everything else signed with this certificate.",
    ),
    advice(
        Reason::UntrustedRoot,
        "The chain is complete but leads to a root that the trust store does not hold: a company's own, a test \
         root, or an invented one.",
        "If the root below is your own, add it with --add-root. If nobody knows it, ignore every name in the \
         chain and hunt for the thumbprints.",
    ),
    advice(
        Reason::RootEku,
        "The root is in the trust store for other purposes, such as web sites or mail, and vouches for no code.",
        "Treat the name as unconfirmed, and ask the vendor for a file signed with a code signing certificate.",
    ),
    advice(
        Reason::RootNotBefore,
        "Microsoft no longer accepts new certificates below this root, and the signer's is newer than that.",
        "Treat the name as unconfirmed, and ask the vendor for a file signed under a current root.",
    ),
    advice(
        Reason::RootDisabled,
        "Microsoft accepts this root only for signatures timestamped before a certain date, and this one is not \
         known to be that old.",
        "Old software that was never timestamped may be honest: compare it with a known copy. A recent file has \
         no business with this root.",
    ),
    advice(
        Reason::ChainIncomplete,
        "An issuer's certificate is neither in the signature nor in the trust store. Nobody trusted vouches for \
         the name until it is found; Windows may fetch it.",
        "Have it fetched with --online, or by sigscan fetch on another machine, or give it with --intermediates; a missing \
         root of your own with --add-root. Beware: certificates that merely name a known issuer look like this, too.",
    ),
    advice(
        Reason::WrongUsage,
        "A certificate of the chain was issued for something other than signing code.",
        "See the usages of the marked certificate. A web server's key or an abused company CA is no code signer: \
         treat the name as unconfirmed.",
    ),
    advice(
        Reason::TimestampOutsideValidity,
        "The timestamp proves when the file was signed, and at that moment the signer's certificate was not \
         valid.",
        "Compare the two dates below. Signing with a certificate after its end points to a stale or leaked key.",
    ),
    advice(
        Reason::CertExpired,
        "The bytes are those that were signed, but at the moment that counts (see When) a certificate was out of \
         date. Without a usable timestamp, that moment is now.",
        "Usual for old software that was never timestamped: accept it by its digest if you know it. If the file \
         is recent, an expired key is still signing: treat it as leaked.",
    ),
    advice(
        Reason::CertNotYetValid,
        "At the moment that counts (see When) a certificate was not valid yet: a clock was wrong, or somebody \
         dated the signature back.",
        "Check the moment judged for (--at) and the dates below. If they are right, distrust the signing time.",
    ),
    advice(
        Reason::LifetimeExpired,
        "The certificate carries the lifetime signing usage: what it signed expires with it, timestamp or not.",
        "Typical of test and preview builds. Replace the file with the released version.",
    ),
    advice(
        Reason::NameConstraint,
        "An issuer of the chain may certify only certain names, and the names below it are not among them.",
        "Do not rely on the name. The owner of the constrained CA should hear of this certificate.",
    ),
    advice(
        Reason::Policy,
        "The chain demands a certificate policy and does not fulfil it: its CAs were not set up for this use.",
        "Treat the name as unconfirmed, and ask the owner of the CA.",
    ),
    advice(
        Reason::BasicConstraints,
        "An ordinary certificate was used as if it were a CA. Its owner, or a thief, could put any name below it.",
        "Treat the signer's name as invented. The marked certificate was abused or stolen: find what else is \
         issued by it.",
    ),
    advice(
        Reason::PathLen,
        "A CA of the chain may not have this many CAs below it: one of them was set up without a mandate.",
        "Do not rely on the name, and ask the owner of the marked CA about the one below it.",
    ),
    advice(
        Reason::CriticalExt,
        "A certificate demands to be refused by whoever does not understand one of its extensions, and sigscan \
         does not.",
        "Look at the marked certificate; private CAs write such extensions. Let Windows judge the file in doubt.",
    ),
    advice(
        Reason::TimestampInvalid,
        "The signer's own certificate holds, but the timestamp was broken or taken from another signature. \
         Honest signing tools do not produce that.",
        "See the fault under When. Transplanted timestamps make a fresh signature look old: compare with the \
         vendor's copy.",
    ),
    advice(
        Reason::TimestampUntrusted,
        "The timestamp comes from an authority that is not trusted for this; anybody can run one and state any \
         time.",
        "Do not rely on the stated time. If the authority is your own, add its root with --add-root.",
    ),
    advice(
        Reason::KernelPolicy,
        "The signature is good enough for programs. The kernel of Windows 10 asks for more, and this driver is not sure to \
         be loaded.",
        "See Kernel for what is missing. `sigscan explain kernel` lists the rules; without --policy kernel the file is \
         judged as a program would be.",
    ),
    advice(
        Reason::RevocationUnknown,
        "Revocation had to be known (--require-revocation), and no current list clears every certificate of the chain.",
        "Give current revocation lists of every CA below the root with --crl, or judge without requiring them.",
    ),
    advice(
        Reason::Ok,
        "These bytes are the ones that were signed, and the chain led to a trusted root at the moment that counts. \
         That proves origin, not good intent.",
        "Ask whether this signer is expected here: stolen and bought certificates sign malware validly.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::TABLE;

    #[test]
    fn every_reason_has_advice_in_table_order() {
        let advised: Vec<Reason> = ADVICE.iter().map(|advice| advice.reason).collect();
        let reasons: Vec<Reason> = TABLE.iter().map(|row| row.reason).collect();
        assert_eq!(advised, reasons);
        for advice in ADVICE {
            for text in [advice.meaning, advice.next] {
                assert!(text.ends_with('.') && !text.contains("  ") && text.len() < 280, "{text}");
            }
        }
    }
}
