//! Data of an HTTP API: one page or several, through the egress guard.

use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Uri};
use ig_core::clock::{Clock as _, SystemClock};
use ig_core::integration::TargetUrl;
use ig_core::job::{
    ApiSource, Collecting, FetchError, FetchLimits, Fetched, NextPage, Pagination, RecordCollector, VariableText, VariableValues,
};
use ig_core::outcome::{ErrorCategory, Failure};
use ig_delivery::{DataRequest, DataRequestError, DataResponse, Deliverer, retry_after};
use serde_json::Value;
use tokio::time::Instant;

mod next_page;

use next_page::{field, linked, with_parameter};

/// How often a request that reads is tried.
const MAX_TRIES: u32 = 3;
/// The pause before the first retry; it doubles with each.
const RETRY_DELAY: Duration = Duration::from_millis(500);
/// The longest pause that a server may ask for within a fetch.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(10);

/// Fetches all records of an API.
pub(super) async fn fetch(
    deliverer: &Deliverer,
    source: &ApiSource,
    values: &VariableValues<'_>,
    limits: FetchLimits,
) -> Result<Fetched, FetchError> {
    let pages = Pages {
        deliverer,
        request: request(source, values)?,
        limits,
        deadline: Instant::now() + limits.deadline,
        is_repeatable: source.method == "GET",
    };
    match &source.pagination {
        None => pages.one().await,
        Some(pagination) => pages.all(pagination).await,
    }
}

/// The fetch of one API.
struct Pages<'a> {
    deliverer: &'a Deliverer,
    /// The request for the first page.
    request: DataRequest,
    limits: FetchLimits,
    deadline: Instant,
    /// Whether a failed request may be sent again.
    is_repeatable: bool,
}

impl Pages<'_> {
    /// An answer that is no list is one record.
    async fn one(&self) -> Result<Fetched, FetchError> {
        let (page, _) = self.page(self.request.clone(), self.limits.bytes).await?;
        let mut collector = RecordCollector::new(self.limits);
        match page {
            Value::Array(records) => {
                for record in records {
                    if collector.push(record)? == Collecting::Ends {
                        break;
                    }
                }
            }
            record => drop(collector.push(record)?),
        }
        Ok(collector.finish())
    }

    async fn all(&self, pagination: &Pagination) -> Result<Fetched, FetchError> {
        let mut collector = RecordCollector::new(self.limits);
        let mut request = self.first(pagination)?;
        let mut seen = HashSet::from([request.url.to_string()]);
        for number in 0..pagination.max_pages {
            let (page, headers) = self.page(request.clone(), self.limits.bytes).await?;
            let is_empty = collect(&page, pagination.records.as_deref(), &mut collector)?;
            let Some(is_empty) = is_empty else {
                return Ok(collector.finish());
            };
            let Some(next) = self.next(pagination, &request.url, number, (&page, &headers), is_empty)? else {
                return Ok(collector.finish());
            };
            if !seen.insert(next.to_string()) {
                return Err(FetchError::Refused(
                    "The API names a page as the next one that was read before.".to_owned(),
                ));
            }
            request.url = next;
        }
        Err(FetchError::Refused(format!(
            "The API has more than {} pages: narrow the request, or raise `pagination.maxPages`.",
            pagination.max_pages
        )))
    }

    fn first(&self, pagination: &Pagination) -> Result<DataRequest, FetchError> {
        let mut request = self.request.clone();
        if let NextPage::Number { parameter, first } = &pagination.next {
            request.url = with_parameter(&request.url, parameter, &first.to_string())?;
        }
        Ok(request)
    }

    fn next(
        &self,
        pagination: &Pagination,
        current: &TargetUrl,
        number: u32,
        (page, headers): (&Value, &HeaderMap),
        is_empty: bool,
    ) -> Result<Option<TargetUrl>, FetchError> {
        match &pagination.next {
            NextPage::Link { field } => linked(current, &self.request.url, field.as_deref(), page, headers),
            NextPage::Number { .. } if is_empty => Ok(None),
            NextPage::Number { parameter, first } => {
                let next = first.saturating_add(u64::from(number)).saturating_add(1);
                with_parameter(&self.request.url, parameter, &next.to_string()).map(Some)
            }
            NextPage::Cursor { parameter, field: path } => {
                let cursor = match field(page, path) {
                    None | Some(Value::Null) => return Ok(None),
                    Some(Value::String(text)) if text.is_empty() => return Ok(None),
                    Some(Value::String(text)) => text.clone(),
                    Some(Value::Number(number)) => number.to_string(),
                    Some(_) => {
                        let message = format!("The cursor at {path} of a page is neither a text nor a number.");
                        return Err(FetchError::Refused(message));
                    }
                };
                with_parameter(&self.request.url, parameter, &cursor).map(Some)
            }
        }
    }

    /// One page, and the headers of its answer.
    async fn page(&self, request: DataRequest, max_bytes: usize) -> Result<(Value, HeaderMap), FetchError> {
        let mut delay = RETRY_DELAY;
        for attempt in 1.. {
            let error = match self.exchange(request.clone(), max_bytes).await {
                Ok(response) => return parsed(response),
                Err(error) => error,
            };
            let pause = error.retry_after.unwrap_or(delay).min(MAX_RETRY_AFTER);
            let is_last = attempt >= MAX_TRIES || !self.is_repeatable || !error.error.is_retryable();
            if is_last || Instant::now() + pause >= self.deadline {
                return Err(error.error);
            }
            tokio::time::sleep(pause).await;
            delay *= 2;
        }
        Err(FetchError::TimedOut(self.limits.deadline))
    }

    async fn exchange(&self, request: DataRequest, max_bytes: usize) -> Result<DataResponse, FailedExchange> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(FetchError::TimedOut(self.limits.deadline).into());
        }
        let answered = self.deliverer.request_data(request, max_bytes, left).await;
        let response = answered.map_err(|error| self.failed(error))?;
        match ErrorCategory::of_status(response.status.as_u16()) {
            None => Ok(response),
            Some(category) => Err(FailedExchange {
                retry_after: retry_after(&response.headers, SystemClock.now()),
                error: of_status(&response, category),
            }),
        }
    }

    fn failed(&self, error: DataRequestError) -> FailedExchange {
        let error = match error {
            DataRequestError::TooLarge { max_bytes } => FetchError::TooLarge {
                rows: self.limits.rows,
                bytes: max_bytes,
            },
            DataRequestError::Failed(Failure { category, message, .. }) => match category {
                ErrorCategory::Timeout => FetchError::TimedOut(self.limits.deadline),
                category if category.retryable() => FetchError::Unavailable(of_source(&message)),
                _ => FetchError::Refused(of_source(&message)),
            },
        };
        error.into()
    }
}

