//! A batch as one POST.

use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::destination::Destination;
use super::envelope::Envelope;
use super::segment::Entry;
use super::sender::Failure;
use crate::Time;
use crate::online::{Limits, Tls, Url, post};

/// What one exchange may cost. The answer's body is not read: its status says it all.
const LIMITS: Limits = Limits {
    bytes: 0,
    total: Duration::from_secs(60),
    connect: Duration::from_secs(10),
    idle: Duration::from_secs(30),
};

/// How requests are made.
#[derive(Clone)]
pub(super) struct Http {
    pub(super) token: Option<String>,
    pub(super) gzip: bool,
    pub(super) tls: Tls,
}

impl Http {
    /// Posts the lines; `Ok` once the receiver said that it has them.
    pub(super) fn send(
        &self,
        to: &Destination,
        url: &Url,
        envelope: Envelope,
        entries: &[Entry],
    ) -> Result<(), Failure> {
        let mut body = envelope.body(entries.iter().map(|entry| entry.line.as_slice()));
        let mut headers = vec![("content-type", envelope.content_type().to_owned())];
        if self.gzip {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            let packed = encoder.write_all(&body).and_then(|()| encoder.finish());
            body = packed.map_err(|error| Failure::later(error.to_string()))?;
            headers.push(("content-encoding", "gzip".to_owned()));
        }
        if let Some(token) = &self.token {
            headers.push(("authorization", format!("{} {token}", envelope.scheme())));
        }
        let addresses = to.addresses(LIMITS.connect);
        if addresses.is_empty() {
            return Err(Failure::later("the receiver's name does not resolve".to_owned()));
        }
        let answer = post(url, &headers, &body, &addresses, LIMITS, &self.tls)
            .map_err(|error| Failure::later(error.to_string()))?;
        let after = answer.retry_after.as_deref().and_then(|text| wait(text, SystemTime::now()));
        let said = format!("the receiver answered with status {}", answer.status);
        match answer.status {
            200..=299 => Ok(()),
            // What another request would not change (RFC 9110 section 15.5), whatever it holds.
            401 | 403 => Err(Failure::Stop(format!("{said}: the token is missing or not accepted"))),
            300..=399 => Err(Failure::Stop(format!("{said}: redirects are not followed"))),
            415 => Err(Failure::Stop(format!("{said}: if it does not take gzip, use --no-gzip"))),
            404 | 405 | 406 | 407 | 410 | 411 | 421 | 426 => Err(Failure::Stop(said)),
            408 | 425 | 429 => Err(Failure::Later { why: said, after }),
            400..=499 => Err(Failure::Refused(said)),
            _ => Err(Failure::Later { why: said, after }),
        }
    }
}

/// Retry-After (RFC 9110 section 10.2.3): seconds, or a moment as `Sun, 06 Nov 1994 08:49:37 GMT`.
fn wait(text: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let fields: Vec<&str> = text.split(' ').collect();
    let [_, day, month, year, clock, "GMT"] = fields.as_slice() else { return None };
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = months.iter().position(|name| name == month)?.checked_add(1)?;
    let moment = Time::parse_rfc3339(&format!("{year}-{month:02}-{day}T{clock}Z"))?;
    let moment = UNIX_EPOCH.checked_add(Duration::from_secs(u64::try_from(moment.0).ok()?))?;
    Some(moment.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_says_when_to_come_back() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_770); // RFC 9110's example is 784,111,777
        let cases = [
            ("120", Some(120)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(7)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("-1", None),
            ("99999999999999999999", None),
            ("Sun, 06 Nov 1994 08:49:37 CET", None),
            ("soon", None),
        ];
        for (text, seconds) in cases {
            assert_eq!(wait(text, now), seconds.map(Duration::from_secs), "{text}");
        }
    }
}
