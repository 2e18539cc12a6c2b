use chrono_tz::Tz;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn read(value: &Value) -> Result<Moment, DateError> {
    Forms::default().read(value)
}

#[test]
fn a_number_reads_as_the_date_that_its_digits_spell() {
    for digits in [20_260_204_i64, 20_260_204_140_000] {
        assert_eq!(read(&json!(digits)), read(&json!(digits.to_string())), "{digits}");
        assert!(!matches!(read(&json!(digits)), Ok(Moment::Instant(_))), "{digits}");
    }
    assert_eq!(read(&json!(20_260_204.0)), read(&json!("2026-02-04")));
    assert_eq!(read(&json!(202_602_041_400_i64)), Err(DateError::TwelveDigits));
}

#[test]
fn years_and_months_alone_are_not_read_as_seconds() {
    for value in [json!(1957), json!("1957"), json!(195_704), json!("195704")] {
        assert_eq!(read(&value), Err(DateError::FewDigits), "{value}");
    }
}

#[test]
fn two_digit_years_follow_posix() {
    for form in ["%d/%m/%y", "DD/MM/YY"] {
        let forms = Forms::compile(form).unwrap();
        let year = |text: &str| forms.read_text(text).map(Moment::year);
        assert_eq!([year("12/03/68"), year("12/03/69")], [Ok(2068), Ok(1969)], "{form}");
    }
}

proptest! {
    #[test]
    fn date_parsing_never_panics(
        text in ".{0,40}",
        near in "[0-9]{0,14}[-/. :T]?[0-9A-Za-z]{0,9}[-/. ,:]?[0-9]{0,12}[ T]?[0-9:.]{0,12} ?[APM+Z0-9:-]{0,8}",
        pattern in "%?.{0,6}",
    ) {
        for forms in [Some(Forms::default()), Forms::compile("DMY").ok(), Forms::compile(&pattern).ok()].into_iter().flatten() {
            for text in [&text, &near] {
                let _ = forms.read_text(text).map(|moment| moment.start(&Tz::Europe__Berlin));
            }
        }
    }

    #[test]
    fn a_whole_number_reads_like_its_text_or_only_as_a_number(number in 0_i64..100_000_000_000_000) {
        let (number, text) = (read(&json!(number)), read(&json!(number.to_string())));
        prop_assert!(number == text || text.is_err(), "{number:?} {text:?}");
    }
}