/// A failed exchange, and how long the server asked to wait.
struct FailedExchange {
    error: FetchError,
    retry_after: Option<Duration>,
}

impl From<FetchError> for FailedExchange {
    fn from(error: FetchError) -> Self {
        let retry_after = None;
        Self { error, retry_after }
    }
}

fn of_status(response: &DataResponse, category: ErrorCategory) -> FetchError {
    let message = format!("The data source answered {}.", response.status);
    if category.retryable() {
        FetchError::Unavailable(message)
    } else {
        FetchError::Refused(message)
    }
}

/// Rewrites a sentence about the target for the data source.
fn of_source(message: &str) -> String {
    message.replacen("The target", "The data source", 1)
}

fn parsed(response: DataResponse) -> Result<(Value, HeaderMap), FetchError> {
    let DataResponse { headers, body, .. } = response;
    let page = ig_core::json::parse(&body);
    let page = page.map_err(|error| FetchError::Refused(format!("The data source's answer is no JSON: {error}.")))?;
    Ok((page, headers))
}

/// Adds a page's records, and says whether it had none; `None` when the collector takes no more.
fn collect(page: &Value, path: Option<&str>, collector: &mut RecordCollector) -> Result<Option<bool>, FetchError> {
    let records = match path {
        None => Some(page),
        Some(path) => field(page, path),
    };
    let Some(records) = records.and_then(Value::as_array) else {
        let place = path.map_or_else(|| "The answer".to_owned(), |path| format!("The field {path} of the answer"));
        return Err(FetchError::Refused(format!(
            "{place} is no list: `pagination.records` tells where the records of a page are."
        )));
    };
    for record in records {
        if collector.push(record.clone())? == Collecting::Ends {
            return Ok(None);
        }
    }
    Ok(Some(records.is_empty()))
}

fn request(source: &ApiSource, values: &VariableValues<'_>) -> Result<DataRequest, FetchError> {
    let url = source
        .url
        .filled(|variable| values.value(variable).map(|value| encoded(&value)));
    let url = url.map_err(|error| FetchError::Refused(error.to_string()))?;
    let url = url
        .parse()
        .map_err(|faults| FetchError::Refused(format!("The address is not valid: {faults}.")))?;
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let body = match &source.body {
        None => Bytes::new(),
        Some(body) => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            Bytes::from(filled(body, values)?.to_string())
        }
    };
    for (name, text) in &source.headers {
        let (name, value) = header(name, text.expose(), values)?;
        headers.insert(name, value);
    }
    let method = Method::from_bytes(source.method.as_bytes()).unwrap_or(Method::GET);
    Ok(DataRequest {
        method,
        url,
        headers,
        body,
    })
}

/// A value in an address ends no part of it.
fn encoded(value: &str) -> String {
    form_urlencoded::byte_serialize(value.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

fn header(name: &str, text: &str, values: &VariableValues<'_>) -> Result<(HeaderName, HeaderValue), FetchError> {
    let invalid = || {
        FetchError::Refused(format!(
            "The header {name} cannot be sent: a variable in it has a value that no header holds."
        ))
    };
    let text: VariableText = text.parse().map_err(|_| invalid())?;
    let text = text.filled(|variable| values.value(variable));
    let text = text.map_err(|error| FetchError::Refused(error.to_string()))?;
    let mut value = HeaderValue::from_str(&text).map_err(|_| invalid())?;
    value.set_sensitive(true);
    Ok((name.parse().map_err(|_| invalid())?, value))
}

/// Fills the texts of a body; its keys stay as they are.
fn filled(value: &Value, values: &VariableValues<'_>) -> Result<Value, FetchError> {
    Ok(match value {
        Value::String(text) => {
            let text: VariableText = text.parse().map_err(|faults| FetchError::Refused(format!("{faults}")))?;
            let text = text.filled(|variable| values.value(variable));
            Value::String(text.map_err(|error| FetchError::Refused(error.to_string()))?)
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| filled(item, values)).collect::<Result<_, _>>()?),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| Ok((name.clone(), filled(value, values)?)));
            Value::Object(fields.collect::<Result<_, FetchError>>()?)
        }
        value => value.clone(),
    })
}

/// An address as text, for comparisons.
fn authority(uri: &Uri) -> (Option<&str>, Option<&str>) {
    (uri.scheme_str(), uri.authority().map(http::uri::Authority::as_str))
}
