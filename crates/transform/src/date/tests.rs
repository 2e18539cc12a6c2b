use serde_json::json;

use super::*;

fn rewrite(input: Option<&str>, output: Option<&str>, timezone: Option<&str>, value: &Value) -> Result<Value, String> {
    let own = |text: Option<&str>| text.map(str::to_owned);
    let format = DateFormat {
        input: own(input),
        output: own(output),
        timezone: own(timezone),
    };
    let rewritten = DateRule::compile(&format).unwrap().rewrite(value);
    rewritten.map_err(|problem| problem.to_string())
}

fn read(input: Option<&str>, text: &str) -> Result<Value, String> {
    rewrite(input, None, None, &json!(text))
}

#[test]
fn dates_without_a_pattern_are_iso_8601_or_epochs() {
    let table = [
        (json!("2024-03-10T12:30:00Z"), "2024-03-10T12:30:00Z"),
        (json!("2024-03-10T12:30:00.250+05:30"), "2024-03-10T07:00:00.250Z"),
        (json!("2024-03-10T12:30:00+0530"), "2024-03-10T07:00:00Z"),
        (json!("2024-03-10 12:30:00"), "2024-03-10T12:30:00Z"),
        (json!("2024-03-10T12:30"), "2024-03-10T12:30:00Z"),
        (json!("2024-03-10"), "2024-03-10T00:00:00Z"),
        (json!("20240310"), "2024-03-10T00:00:00Z"),
        (json!(20_240_310), "2024-03-10T00:00:00Z"),
        (json!(20_240_310_123_000_i64), "2024-03-10T12:30:00Z"),
        (json!("20240310T123000"), "2024-03-10T12:30:00Z"),
        (json!(1_710_073_800), "2024-03-10T12:30:00Z"),
        (json!(1_710_073_800_250_i64), "2024-03-10T12:30:00.250Z"),
        (json!(1_710_073_800.25), "2024-03-10T12:30:00.250Z"),
        (json!("1710073800"), "2024-03-10T12:30:00Z"),
        (json!("1710073800000"), "2024-03-10T12:30:00Z"),
        (json!(-86_400), "1969-12-31T00:00:00Z"),
    ];
    for (value, expected) in table {
        assert_eq!(rewrite(None, None, None, &value), Ok(json!(expected)), "{value}");
    }
}

#[test]
fn patterns_and_timezone_govern_both_sides() {
    let table = [
        (
            Some("%d/%m/%Y %H:%M"),
            None,
            Some("Asia/Kolkata"),
            json!("10/03/2024 12:30"),
            "2024-03-10T07:00:00Z",
        ),
        (Some("%d/%m/%Y"), Some("%Y%m%d"), None, json!(" 10/03/2024 "), "20240310"),
        (
            None,
            Some("%d.%m.%Y %H:%M %z"),
            Some("Asia/Kolkata"),
            json!("2024-03-10T07:00:00Z"),
            "10.03.2024 12:30 +0530",
        ),
        (Some("%s"), Some("%Y"), None, json!(1_710_073_800), "2024"),
        (
            Some("%Y-%m-%d %I:%M %p"),
            None,
            None,
            json!("2024-03-10 01:05 PM"),
            "2024-03-10T13:05:00Z",
        ),
    ];
    for (input, output, timezone, value, expected) in table {
        assert_eq!(rewrite(input, output, timezone, &value), Ok(json!(expected)), "{value}");
    }
}

#[test]
fn time_in_a_clock_gap_is_the_first_instant_after_the_gap() {
    let berlin = |text: &str| rewrite(None, None, Some("Europe/Berlin"), &json!(text)).unwrap();
    assert_eq!(berlin("2024-03-31T02:30:00"), "2024-03-31T01:00:00Z");
    let samoa = rewrite(None, None, Some("Pacific/Apia"), &json!("2011-12-30T12:00:00"));
    assert_eq!(samoa.unwrap(), "2011-12-30T10:00:00Z");
}

#[test]
fn time_that_comes_twice_is_the_first() {
    let berlin = rewrite(None, None, Some("Europe/Berlin"), &json!("2024-10-27T02:30:00"));
    assert_eq!(berlin.unwrap(), "2024-10-27T00:30:00Z");
}

