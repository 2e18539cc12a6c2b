//! Texts.

use boa_engine::{Context, JsArgs as _, JsResult, JsString, JsValue};

use super::text;

/// `uppercase(v)`: `null` and `undefined` stay what they are.
pub(super) fn uppercase(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    change(arguments, context, str::to_uppercase)
}

/// `lowercase(v)`: `null` and `undefined` stay what they are.
pub(super) fn lowercase(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    change(arguments, context, str::to_lowercase)
}

/// `trim(v)`: `null` and `undefined` stay what they are.
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

/// `formatPhone(phone, cc)`: the number in international form (E.164), `null` when there are not 7 to 15 digits.
///
/// A number that begins with `+` or `00` carries its country code. One that begins with the country code given and is longer
/// than ten digits has it already. From any other the zeros in front are dropped and the code is put before it.
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
    let all = digits(phone);
    let number = if phone.trim_start().starts_with('+') {
        all
    } else if let Some(rest) = all.strip_prefix("00") {
        rest.to_owned()
    } else if !code.is_empty() && all.starts_with(code) && all.len() > 10 {
        all
    } else {
        format!("{code}{}", all.trim_start_matches('0'))
    };
    (7..=15).contains(&number.len()).then(|| format!("+{number}"))
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phone_numbers_become_international() {
        let table = [
            ("+91 98765-43210", "1", Some("+919876543210")),
            ("0049 (30) 123456", "", Some("+4930123456")),
            ("919876543210", "91", Some("+919876543210")),
            ("09876543210", "91", Some("+919876543210")),
            ("(415) 555-0132", "1", Some("+14155550132")),
            ("9198765432", "91", Some("+919198765432")),
            ("12345", "1", None),
            ("", "1", None),
            ("12345678901234567", "1", None),
        ];
        for (phone, code, expected) in table {
            assert_eq!(international(phone, code).as_deref(), expected, "{phone}");
        }
    }
}
