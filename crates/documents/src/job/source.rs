//! A job's schedule, data source and transformation.

use std::collections::BTreeMap;

use ig_core::fault::Faults;
use ig_core::integration::Script;
use ig_core::job::{DataSource, JobSchedule};
use ig_core::secret::MASK;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::secrets::{SecretPlace, visit_headers};

/// When a job runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = JobSchedule)]
pub struct JobScheduleDocument {
    /// The kind of schedule.
    pub r#type: JobScheduleType,
    /// CRON: an expression of five fields, or of six with seconds first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
    /// CRON: the IANA timezone; the organisation's by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// INTERVAL: milliseconds between two runs, at least 1,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_ms: Option<u64>,
}

/// The kind of schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum JobScheduleType {
    /// A cron schedule: `expression`, `timezone`.
    Cron,
    /// A fixed interval: `intervalMs`.
    Interval,
}

/// Where a job's data comes from. Strings may hold variables: `{{config.tenantId}}`, `{{config.integrationId}}`,
/// `{{date.today()}}`, `{{date.yesterday()}}`, `{{date.todayStart()}}`, `{{date.todayEnd()}}`, `{{date.now()}}`,
/// `{{job.watermark}}` and `{{env.NAME}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = DataSource)]
pub struct DataSourceDocument {
    /// The kind of source.
    pub r#type: DataSourceType,
    /// SQL: the name of the connection; the organisation's default where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// SQL: one SELECT statement. Variables become bound parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// MONGODB: the connection string; the platform's own database where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_string: Option<String>,
    /// MONGODB: the name of the database, together with `connectionString`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// MONGODB: the collection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    /// MONGODB: the stages of the aggregation pipeline.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::json_text::list")]
    #[schema(max_items = 50)]
    pub pipeline: Option<Vec<Value>>,
    /// MONGODB: how its values become JSON; PLAIN by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bson_style: Option<BsonStyleName>,
    /// API: the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// API: the method; GET by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<SourceMethod>,
    /// API: the headers, value by name.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::entries")]
    pub headers: Option<BTreeMap<String, String>>,
    /// API: the request body.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::json_text")]
    pub body: Option<Value>,
    /// API: how further pages are found; one page is fetched where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pagination: Option<PaginationDocument>,
}

/// The kind of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DataSourceType {
    /// The hospital's MySQL database: `query`.
    Sql,
    /// A MongoDB database: `collection`, `pipeline`, and for a database other than the platform's `connectionString` and
    /// `database`.
    Mongodb,
    /// An HTTP API: `url`, `method`, `headers`, `body`.
    Api,
}

/// How the values of a MongoDB database become JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = BsonStyle)]
pub enum BsonStyleName {
    /// Plain values: an identifier is a text, a date is in ISO 8601.
    Plain,
    /// MongoDB's extended JSON, which keeps each type.
    Extended,
}

/// How the further pages of an API are found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Pagination)]
pub struct PaginationDocument {
    /// How the next page is found.
    pub r#type: PaginationType,
    /// LINK: the path of the field that holds the next address; the `Link` header with `rel="next"` where absent. CURSOR: the path of
    /// the field that holds the cursor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// PAGE, CURSOR: the query parameter of the page's number or cursor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// PAGE: the number of the first page; 1 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// The path of the records in a page; the page is the list where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<String>,
    /// The most pages, from 1 to 1,000; 100 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000)]
    pub max_pages: Option<u32>,
}

/// How the next page of an API is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PaginationType {
    /// At an address that the page names: `field`.
    Link,
    /// By the number of the page: `parameter`, `first`.
    Page,
    /// By a cursor that the page names: `parameter`, `field`.
    Cursor,
}

/// The HTTP method of a request for data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SourceMethod {
    /// GET.
    Get,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
}

/// How a job's data is transformed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JobTransformation {
    /// Always SCRIPT.
    pub mode: JobTransformationMode,
    /// The body of a function of `payload` (`{data, metadata}`) and `context` that returns the body to send, or null to send
    /// nothing.
    pub script: String,
}

/// How a job's data is transformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum JobTransformationMode {
    /// With a script.
    Script,
}

impl JobScheduleDocument {
    pub(super) fn into_domain(self) -> Result<JobSchedule, Faults> {
        JobSchedule::read(&written(&self)?)
    }

    /// The document of a stored schedule. It was validated when it was written, so it can be read.
    pub(super) fn shown(schedule: &JobSchedule) -> Result<Self, Faults> {
        readable("/schedule", schedule.document())
    }
}

impl DataSourceDocument {
    pub(super) fn into_domain(self) -> Result<DataSource, Faults> {
        let masked = |secret: &str| secret == MASK;
        let mut faults = Faults::default();
        let mask = "is a mask, and no secret is stored at this place that it could stand for";
        if self.connection_string.as_deref().is_some_and(masked) {
            faults.add("/connectionString", mask);
        }
        for (name, _) in self.headers.iter().flatten().filter(|(_, value)| masked(value)) {
            faults.add(format!("/headers/{}", name.replace('~', "~0").replace('/', "~1")), mask);
        }
        faults.into_result(())?;
        DataSource::read(&written(&self)?)
    }

    /// The document of a stored source. It was validated when it was written, so it can be read.
    pub(super) fn shown(source: &DataSource) -> Result<Self, Faults> {
        readable("/dataSource", source.document())
    }

    /// Visits every secret.
    pub fn visit_secrets(&mut self, visit: &mut dyn FnMut(SecretPlace<'_>, &mut String)) {
        if let Some(connection) = &mut self.connection_string {
            visit(SecretPlace::SourceConnection, connection);
        }
        visit_headers(&mut self.headers, SecretPlace::SourceHeader, visit);
    }
}

impl JobTransformation {
    pub(super) fn into_domain(self) -> Result<Script, Faults> {
        Script::new(&self.script)
    }

    pub(super) fn shown(script: &Script) -> Self {
        Self {
            mode: JobTransformationMode::Script,
            script: script.source().to_string(),
        }
    }
}

fn written<T: Serialize>(part: &T) -> Result<Value, Faults> {
    serde_json::to_value(part).map_err(|error| Faults::single("", error.to_string()))
}

fn readable<T: DeserializeOwned>(place: &str, document: &Value) -> Result<T, Faults> {
    serde_json::from_value(document.clone()).map_err(|error| Faults::single(place, error.to_string()))
}