#[test]
fn date_forms_of_hospital_systems_are_read() {
    let table = [
        ("2026-02-04 14:00:00", "2026-02-04T14:00:00Z"),
        ("2026/02/04 14:00", "2026-02-04T14:00:00Z"),
        ("2026-02-04 14:00:00.1234567", "2026-02-04T14:00:00.123456700Z"),
        ("4-Feb-2026", "2026-02-04T00:00:00Z"),
        ("04-FEB-2026 02:05:09 pm", "2026-02-04T14:05:09Z"),
        ("4 February 2026, 14:00", "2026-02-04T14:00:00Z"),
        ("Feb  4 2026  4:07PM", "2026-02-04T16:07:00Z"),
        ("4-Feb-2026 4:07\u{202f}PM", "2026-02-04T16:07:00Z"),
        ("4-Feb-2026 4 pm", "2026-02-04T16:00:00Z"),
        ("Sept. 4, 2026 12:00 a.m.", "2026-09-04T00:00:00Z"),
        ("Wed, 04 Feb 2026 14:00:00 +0530", "2026-02-04T08:30:00Z"),
        (
            "Wed Feb 04 2026 14:00:00 GMT+0530 (India Standard Time)",
            "2026-02-04T08:30:00Z",
        ),
        ("2026-02-04 14:00:00 UTC", "2026-02-04T14:00:00Z"),
        ("20260204140000", "2026-02-04T14:00:00Z"),
        ("20260204140000.5-0500", "2026-02-04T19:00:00.500Z"),
        ("1770213600", "2026-02-04T14:00:00Z"),
        ("1770213600000", "2026-02-04T14:00:00Z"),
    ];
    for (text, expected) in table {
        assert_eq!(read(None, text), Ok(json!(expected)), "{text}");
    }
}

#[test]
fn order_of_day_and_month_is_configured_and_never_guessed() {
    let table = [
        ("04/02/2026 04:07 PM", "2026-02-04T16:07:00Z", "2026-04-02T16:07:00Z"),
        ("4.2.2026", "2026-02-04T00:00:00Z", "2026-04-02T00:00:00Z"),
        ("04-02-2026 12:30 AM", "2026-02-04T00:30:00Z", "2026-04-02T00:30:00Z"),
        ("4-Feb-2026", "2026-02-04T00:00:00Z", "2026-02-04T00:00:00Z"),
        ("2026-02-04", "2026-02-04T00:00:00Z", "2026-02-04T00:00:00Z"),
    ];
    for (text, day_first, month_first) in table {
        assert_eq!(read(Some("dayFirst"), text), Ok(json!(day_first)), "{text}");
        assert_eq!(read(Some("monthFirst"), text), Ok(json!(month_first)), "{text}");
    }
    assert_eq!(read(Some("dayFirst"), "25/02/2026"), Ok(json!("2026-02-25T00:00:00Z")));
    assert!(read(Some("monthFirst"), "25/02/2026").is_err());
    for text in ["04/02/2026 04:07 PM", "25/02/2026", "4.2.2026"] {
        let message = read(None, text).unwrap_err();
        assert!(message.contains("dayFirst") && message.contains("monthFirst"), "{message}");
    }
}

#[test]
fn ambiguous_dates_are_refused_with_what_to_configure() {
    for text in ["4-Feb-26", "04/02/26"] {
        assert!(read(Some("dayFirst"), text).unwrap_err().contains("two digits"), "{text}");
    }
    for value in [json!(1957), json!("1957"), json!(195_704)] {
        let message = rewrite(None, None, None, &value).unwrap_err();
        assert!(message.contains("few digits"), "{message}");
    }
    assert_eq!(read(Some("DD/MM/YY"), "12/03/69"), Ok(json!("1969-03-12T00:00:00Z")));
    assert_eq!(read(Some("%d/%m/%y"), "12/03/68"), Ok(json!("2068-03-12T00:00:00Z")));
    assert!(read(None, "202602041400").unwrap_err().contains("epochMillis"));
    assert_eq!(read(Some("YYYYMMDDHHmm"), "202602041400"), Ok(json!("2026-02-04T14:00:00Z")));
    assert_eq!(
        read(Some("epochMillis"), "202602041400"),
        Ok(json!("1976-06-02T22:20:41.400Z"))
    );
    assert_eq!(read(Some("DD-MMM-YY"), "4-Feb-26"), Ok(json!("2026-02-04T00:00:00Z")));
    assert!(read(Some("DD/MM/YYYY"), "04/02/26").is_err());
}

