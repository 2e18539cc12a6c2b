//! Dates.

use boa_engine::object::builtins::JsDate;
use boa_engine::{Context, JsArgs as _, JsResult, JsString, JsValue};
use chrono::{DateTime, SecondsFormat, Utc};

use super::{range_error, text};
use crate::script::worker::dates::{self, Reading, Zone};

const UNREADABLE: &str = "the value is not a date in a form that is known; name its form, as in parseDate(value, \"DMY\") or parseDate(value, \"%d.%m.%y\")";
const DAY: f64 = 86_400_000.0;
const HOUR: f64 = 3_600_000.0;
const MINUTE: f64 = 60_000.0;

/// `epoch(v)`: seconds since 1970; `null` for `null`, `undefined` and the empty text.
pub(super) fn epoch(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let moment = moment(arguments.get_or_undefined(0), &Reading::default(), context)?;
    Ok(moment.map_or_else(JsValue::null, |milliseconds| JsValue::new((milliseconds / 1000.0).floor())))
}

/// `datetime(date, time, tz)`: the moment at which clocks in the zone show this, as ISO 8601 in UTC.
///
/// A missing time is midnight, a missing zone UTC; `null` when there is no date.
pub(super) fn datetime(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let date = text(arguments.get_or_undefined(0), context)?.unwrap_or_default();
    let time = text(arguments.get_or_undefined(1), context)?.unwrap_or_default();
    let zone = zone(arguments.get_or_undefined(2), context)?;
    let (date, time) = (date.trim(), time.trim());
    if date.is_empty() {
        return Ok(JsValue::null());
    }
    let reading = Reading {
        zone,
        ..Reading::default()
    };
    match dates::read(&dates::joined(date, time), &reading) {
        Some(moment) => Ok(JsString::from(moment.to_rfc3339_opts(SecondsFormat::Millis, true)).into()),
        None => range_error(UNREADABLE),
    }
}

/// `parseDate(v, form?, tz?)`: a `Date`; `null` for `null`, `undefined` and the empty text.
pub(super) fn parse_date(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let zone = zone(arguments.get_or_undefined(2), context)?;
    let form = text(arguments.get_or_undefined(1), context)?;
    let Some(form) = form.as_deref().map_or(Some(dates::Form::default()), dates::Form::named) else {
        return range_error("the form of a date is \"MDY\", \"DMY\", \"YMD\" or a strftime pattern such as \"%d/%m/%Y\"");
    };
    let reading = Reading { form, zone };
    date(moment(arguments.get_or_undefined(0), &reading, context)?, context)
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
    let start = moment(arguments.get_or_undefined(0), &Reading::default(), context)?;
    let count = arguments.get_or_undefined(1).to_number(context)?;
    if !count.is_finite() {
        return range_error("how much to add to a date must be a number");
    }
    date(start.map(|start| start + count * unit), context)
}

/// Milliseconds since 1970.
fn moment(value: &JsValue, reading: &Reading, context: &mut Context) -> JsResult<Option<f64>> {
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
    let Some(text) = text(value, context)?.filter(|text| !text.trim().is_empty()) else {
        return Ok(None);
    };
    match dates::read(text.trim(), reading) {
        Some(moment) => Ok(Some(milliseconds(moment))),
        None => range_error(UNREADABLE),
    }
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

fn zone(value: &JsValue, context: &mut Context) -> JsResult<Zone> {
    let name = text(value, context)?;
    match name.as_deref().map_or(Some(Zone::default()), Zone::named) {
        Some(zone) => Ok(zone),
        None => range_error("the timezone must be an IANA name such as Asia/Kolkata, or an offset such as +05:30"),
    }
}
