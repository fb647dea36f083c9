//! Signature Version 4, checked with the vendor's own signing code: what the caller should have signed is signed again.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4::SigningParams,
};

use crate::lookalike::Call;

/// How far a caller's clock may be off.
const SKEW: i64 = 15 * 60 * 1000;

/// The `Authorization` header and the date, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    pub key: String,
    pub region: String,
    /// `ec2`, `sts`, `ram`.
    pub service: String,
    /// Milliseconds since 1970.
    pub at: i64,
    headers: Vec<String>,
    signature: String,
}

/// Why a request is no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Nothing that looks like a signature.
    Missing,
    /// The date is more than 15 minutes off.
    Stale,
    /// Somebody without the secret signed it, or it was changed on the way.
    Wrong,
}

impl Signed {
    /// # Errors
    /// [`Doubt::Missing`] if there is none in the form that the vendor defines.
    pub fn of(call: &Call) -> Result<Self, Doubt> {
        Self::parse(call).ok_or(Doubt::Missing)
    }

    fn parse(call: &Call) -> Option<Self> {
        let fields = call.header("authorization")?.strip_prefix("AWS4-HMAC-SHA256")?;
        let field = |name: &str| {
            let named = |part: &str| part.trim().strip_prefix(name)?.strip_prefix('=').map(str::to_owned);
            fields.split(',').find_map(named)
        };
        let credential = field("Credential")?;
        let [key, date, region, service, "aws4_request"] = credential.split('/').collect::<Vec<_>>()[..] else {
            return None;
        };
        let stamp = call.header("x-amz-date")?;
        if !stamp.starts_with(date) {
            return None;
        }
        Some(Self {
            key: key.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            at: moment(stamp)?,
            headers: field("SignedHeaders")?.split(';').map(str::to_owned).collect(),
            signature: field("Signature")?,
        })
    }

    /// # Errors
    /// If the date is too far from `now`, or the signature is not the secret's.
    pub fn verify(&self, call: &Call, secret: &str, token: Option<&str>, now: i64) -> Result<(), Doubt> {
        if (now - self.at).abs() > SKEW {
            return Err(Doubt::Stale);
        }
        let expected = self.expected(call, secret, token).ok_or(Doubt::Wrong)?;
        if same(expected.as_bytes(), self.signature.as_bytes()) { Ok(()) } else { Err(Doubt::Wrong) }
    }

    fn expected(&self, call: &Call, secret: &str, token: Option<&str>) -> Option<String> {
        let identity = Credentials::new(&*self.key, secret, token.map(str::to_owned), None, "lookalike").into();
        let mut settings = SigningSettings::default();
        // The caller says which headers it signed; those and no others are looked at.
        settings.excluded_headers = None;
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(&self.service)
            .time(UNIX_EPOCH + Duration::from_millis(u64::try_from(self.at).ok()?))
            .settings(settings)
            .build()
            .ok()?
            .into();
        let query = if call.query.is_empty() { String::new() } else { format!("?{}", call.query) };
        let uri = format!("{}{}{query}", call.base(), call.path);
        let headers = self.headers.iter().filter(|name| *name != "host");
        let headers: Vec<_> = headers.map(|name| Some((name.as_str(), call.header(name)?))).collect::<Option<_>>()?;
        let body = SignableBody::Bytes(&call.body);
        let request = SignableRequest::new(call.method.as_str(), uri, headers.into_iter(), body).ok()?;
        Some(sign(request, &parameters).ok()?.signature().to_owned())
    }
}

/// Takes as long for a wrong guess as for a right one.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

/// `20261120T103355Z` as milliseconds since 1970.
fn moment(stamp: &str) -> Option<i64> {
    let bytes = stamp.as_bytes();
    if bytes.len() != 16 || bytes[8] != b'T' || bytes[15] != b'Z' || !stamp.is_ascii() {
        return None;
    }
    let number = |from: usize, to: usize| stamp[from..to].parse::<u32>().ok();
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(9, 11)?, number(11, 13)?, number(13, 15)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = days_since_1970(i64::from(year), i64::from(month), i64::from(day)) * 86_400
        + i64::from(hour * 3600 + minute * 60 + second);
    Some(seconds * 1000)
}

/// The proleptic Gregorian calendar, years that begin in March.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// `2026-11-20T10:33:55.000Z`, as the vendor writes times.
pub fn timestamp(milliseconds: i64) -> String {
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0));
    let at = aws_smithy_types::DateTime::from(at);
    let whole = aws_smithy_types::DateTime::from_secs(at.secs());
    let text = whole.fmt(aws_smithy_types::date_time::Format::DateTime).unwrap_or_default();
    format!("{}.{:03}Z", text.trim_end_matches('Z'), milliseconds.rem_euclid(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_a_moment() {
        assert_eq!(moment("19700101T000000Z"), Some(0));
        assert_eq!(moment("20261120T103355Z"), Some(1_795_170_835_000));
        assert_eq!(moment("20240229T000001Z"), Some(1_709_164_801_000));
        assert_eq!(moment("20261320T103355Z"), None);
    }

    #[test]
    fn times_are_written_with_milliseconds() {
        assert_eq!(timestamp(1_709_164_801_042), "2024-02-29T00:00:01.042Z");
    }
}
