//! Data of a named SQL connection.

use chrono::DateTime;
use ig_core::fault::Faults;
use ig_core::id::OrgId;
use ig_core::job::{AtCap, ConnectionName, DataConnection, FetchError, Fetched, MomentForm, SqlSource};
use ig_core::ports::StoreError;
use ig_core::secret::Secret;
use ig_sources::{CheckedQuery, Completeness, Excess, FetchLimits as SqlLimits, RightsFault, SqlConnection, SqlError};
use serde_json::Value;

use super::{DataSources, FetchContext};

impl DataSources {
    /// Runs the query over the tenant's rows. It is checked again: the tables of the connection may have changed since the job was saved.
    pub(super) async fn fetch_sql(&self, source: &SqlSource, context: &FetchContext<'_>) -> Result<Fetched, FetchError> {
        let granted = self.granted(context.org, source).await?;
        let zone = self.live.zone(context.org, context.tenant);
        let connection = SqlConnection::new(&granted.url).map_err(|faults| FetchError::Refused(faults.to_string()))?;
        let connection = connection.with_output_zone(zone);
        let checked = CheckedQuery::parse(&source.query, &granted.tables, Some(connection.schema()));
        let checked = checked.map_err(|faults| FetchError::Refused(format!("The query is not allowed: {faults}.")))?;
        let watermark = context.watermark.map(in_session_clock);
        let context = &FetchContext {
            watermark: watermark.as_deref(),
            ..*context
        };
        let values = self.values(context, MomentForm::Sql);
        let tenants = self.live.tenant_numbers(context.org, context.tenant);
        let bound = checked.bind(&tenants, |variable| values.value(variable));
        let bound = bound.map_err(|error| FetchError::Refused(error.to_string()))?;
        let limits = SqlLimits {
            rows: context.limits.rows,
            bytes: context.limits.bytes,
            deadline: context.limits.deadline,
            excess: match context.limits.at_cap {
                AtCap::Refuse => Excess::Refuse,
                AtCap::Truncate => Excess::Truncate,
            },
        };
        let fetched = connection.fetch(&bound, &limits, context.cancel).await;
        let fetched = fetched.map_err(|error| fetch_error(&error, context))?;
        Ok(Fetched {
            is_truncated: fetched.completeness == Completeness::Truncated,
            records: fetched.records.into_iter().map(Value::Object).collect(),
        })
    }

    pub(super) async fn check_sql(&self, org: OrgId, source: &SqlSource) -> Result<Faults, FetchError> {
        let granted = match self.granted(org, source).await {
            Ok(granted) => granted,
            Err(FetchError::Refused(message)) => return Ok(Faults::single("/connection", message)),
            Err(error) => return Err(error),
        };
        let Ok(connection) = SqlConnection::new(&granted.url) else {
            return Ok(Faults::single("/connection", "names a connection whose address is not valid"));
        };
        let checked = CheckedQuery::parse(&source.query, &granted.tables, Some(connection.schema()));
        Ok(checked.err().unwrap_or_default())
    }

    /// The connection that a job of an organisation reads.
    async fn granted(&self, org: OrgId, source: &SqlSource) -> Result<DataConnection, FetchError> {
        let name = source.connection.as_deref().map(str::parse::<ConnectionName>).transpose();
        let name = name.map_err(|faults| FetchError::Refused(format!("The connection's name is not valid: {faults}.")))?;
        let found = self.connections.open_granted(org, name.as_ref()).await;
        let found = found.map_err(|error| match error {
            StoreError::Unavailable(_) => FetchError::Unavailable("The platform's database is not available.".to_owned()),
            StoreError::Refused(reason) => FetchError::Refused(format!("The connection cannot be read: {reason}.")),
        })?;
        found.ok_or_else(|| {
            FetchError::Refused(match name {
                Some(name) => format!("The organisation has no connection named {name}: an administrator of the platform grants them."),
                None => "The organisation has no default connection: name one in `connection`, or ask an administrator of the platform \
                     for one."
                    .to_owned(),
            })
        })
    }
}

/// A watermark that is a moment, as the session's clock shows it: that is UTC, and a server passes over an offset.
fn in_session_clock(watermark: &str) -> String {
    match DateTime::parse_from_rfc3339(watermark) {
        Ok(moment) => moment.to_utc().format("%Y-%m-%d %H:%M:%S%.6f").to_string(),
        Err(_) => watermark.to_owned(),
    }
}

/// Connects, and checks the rights of the user.
pub(super) async fn check_connection(url: &Secret) -> Faults {
    let connection = match SqlConnection::new(url) {
        Ok(connection) => connection,
        Err(faults) => return faults,
    };
    match connection.check_rights().await {
        Ok(()) => Faults::default(),
        Err(fault @ (RightsFault::Excessive { .. } | RightsFault::Unknown(_))) => Faults::single("/url", fault.to_string()),
    }
}

fn fetch_error(error: &SqlError, context: &FetchContext<'_>) -> FetchError {
    let limits = context.limits;
    match error {
        SqlError::Refused { .. } | SqlError::DuplicateColumn { .. } => FetchError::Refused(sentence(error)),
        SqlError::Unavailable(_) => FetchError::Unavailable(sentence(error)),
        SqlError::TimedOut { after } => FetchError::TimedOut(*after),
        SqlError::Cancelled => FetchError::Cancelled,
        SqlError::TooManyRows { .. } | SqlError::TooManyBytes { .. } => FetchError::TooLarge {
            rows: limits.rows,
            bytes: limits.bytes,
        },
    }
}

fn sentence(error: &SqlError) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters
        .next()
        .map(|first| first.to_uppercase().to_string())
        .unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sql_watermark_that_is_a_moment_is_bound_in_the_sessions_clock() {
        assert_eq!(in_session_clock("2026-01-31T08:30:00.25+05:30"), "2026-01-31 03:00:00.250000");
        assert_eq!(in_session_clock("2026-01-31T08:30:00"), "2026-01-31T08:30:00");
        assert_eq!(in_session_clock("41"), "41");
    }
}
