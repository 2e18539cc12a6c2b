//! Helpers for texts.

use boa_engine::{Context, JsArgs as _, JsResult, JsString, JsValue};

use super::text;

/// `uppercase(v)`: `null` and `undefined` stay as they are.
pub(super) fn uppercase(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    change(arguments, context, str::to_uppercase)
}

/// `lowercase(v)`: `null` and `undefined` stay as they are.
pub(super) fn lowercase(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    change(arguments, context, str::to_lowercase)
}

/// `trim(v)`: `null` and `undefined` stay as they are.
pub(super) fn trim(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let blank = |character: char| character.is_whitespace() || character == '\u{feff}';
    change(arguments, context, |text| text.trim_matches(blank).to_owned())
}

fn change(arguments: &[JsValue], context: &mut Context, with: impl Fn(&str) -> String) -> JsResult<JsValue> {
    let value = arguments.get_or_undefined(0);
    Ok(match text(value, context)? {
        Some(text) => JsString::from(with(&text)).into(),
        None => value.clone(),
    })
}

/// `formatPhone(phone, cc)`: the number in international form (E.164), `null` where that is not certain.
///
/// It must be one number of 7 to 15 digits, written with blanks, dots, dashes and brackets alone: an extension or a second number would
/// make it another subscriber's. A number that begins with `+` or `00` carries its country code; any other needs `cc`. One that begins with `cc`
/// and is longer than ten digits has it already. Any other loses its leading zeros and gets the code in front.
pub(super) fn format_phone(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let Some(phone) = text(arguments.get_or_undefined(0), context)? else {
        return Ok(JsValue::null());
    };
    let code = text(arguments.get_or_undefined(1), context)?
        .map(|code| digits(&code))
        .unwrap_or_default();
    Ok(international(&phone, &code).map_or_else(JsValue::null, |number| JsString::from(number).into()))
}

fn international(phone: &str, code: &str) -> Option<String> {
    let (phone, has_plus) = split_plus(phone)?;
    let all = digits(&phone);
    let number = if has_plus {
        all
    } else if let Some(rest) = all.strip_prefix("00") {
        rest.to_owned()
    } else if code.is_empty() {
        return None;
    } else if all.starts_with(code) && all.len() > 10 {
        all
    } else {
        format!("{code}{}", all.trim_start_matches('0'))
    };
    (7..=15).contains(&number.len()).then(|| format!("+{number}"))
}

/// A number without its leading plus, and whether it had one; `None` for anything but a single number.
fn split_plus(phone: &str) -> Option<(String, bool)> {
    let phone = phone.trim();
    let (rest, has_plus) = phone.strip_prefix('+').map_or((phone, false), |rest| (rest, true));
    let is_allowed = |letter: char| {
        let is_dash = matches!(letter, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}');
        letter.is_ascii_digit() || letter.is_whitespace() || is_dash || matches!(letter, '.' | '(' | ')')
    };
    // The zero between country code and number is dialled within the country only.
    let international = has_plus || rest.starts_with("00");
    let rest = if international {
        rest.replace("(0)", "")
    } else {
        rest.to_owned()
    };
    rest.chars().all(is_allowed).then_some((rest, has_plus))
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_phone_makes_numbers_international() {
        let table = [
            ("+91 98765-43210", "1", Some("+919876543210")),
            ("0049 (30) 123456", "", Some("+4930123456")),
            ("919876543210", "91", Some("+919876543210")),
            ("09876543210", "91", Some("+919876543210")),
            ("(415) 555-0132", "1", Some("+14155550132")),
            ("9198765432", "91", Some("+919198765432")),
            ("+44 (0)20 7946 0958", "91", Some("+442079460958")),
            ("9876543210x12", "91", None),
            ("98765 43210 / 43211", "91", None),
            ("+91 98765 43210 ext. 4", "91", None),
            ("9876543210", "", None),
            ("98765+43210", "91", None),
            ("12345", "1", None),
            ("", "1", None),
            ("12345678901234567", "1", None),
        ];
        for (phone, code, expected) in table {
            assert_eq!(international(phone, code).as_deref(), expected, "{phone}");
        }
    }
}
