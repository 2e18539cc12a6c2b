//! Helpers for dates.

use boa_engine::object::builtins::JsDate;
use boa_engine::{Context, JsArgs as _, JsResult, JsString, JsValue};
use chrono::{DateTime, SecondsFormat, Utc};
use ig_core::date::{Forms, Pattern};
use serde_json::Value;

use super::zone::Zone;
use super::{range_error, text};

const DAY: f64 = 86_400_000.0;
const HOUR: f64 = 3_600_000.0;
const MINUTE: f64 = 60_000.0;

/// How a date is read.
#[derive(Default)]
struct DateReader {
    forms: Forms,
    /// The zone of dates that name no offset.
    zone: Zone,
}

impl DateReader {
    /// A reader of the form and the zone that a script names.
    fn of(form: &JsValue, zone: &JsValue, context: &mut Context) -> JsResult<Self> {
        let forms = match text(form, context)?.as_deref().map(Forms::compile) {
            None => Forms::default(),
            Some(Ok(forms)) => forms,
            Some(Err(reason)) => {
                let known = "\"DMY\", \"MDY\", \"YMD\" or a pattern such as \"DD/MM/YYYY\" or \"%d/%m/%Y\"";
                return range_error(&format!("the form of a date is {known}; this one {reason}"));
            }
        };
        let zone = match text(zone, context)?.as_deref().map(Zone::named) {
            None => Zone::default(),
            Some(Some(zone)) => zone,
            Some(None) => {
                return range_error("the timezone must be an IANA name such as Asia/Kolkata, or an offset such as +05:30");
            }
        };
        Ok(Self { forms, zone })
    }

    fn read(&self, value: &Value) -> JsResult<DateTime<Utc>> {
        let read = self.forms.read(value);
        match read.map(|moment| self.zone.start(moment)) {
            Ok(Some(moment)) => Ok(moment),
            Ok(None) => range_error("the date is never shown by clocks in the timezone"),
            Err(reason) => {
                let advice = "name its form, as in parseDate(value, \"DMY\") or parseDate(value, \"DD.MM.YY\")";
                range_error(&format!("{reason}; {advice}"))
            }
        }
    }
}

/// `epoch(v)`: seconds since 1970; `null` for `null`, `undefined` and the empty text.
pub(super) fn epoch(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let moment = moment(arguments.get_or_undefined(0), &DateReader::default(), context)?;
    Ok(moment.map_or_else(JsValue::null, |milliseconds| JsValue::new((milliseconds / 1000.0).floor())))
}

/// `datetime(date, time, tz, form?)`: the moment at which clocks in the zone show this, as ISO 8601 in UTC.
///
/// A missing time is midnight, a missing zone UTC; `null` when there is no date.
pub(super) fn datetime(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let date = text(arguments.get_or_undefined(0), context)?.unwrap_or_default();
    let time = text(arguments.get_or_undefined(1), context)?.unwrap_or_default();
    let reader = DateReader::of(arguments.get_or_undefined(3), arguments.get_or_undefined(2), context)?;
    if date.trim().is_empty() {
        return Ok(JsValue::null());
    }
    let moment = reader.read(&Value::String(format!("{} {}", date.trim(), time.trim())))?;
    Ok(JsString::from(moment.to_rfc3339_opts(SecondsFormat::Millis, true)).into())
}

/// `parseDate(v, form?, tz?)`: a `Date`; `null` for `null`, `undefined` and the empty text.
pub(super) fn parse_date(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let reader = DateReader::of(arguments.get_or_undefined(1), arguments.get_or_undefined(2), context)?;
    date(moment(arguments.get_or_undefined(0), &reader, context)?, context)
}

/// `formatDate(v, pattern, tz?)`: the date as clocks in the zone show it; `null` for `null`, `undefined` and the empty text.
pub(super) fn format_date(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let pattern = text(arguments.get_or_undefined(1), context)?.unwrap_or_default();
    let pattern = Pattern::output(&pattern).or_else(|reason| range_error(&format!("the pattern of a date {reason}")))?;
    let reader = DateReader::of(&JsValue::undefined(), arguments.get_or_undefined(2), context)?;
    let Some(milliseconds) = moment(arguments.get_or_undefined(0), &reader, context)? else {
        return Ok(JsValue::null());
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a Date has whole milliseconds, and fewer than these"
    )]
    let at = DateTime::from_timestamp_millis(milliseconds as i64).unwrap_or_default();
    match reader.zone.write(at, &pattern) {
        Ok(written) => Ok(JsString::from(written).into()),
        Err(reason) => range_error(&reason),
    }
}

/// `addDays(v, n)`: a `Date` that many times 24 hours later.
pub(super) fn add_days(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    later(arguments, DAY, context)
}

/// `addHours(v, n)`: a `Date` that many hours later.
pub(super) fn add_hours(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    later(arguments, HOUR, context)
}

/// `addMinutes(v, n)`: a `Date` that many minutes later.
pub(super) fn add_minutes(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    later(arguments, MINUTE, context)
}

fn later(arguments: &[JsValue], unit: f64, context: &mut Context) -> JsResult<JsValue> {
    let start = moment(arguments.get_or_undefined(0), &DateReader::default(), context)?;
    let count = arguments.get_or_undefined(1).to_number(context)?;
    if !count.is_finite() {
        return range_error("how much to add to a date must be a number");
    }
    date(start.map(|start| start + count * unit), context)
}

/// The milliseconds since 1970 of a date argument.
fn moment(value: &JsValue, reader: &DateReader, context: &mut Context) -> JsResult<Option<f64>> {
    if let Some(object) = value.as_object()
        && let Ok(date) = JsDate::from_object(object)
    {
        let milliseconds = date.get_time(context)?.to_number(context)?;
        return if milliseconds.is_nan() {
            range_error("the Date is invalid")
        } else {
            Ok(Some(milliseconds))
        };
    }
    let json = match value.as_number() {
        Some(number) => Value::from(number),
        None => match text(value, context)?.filter(|text| !text.trim().is_empty()) {
            Some(text) => Value::String(text),
            None => return Ok(None),
        },
    };
    reader.read(&json).map(milliseconds).map(Some)
}

fn milliseconds(moment: DateTime<Utc>) -> f64 {
    moment.timestamp_millis() as f64
}

fn date(milliseconds: Option<f64>, context: &mut Context) -> JsResult<JsValue> {
    let Some(milliseconds) = milliseconds else {
        return Ok(JsValue::null());
    };
    let date = JsDate::new(context);
    date.set_time(milliseconds, context)?;
    Ok(date.into())
}
