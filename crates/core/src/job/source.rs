//! The data source of a job.

use serde_json::Value;

use super::fetch::BsonStyle;
use super::pagination;
use super::pipeline::{self, DatabaseOwner};
use super::variable::VariableText;
use crate::fault::{Faults, InputPath};
use crate::fields::Fields;
use crate::integration::{MAX_DEPTH, TargetUrl};
use crate::secret::Secret;

const MAX_QUERY_BYTES: usize = 64 * 1024;
/// The largest data source document, in bytes of JSON.
const MAX_DOCUMENT_BYTES: usize = 256 * 1024;
const MAX_HEADERS: usize = 50;

/// A data source. It keeps the document as written, which may hold secrets.
#[derive(Clone, PartialEq)]
pub struct DataSource {
    document: Value,
    source: Source,
}

/// The document may hold secrets, so only the parsed source is shown.
impl std::fmt::Debug for DataSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.source.fmt(f)
    }
}

/// The kind of a data source.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// The hospital's MySQL database.
    Sql(SqlSource),
    /// A MongoDB database: the platform's own, or another.
    Mongo(MongoSource),
    /// An HTTP API.
    Api(ApiSource),
}

/// A SQL query.
#[derive(Debug, Clone, PartialEq)]
pub struct SqlSource {
    /// The name of the connection; `None` means the organisation's default.
    pub connection: Option<String>,
    /// The statement, split where bound parameters go.
    pub query: VariableText,
}

/// A MongoDB aggregation.
#[derive(Debug, Clone, PartialEq)]
pub struct MongoSource {
    /// The connection string; `None` means the platform's own database.
    pub connection: Option<Secret>,
    /// The database name, unless it is the platform's own.
    pub database: Option<String>,
    /// The collection.
    pub collection: String,
    /// The stages; their texts may contain variables.
    pub pipeline: Vec<Value>,
    /// How its values become JSON.
    pub style: BsonStyle,
}

/// An HTTP request.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiSource {
    /// The address; it may contain variables.
    pub url: VariableText,
    /// GET, POST, PUT or PATCH.
    pub method: &'static str,
    /// Header values by name; they may contain variables.
    pub headers: Vec<(String, Secret)>,
    /// The body; its texts may contain variables.
    pub body: Option<Value>,
    /// How its further pages are found; `None` fetches one.
    pub pagination: Option<Pagination>,
}

/// How a paginated API is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pagination {
    /// How the next page is found.
    pub next: NextPage,
    /// The path of the records in a page; `None` where the page is the list.
    pub records: Option<String>,
    /// The most pages, from 1 to 1,000.
    pub max_pages: u32,
}

/// How the next page of an API is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextPage {
    /// At the address in a field of the page, or in its `Link` header with `rel="next"` where no field is given.
    Link {
        /// The path of the field.
        field: Option<String>,
    },
    /// With the number of the page in a query parameter, counted from `first`, until a page has no records.
    Number {
        /// The query parameter.
        parameter: String,
        /// The number of the first page.
        first: u64,
    },
    /// With the cursor from a field of the page in a query parameter, until the field is absent or null.
    Cursor {
        /// The query parameter.
        parameter: String,
        /// The path of the field.
        field: String,
    },
}

impl DataSource {
    /// Reads a `dataSource` of the type SQL, MONGODB or API, and reports every fault by place.
    pub fn read(document: &Value) -> Result<Self, Faults> {
        let object = document
            .as_object()
            .ok_or_else(|| Faults::single("", "must be an object that tells where the data comes from"))?;
        if document.to_string().len() > MAX_DOCUMENT_BYTES {
            return Err(Faults::single("", "must be at most 256 KiB of JSON"));
        }
        let mut fields = Fields::of(object);
        let (of, source) = match fields.text("type") {
            Some("SQL") => ("the type SQL", parse_sql(&mut fields).map(Source::Sql)),
            Some("MONGODB") => ("the type MONGODB", parse_mongo(&mut fields).map(Source::Mongo)),
            Some("API") => ("the type API", parse_api(&mut fields).map(Source::Api)),
            _ => return Err(Faults::single("/type", "must be SQL, MONGODB or API")),
        };
        let faults = fields.into_faults(of);
        let Some(source) = source else {
            return Err(faults);
        };
        let document = document.clone();
        faults.into_result(Self { document, source })
    }

    /// The document as written.
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// The parsed source.
    pub fn source(&self) -> &Source {
        &self.source
    }
}

fn parse_sql(fields: &mut Fields<'_>) -> Option<SqlSource> {
    let query = required_text(fields, "query")?;
    if query.len() > MAX_QUERY_BYTES {
        let message = format!("must be at most {MAX_QUERY_BYTES} bytes");
        fields.faults().add("/query", message);
    }
    // The runner parses the query; this check reports obvious mistakes while it is being written.
    let first = query.split_whitespace().next().unwrap_or_default();
    if !["select", "with"].contains(&first.to_ascii_lowercase().as_str()) {
        fields.faults().add("/query", "must be one SELECT statement");
    }
    let query = parse_template(fields, "/query", query);
    let connection = fields.text("connection").map(str::to_owned);
    if connection.as_deref().is_some_and(|name| name.is_empty() || name.len() > 64) {
        fields
            .faults()
            .add("/connection", "must be the name of a connection, of at most 64 bytes");
    }
    Some(SqlSource {
        connection,
        query: query?,
    })
}

