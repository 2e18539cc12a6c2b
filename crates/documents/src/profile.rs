//! The profile of an organisation or a unit, validated.

use ig_core::fault::Faults;
use ig_core::organization::Profile;

use crate::text::{collect_faults, line, name};

const LONGEST_LINE: usize = 200;
const LONGEST_ADDRESS: usize = 1_000;
const MOST_TAGS: usize = 50;

/// The profile fields of a document, before validation.
pub(crate) struct ProfileFields {
    pub name: String,
    pub code: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub address: Option<String>,
    pub tags: Option<Vec<String>>,
    pub region: Option<String>,
    pub timezone: Option<String>,
}

impl TryFrom<ProfileFields> for Profile {
    type Error = Faults;

    fn try_from(claims: ProfileFields) -> Result<Self, Faults> {
        let ProfileFields {
            name: shown,
            code,
            email,
            phone,
            address,
            tags,
            region,
            timezone,
        } = claims;
        let mut faults = Faults::default();
        let profile = Self {
            name: collect_faults(&mut faults, "/name", name(&shown, LONGEST_LINE)).unwrap_or_default(),
            code: optional(&mut faults, "/code", code, |text| line(text, LONGEST_LINE)),
            email: optional(&mut faults, "/email", email, mailbox),
            phone: optional(&mut faults, "/phone", phone, |text| line(text, LONGEST_LINE)),
            address: optional(&mut faults, "/address", address, |text| text_block(text, LONGEST_ADDRESS)),
            tags: labels(&mut faults, &tags.unwrap_or_default()),
            region: optional(&mut faults, "/region", region, |text| line(text, LONGEST_LINE)),
            timezone: optional(&mut faults, "/timezone", timezone, zone),
        };
        faults.into_result(profile)
    }
}

fn optional(
    faults: &mut Faults,
    place: &str,
    text: Option<String>,
    law: impl Fn(&str) -> Result<String, Faults>,
) -> Option<String> {
    text.and_then(|text| collect_faults(faults, place, law(&text)))
}

fn labels(faults: &mut Faults, tags: &[String]) -> Vec<String> {
    if tags.len() > MOST_TAGS {
        faults.add("/tags", format!("must be at most {MOST_TAGS}"));
    }
    let numbered = tags.iter().enumerate();
    numbered
        .filter_map(|(at, tag)| collect_faults(faults, &format!("/tags/{at}"), name(tag, LONGEST_LINE)))
        .collect()
}

fn text_block(text: &str, max: usize) -> Result<String, Faults> {
    if text.chars().count() > max {
        return Err(Faults::single("", format!("must be at most {max} characters")));
    }
    Ok(text.to_owned())
}

/// An e-mail address.
pub fn mailbox(text: &str) -> Result<String, Faults> {
    let parts = text
        .split_once('@')
        .filter(|(user, host)| !user.is_empty() && !host.is_empty() && !host.contains('@'));
    if parts.is_none() || text.chars().any(char::is_whitespace) {
        return Err(Faults::single("", "must be an e-mail address"));
    }
    line(text, LONGEST_LINE)
}

fn zone(text: &str) -> Result<String, Faults> {
    let known = text.parse::<chrono_tz::Tz>();
    known.map_err(|_| Faults::single("", "must be an IANA timezone, such as Asia/Kolkata"))?;
    Ok(text.to_owned())
}
