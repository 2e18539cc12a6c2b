//! JSON numbers by value, regardless of notation and number of digits.

use std::cmp::Ordering;
use std::fmt;

use serde_json::Number;

/// A number with more digits than this before or after the point is written with an exponent.
const MAX_PLAIN_DIGITS: i64 = 400;

/// A number's value: `1.10`, `1.1` and `11e-1` are equal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Decimal {
    negative: bool,
    /// Digits without zeros at either end; empty for zero.
    digits: String,
    /// The power of ten that scales the digits as a fraction: 1.1 is 0.11 · 10¹.
    exponent: i64,
}

impl Decimal {
    /// The value of a number.
    pub fn of(number: &Number) -> Self {
        let text = number.as_str();
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (mantissa, power) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = [whole, fraction].concat();
        let significant = all.trim_start_matches('0');
        let leading = all.len() - significant.len();
        let digits = significant.trim_end_matches('0').to_owned();
        if digits.is_empty() {
            return Self::zero();
        }
        let point = i64::try_from(whole.len()).unwrap_or(i64::MAX);
        let leading = i64::try_from(leading).unwrap_or(i64::MAX);
        Self {
            negative: unsigned.len() < text.len(),
            digits,
            exponent: saturated(power).saturating_add(point).saturating_sub(leading),
        }
    }

    fn zero() -> Self {
        Self {
            negative: false,
            digits: String::new(),
            exponent: 0,
        }
    }

    /// The sign; 0 for zero.
    fn sign(&self) -> i8 {
        match (self.digits.is_empty(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }
}

/// The exponent of ten; one with too many digits saturates.
fn saturated(power: &str) -> i64 {
    let beyond = if power.starts_with('-') { i64::MIN } else { i64::MAX };
    power.parse().unwrap_or(beyond)
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let size = || (self.exponent, &self.digits).cmp(&(other.exponent, &other.digits));
        self.sign().cmp(&other.sign()).then_with(|| match self.sign() {
            1 => size(),
            _ => size().reverse(),
        })
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The canonical notation of the value.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.digits.is_empty() {
            return f.write_str("0");
        }
        if self.negative {
            f.write_str("-")?;
        }
        let (digits, length) = (&self.digits, i64::try_from(self.digits.len()).unwrap_or(i64::MAX));
        match usize::try_from(self.exponent) {
            Ok(point) if self.exponent <= MAX_PLAIN_DIGITS && self.exponent >= length => write!(f, "{digits:0<point$}"),
            Ok(point) if self.exponent > 0 && self.exponent < length => {
                write!(f, "{}.{}", &digits[..point], &digits[point..])
            }
            _ if (-MAX_PLAIN_DIGITS..=0).contains(&self.exponent) => {
                let zeros = usize::try_from(-self.exponent).unwrap_or_default();
                write!(f, "0.{:0<zeros$}{digits}", "")
            }
            _ => write!(f, "0.{digits}e{}", self.exponent),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::of(&text.parse().unwrap())
    }

    #[test]
    fn a_decimal_is_written_in_one_way() {
        let table = [
            ("1.10", "1.1"),
            ("11e-1", "1.1"),
            ("-0.0", "0"),
            ("100", "100"),
            ("1E2", "100"),
            ("0.00125", "0.00125"),
            ("12.5e-4", "0.00125"),
            ("-123456789012345678901234567890.50", "-123456789012345678901234567890.5"),
            ("1e999999999999999999999", "0.1e9223372036854775807"),
        ];
        for (text, expected) in table {
            assert_eq!(decimal(text).to_string(), expected, "{text}");
        }
    }

    #[test]
    fn decimals_that_differ_in_their_last_digit_differ() {
        let (less, more) = (
            decimal("123456789012345678901234567890"),
            decimal("123456789012345678901234567891"),
        );
        assert!(less < more && less != more);
    }

    proptest! {
        #[test]
        fn decimals_order_as_numbers_do(one in -1_000_000_i64..1_000_000, other in -1_000_000_i64..1_000_000, places in 0_u32..6) {
            let text = |value: i64| decimal(&format!("{value}e-{places}"));
            prop_assert_eq!(text(one).cmp(&text(other)), one.cmp(&other));
        }

        #[test]
        fn a_written_decimal_has_the_same_value(text in "-?(0|[1-9][0-9]{0,30})([.][0-9]{1,9})?([eE][+-]?[0-9]{1,2})?") {
            let value = decimal(&text);
            prop_assert_eq!(decimal(&value.to_string()), value);
        }
    }
}
