use proptest::prelude::*;

use super::*;

fn read_as(text: &str, form: Form, zone: &str) -> Option<String> {
    let zone = Zone::named(zone).unwrap();
    read(text, &Reading { form, zone }).map(|moment| moment.to_rfc3339())
}

#[test]
fn dates_are_read_in_the_forms_that_systems_write() {
    let table = [
        ("2024-03-05", "2024-03-05T00:00:00+00:00"),
        ("20240305", "2024-03-05T00:00:00+00:00"),
        ("2024-03-05 12:34:56", "2024-03-05T12:34:56+00:00"),
        ("2024-03-05T12:34:56.789Z", "2024-03-05T12:34:56.789+00:00"),
        ("2024-03-05T12:34:56+05:30", "2024-03-05T07:04:56+00:00"),
        ("2024-03-05T12:34:56-0800", "2024-03-05T20:34:56+00:00"),
        ("20240305T123456", "2024-03-05T12:34:56+00:00"),
        ("03/05/2024", "2024-03-05T00:00:00+00:00"),
        ("3/5/2024 4:07 PM", "2024-03-05T16:07:00+00:00"),
        ("03-05-2024 12:00 am", "2024-03-05T00:00:00+00:00"),
        ("05.03.2024 08:15", "2024-03-05T08:15:00+00:00"),
        ("March 5, 2024", "2024-03-05T00:00:00+00:00"),
        ("Mar 5 2024 3:04:05 p.m.", "2024-03-05T15:04:05+00:00"),
        ("5 March 2024", "2024-03-05T00:00:00+00:00"),
        ("4-Feb-2026", "2026-02-04T00:00:00+00:00"),
        ("Tue, 05 Mar 2024 12:34:56 GMT", "2024-03-05T12:34:56+00:00"),
        ("1710073800", "2024-03-10T12:30:00+00:00"),
        ("1710073800250", "2024-03-10T12:30:00.250+00:00"),
    ];
    for (text, expected) in table {
        assert_eq!(read_as(text, Form::MonthFirst, "UTC").as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn nothing_is_guessed() {
    for text in [
        "25/03/2024",
        "03/05/24",
        "tomorrow",
        "2024-02-30",
        "13:00",
        "2024-03-05 25:00",
        "2024-03-05 13:00 PM",
        "03/05-2024",
        "2024-03-05 10:00 Nowhere",
        "",
        "Xyz 5, 2024",
    ] {
        assert_eq!(read_as(text, Form::MonthFirst, "UTC"), None, "{text}");
    }
    assert_eq!(read_as("03/05/2024", Form::YearFirst, "UTC"), None);
}

#[test]
fn the_order_and_the_zone_that_were_asked_for_decide() {
    let read = |text: &str, form| read_as(text, form, "Asia/Kolkata").unwrap();
    assert_eq!(read("03/05/2024", Form::DayFirst), "2024-05-02T18:30:00+00:00");
    assert_eq!(read("25-03-2024 10:00", Form::DayFirst), "2024-03-25T04:30:00+00:00");
    assert_eq!(read("2024-03-25T10:00Z", Form::YearFirst), "2024-03-25T10:00:00+00:00");
    let pattern = Form::named("%d.%m.%y").unwrap();
    assert_eq!(read("25.03.24", pattern), "2024-03-24T18:30:00+00:00");
    assert_eq!(
        read_as("03/05/2024 10:00", Form::MonthFirst, "-03:00").unwrap(),
        "2024-03-05T13:00:00+00:00"
    );
    assert!(Form::named("dd/mm").is_none() && Zone::named("Mars/Olympus").is_none());
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,40}", near in "[0-9]{0,9}[-/. :T]?[0-9A-Za-z]{0,9}[-/. ,:]?[0-9]{0,12}[ T]?[0-9:.]{0,12} ?[APM+Z0-9:-]{0,8}", pattern in "%?.{0,6}") {
        for form in [Form::MonthFirst, Form::DayFirst, Form::Pattern(pattern)] {
            let _ = read(&text, &Reading { form: form.clone(), zone: Zone::default() });
            let _ = read(&near, &Reading { form, zone: Zone::default() });
        }
        let _ = Zone::named(&text);
    }
}
