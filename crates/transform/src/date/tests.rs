use serde_json::json;

use super::*;

fn rewrite(input: Option<&str>, output: Option<&str>, timezone: Option<&str>, value: &Value) -> Result<String, String> {
    let own = |text: Option<&str>| text.map(str::to_owned);
    let format = DateFormat {
        input: own(input),
        output: own(output),
        timezone: own(timezone),
    };
    DateRule::compile(&format).unwrap().rewrite(value)
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
        (json!("20240310T123000"), "2024-03-10T12:30:00Z"),
        (json!(1_710_073_800), "2024-03-10T12:30:00Z"),
        (json!(1_710_073_800_250_i64), "2024-03-10T12:30:00.250Z"),
        (json!(1_710_073_800.25), "2024-03-10T12:30:00.250Z"),
        (json!("1710073800"), "2024-03-10T12:30:00Z"),
        (json!("1710073800000"), "2024-03-10T12:30:00Z"),
        (json!(-86_400), "1969-12-31T00:00:00Z"),
    ];
    for (value, expected) in table {
        assert_eq!(rewrite(None, None, None, &value), Ok(expected.to_owned()), "{value}");
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
        assert_eq!(rewrite(input, output, timezone, &value), Ok(expected.to_owned()), "{value}");
    }
}

#[test]
fn a_time_that_never_comes_is_read_with_the_offset_from_before_the_change() {
    let berlin = |text: &str| rewrite(None, None, Some("Europe/Berlin"), &json!(text)).unwrap();
    assert_eq!(berlin("2024-03-31T02:30:00"), "2024-03-31T01:30:00Z");
    let samoa = rewrite(None, None, Some("Pacific/Apia"), &json!("2011-12-30T12:00:00"));
    assert_eq!(samoa.unwrap(), "2011-12-30T22:00:00Z");
}

#[test]
fn a_time_that_comes_twice_is_the_first() {
    let berlin = rewrite(None, None, Some("Europe/Berlin"), &json!("2024-10-27T02:30:00"));
    assert_eq!(berlin.unwrap(), "2024-10-27T00:30:00Z");
}

#[test]
fn what_is_no_date_is_refused_without_being_quoted() {
    for value in [
        json!("tomorrow"),
        json!(true),
        json!([]),
        json!("2024-13-01"),
        json!(1e300),
        json!("9".repeat(400)),
    ] {
        let message = rewrite(None, None, None, &value).unwrap_err();
        assert!(!message.contains("tomorrow") && !message.contains("999"), "{message}");
    }
    assert!(rewrite(Some("%Y"), None, None, &json!("2024-01-01")).is_err());
}

#[test]
fn what_is_no_pattern_or_timezone_is_a_fault() {
    let format = DateFormat {
        input: Some("YYYY-MM-DD".to_owned()),
        output: Some("%Q".to_owned()),
        timezone: Some("Mars/Olympus".to_owned()),
    };
    let faults = DateRule::compile(&format).unwrap_err();
    let pointers: Vec<_> = faults.list().iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(pointers, ["/input", "/output", "/timezone"]);
}
