//! A certificate by itself in, its report out: the same search, the same lists and the same judge as for signatures.

use super::Scanner;
use crate::judge::{Policy, Purpose, judge_certificate};
use crate::record::{CertificateInputs, CertificateReport, certificate_report, unreadable_certificate};
use crate::verify::{CertificateSource, Lists, Pool, Work, certificate_paths};

impl Scanner {
    /// Judges one certificate (DER) as of the options' moment. `others` are certificates that may stand between it and
    /// a root, beside the scanner's intermediates; `name` becomes the report's path.
    #[must_use]
    pub fn judge_certificate(
        &self,
        name: &str,
        certificate: &[u8],
        others: &[&[u8]],
        purpose: Purpose,
    ) -> CertificateReport {
        let mut pool = Pool::new();
        pool.add(certificate, 0, CertificateSource::Given);
        for other in others {
            pool.add(other, 0, CertificateSource::Given);
        }
        for raw in &self.intermediates {
            pool.add(raw, 0, CertificateSource::Intermediates);
        }
        if pool.certificate(0).is_none() {
            let error = pool.certificates.first().and_then(|entry| entry.parsed.as_ref().err());
            let message = error.map(ToString::to_string).unwrap_or_default();
            return unreadable_certificate(
                name,
                purpose,
                message,
                self.options.now,
                (&self.options).into(),
                &self.trust,
            );
        }
        let work = Work::default();
        let lists = Lists {
            trust: &self.trust,
            intermediates: &[],
            downloaded: &[],
            revocation: &self.revocation,
            memo: &self.memo,
            work: &work,
        };
        let paths = certificate_paths(&pool, 0, lists);
        let policy: Policy = self.options.policy();
        let verdict = judge_certificate(&pool, &paths, purpose, work.is_exhausted(), &policy);
        let inputs = CertificateInputs {
            pool: &pool,
            paths: &paths,
            verdict: &verdict,
            purpose,
            now: self.options.now,
            policy: (&self.options).into(),
            trust: &self.trust,
        };
        certificate_report(name, &inputs)
    }
}