#[test]
fn letter_patterns_and_several_forms_are_read() {
    let table = [
        ("DD/MM/YYYY hh:mm A", json!("04/02/2026 04:07 PM"), "2026-02-04T16:07:00Z"),
        ("MM/DD/YYYY hh:mm A", json!("04/02/2026 04:07 pm"), "2026-04-02T16:07:00Z"),
        ("dd-MM-yyyy HH:mm", json!("04-02-2026 16:07"), "2026-02-04T16:07:00Z"),
        (
            "YYYY-MM-DDTHH:mm:ssZ",
            json!("2026-02-04T16:07:00+05:30"),
            "2026-02-04T10:37:00Z",
        ),
        ("YYYY-MM-DDTHH:mm:ssZ", json!("2026-02-04T16:07:00Z"), "2026-02-04T16:07:00Z"),
        ("YYYYMMDD", json!(20_260_204), "2026-02-04T00:00:00Z"),
        ("DD/MM/YYYY HH:mm || DD/MM/YYYY", json!("04/02/2026"), "2026-02-04T00:00:00Z"),
        ("DD/MM/YYYY || epochSeconds", json!(86_400), "1970-01-02T00:00:00Z"),
        ("YYYYMMDDHHmm||dayFirst", json!("4/2/2026"), "2026-02-04T00:00:00Z"),
        ("epochMillis", json!(86_400_000), "1970-01-02T00:00:00Z"),
        ("epochSeconds", json!("86400.5"), "1970-01-02T00:00:00.500Z"),
    ];
    for (input, value, expected) in table {
        assert_eq!(rewrite(Some(input), None, None, &value), Ok(json!(expected)), "{input}");
    }
}

#[test]
fn outputs_are_patterns_or_epochs() {
    let table = [
        ("DD/MM/YYYY hh:mm A", json!("04/02/2026 07:30 PM")),
        ("D-MMM-YY", json!("4-Feb-26")),
        ("YYYY-MM-DDTHH:mm:ssZ", json!("2026-02-04T19:30:00+05:30")),
        ("%Y-%m-%dT%H:%M:%S%z", json!("2026-02-04T19:30:00+0530")),
        ("epochSeconds", json!(1_770_213_600)),
        ("epochMillis", json!(1_770_213_600_000_i64)),
    ];
    for (output, expected) in table {
        let written = rewrite(None, Some(output), Some("Asia/Kolkata"), &json!("2026-02-04T14:00:00Z"));
        assert_eq!(written, Ok(expected), "{output}");
    }
}

#[test]
fn invalid_dates_are_refused_without_being_quoted() {
    for value in [
        json!("tomorrow"),
        json!(true),
        json!([]),
        json!("2024-13-01"),
        json!("2024-02-30"),
        json!("26-02-04"),
        json!("2024-02-03 25:00"),
        json!("2024-02-03 13:00 PM"),
        json!("2024-02-03 10:00 IST"),
        json!("2024-02-03 10:00 tomorrow"),
        json!("2024-02-03T10:00+99:00"),
        json!(1e300),
        json!("9".repeat(400)),
    ] {
        let message = rewrite(None, None, None, &value).unwrap_err();
        assert!(!message.contains("tomorrow") && !message.contains("999"), "{message}");
    }
}

#[test]
fn invalid_patterns_and_timezones_are_faults() {
    let pointers = |input: &str, output: &str, timezone: &str| {
        let format = DateFormat {
            input: Some(input.to_owned()),
            output: Some(output.to_owned()),
            timezone: Some(timezone.to_owned()),
        };
        let faults = DateRule::compile(&format).err().unwrap_or_default();
        faults.list().iter().map(|fault| fault.pointer.clone()).collect::<Vec<_>>()
    };
    assert_eq!(pointers("nonsense", "%Q", "Mars/Olympus"), ["/input", "/output", "/timezone"]);
    for input in [
        "",
        "--",
        "%Y",
        "%Y-%m",
        "DD/mm/YYYY",
        "DD/MM/YYYY hh:mm",
        "DD/MM/YYYY||",
        "%H:%M",
    ] {
        assert_eq!(pointers(input, "%Y", "UTC"), ["/input"], "{input}");
    }
}