fn parse_mongo(fields: &mut Fields<'_>) -> Option<MongoSource> {
    let connection = fields.text("connectionString").map(str::to_owned);
    let database = fields.text("database").map(str::to_owned);
    let collection = required_text(fields, "collection");
    let stages = fields.list("pipeline").to_vec();
    let style = match fields.text("bsonStyle") {
        None | Some("PLAIN") => BsonStyle::Plain,
        Some("EXTENDED") => BsonStyle::Extended,
        Some(_) => {
            fields.faults().add("/bsonStyle", "must be PLAIN or EXTENDED");
            BsonStyle::Plain
        }
    };
    match (&connection, &database) {
        (Some(connection), database) => {
            if !["mongodb://", "mongodb+srv://"]
                .iter()
                .any(|scheme| connection.starts_with(scheme))
            {
                fields
                    .faults()
                    .add("/connectionString", "must begin with mongodb:// or mongodb+srv://");
            }
            if database.as_deref().is_none_or(|name| name.trim().is_empty()) {
                fields.faults().add("/database", "is required with a connectionString");
            }
        }
        (None, Some(_)) => fields
            .faults()
            .add("/database", "is for another database alone, which a connectionString names"),
        (None, None) => {}
    }
    let owner = if connection.is_some() {
        DatabaseOwner::Tenant
    } else {
        DatabaseOwner::Platform
    };
    let faults = fields.faults();
    faults.add_below("/pipeline", pipeline::check_configured(&stages, owner));
    for (at, stage) in stages.iter().enumerate() {
        check_texts(stage, &InputPath::new("/pipeline").at(at), 0, faults);
    }
    let collection = collection?.to_owned();
    if collection.is_empty() || collection.starts_with("system.") || collection.contains(['$', '\0']) {
        faults.add("/collection", "must be the name of a collection");
    }
    Some(MongoSource {
        connection: connection.map(Secret::new),
        database,
        collection,
        pipeline: stages,
        style,
    })
}

fn parse_api(fields: &mut Fields<'_>) -> Option<ApiSource> {
    let url = required_text(fields, "url");
    let method = match fields.text("method") {
        None | Some("GET") => "GET",
        Some("POST") => "POST",
        Some("PUT") => "PUT",
        Some("PATCH") => "PATCH",
        Some(_) => {
            fields.faults().add("/method", "must be GET, POST, PUT or PATCH");
            "GET"
        }
    };
    let headers = parse_headers(fields);
    let body = fields.value("body").cloned();
    if let Some(body) = &body {
        check_texts(body, &InputPath::new("/body"), 0, fields.faults());
        if method == "GET" {
            fields.faults().add("/body", "must be left out with the method GET");
        }
    }
    let pagination = fields.value("pagination").and_then(|given| {
        let read = pagination::read(given);
        read.map_err(|found| fields.faults().add_below("/pagination", found)).ok()
    });
    let url = url?;
    let text = parse_template(fields, "/url", url)?;
    check_fixed_host(fields, &text);
    Some(ApiSource {
        url: text,
        method,
        headers,
        body,
        pagination,
    })
}

/// The host must be fixed, because the egress guard judges it: variables may only follow it.
fn check_fixed_host(fields: &mut Fields<'_>, url: &VariableText) {
    let with = |stand_in: &str| url.filled(|_| Ok::<_, Faults>(stand_in.to_owned()));
    let read = |text: Result<String, Faults>| text.and_then(|text| text.parse::<TargetUrl>());
    match (read(with("a")), read(with("b"))) {
        (Ok(one), Ok(other)) if one.host() == other.host() && one.port() == other.port() => {}
        (Ok(_), _) => fields.faults().add("/url", "must have its variables behind the host"),
        (Err(found), _) => fields.faults().add_below("/url", found),
    }
}

fn parse_headers(fields: &mut Fields<'_>) -> Vec<(String, Secret)> {
    let Some(given) = fields.value("headers") else {
        return Vec::new();
    };
    let Some(given) = given.as_object() else {
        fields.faults().add("/headers", "must be an object of values by name");
        return Vec::new();
    };
    if given.len() > MAX_HEADERS {
        let message = format!("must be at most {MAX_HEADERS} headers");
        fields.faults().add("/headers", message);
    }
    let mut headers = Vec::new();
    for (name, value) in given {
        let place = format!("/headers/{}", name.replace('~', "~0").replace('/', "~1"));
        if name.parse::<http::HeaderName>().is_err() {
            fields.faults().add(&place, "is no header's name");
        }
        let sendable = |text: &&str| http::HeaderValue::from_str(text).is_ok();
        match value.as_str().filter(sendable) {
            Some(text) => {
                parse_template(fields, &place, text);
                headers.push((name.clone(), Secret::new(text)));
            }
            None => fields.faults().add(place, "must be a text that a header can hold"),
        }
    }
    headers
}

/// Every variable in the texts of a value must be known.
fn check_texts(value: &Value, place: &InputPath<'_>, depth: usize, faults: &mut Faults) {
    if faults.is_full() {
        return;
    }
    if depth > MAX_DEPTH {
        faults.add_at(place, format!("must not nest deeper than {MAX_DEPTH}"));
        return;
    }
    match value {
        Value::String(text) => {
            if let Err(found) = text.parse::<VariableText>() {
                faults.add_below(&place.to_string(), found);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                check_texts(item, &place.at(at), depth + 1, faults);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                check_texts(value, &place.field(name), depth + 1, faults);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn parse_template(fields: &mut Fields<'_>, place: &str, text: &str) -> Option<VariableText> {
    text.parse().map_err(|found| fields.faults().add_below(place, found)).ok()
}

fn required_text<'a>(fields: &mut Fields<'a>, name: &'static str) -> Option<&'a str> {
    let given = fields.value(name).is_some();
    let text = fields.text(name);
    if !given {
        fields.faults().add(format!("/{name}"), "is required");
    }
    text
}

#[cfg(test)]
mod tests;
