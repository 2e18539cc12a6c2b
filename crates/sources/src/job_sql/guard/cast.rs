//! Conversions to another type or character set.

use sqlparser::ast::{CastFormat, CastKind, CharacterLength, DataType, ExactNumberInfo, Expr, ObjectName, TimezoneInfo};

use super::Guard;
use super::name;
use crate::job_sql::refusal::{Refusal, Written, quoted, require};

/// The character sets that `CONVERT(… USING …)` may name.
const CHARACTER_SETS: [&str; 6] = ["ascii", "binary", "latin1", "utf8", "utf8mb3", "utf8mb4"];

/// The parts of `CONVERT(…)`.
pub(super) struct Conversion<'a> {
    pub(super) is_try: bool,
    pub(super) value: &'a Expr,
    pub(super) data_type: Option<&'a DataType>,
    pub(super) charset: Option<&'a ObjectName>,
    pub(super) target_before_value: bool,
    pub(super) styles: &'a [Expr],
}

impl Guard<'_> {
    pub(super) fn cast(&mut self, kind: &CastKind, value: &Expr, data_type: &DataType, format: Option<&CastFormat>) -> Written {
        require(*kind == CastKind::Cast && format.is_none(), "other casts than CAST(… AS …)")?;
        let target = cast_target(data_type)?;
        self.sql.push("CAST(");
        self.expression(value)?;
        self.sql.push(&format!(" AS {target})"));
        Ok(())
    }

    pub(super) fn convert(&mut self, conversion: &Conversion<'_>) -> Written {
        let Conversion {
            is_try,
            value,
            data_type,
            charset,
            target_before_value,
            styles,
        } = conversion;
        require(
            !is_try && !target_before_value && styles.is_empty(),
            "other forms of CONVERT than (…, type) and (… USING character set)",
        )?;
        match (data_type, charset) {
            (Some(data_type), None) => self.cast(&CastKind::Cast, value, data_type, None),
            (None, Some(charset)) => self.convert_using(value, charset),
            _ => Err(Refusal::construct("CONVERT with a type and a character set")),
        }
    }

    fn convert_using(&mut self, value: &Expr, charset: &ObjectName) -> Written {
        let given = &name::single(charset)?.value;
        let known = CHARACTER_SETS.iter().find(|known| known.eq_ignore_ascii_case(given));
        let charset = known.ok_or_else(|| Refusal::construct(&format!("the character set {}", quoted(given))))?;
        self.sql.push("CONVERT(");
        self.expression(value)?;
        self.sql.push(&format!(" USING {charset})"));
        Ok(())
    }

    pub(super) fn collate(&mut self, value: &Expr, collation: &ObjectName) -> Written {
        let collation = name::single(collation)?;
        self.expression(value)?;
        self.sql.push(" COLLATE ");
        self.name(collation)
    }
}

fn cast_target(data_type: &DataType) -> Result<String, Refusal> {
    Ok(match data_type {
        DataType::Char(None) | DataType::Character(None) => "CHAR".to_owned(),
        DataType::Char(Some(CharacterLength::IntegerLength { length, unit: None }))
        | DataType::Character(Some(CharacterLength::IntegerLength { length, unit: None })) => format!("CHAR({length})"),
        DataType::Date => "DATE".to_owned(),
        DataType::Time(digits, TimezoneInfo::None) => with_digits("TIME", *digits),
        DataType::Datetime(digits) => with_digits("DATETIME", *digits),
        DataType::Decimal(info) | DataType::Dec(info) => decimal(*info),
        DataType::Signed | DataType::SignedInteger => "SIGNED".to_owned(),
        DataType::Unsigned | DataType::UnsignedInteger => "UNSIGNED".to_owned(),
        DataType::Double(ExactNumberInfo::None) => "DOUBLE".to_owned(),
        DataType::JSON => "JSON".to_owned(),
        other => {
            return Err(Refusal::new(format!(
                "must not convert to {}: the types are CHAR, DATE, TIME, DATETIME, DECIMAL, SIGNED, UNSIGNED, DOUBLE and JSON",
                quoted(&other.to_string())
            )));
        }
    })
}

fn with_digits(name: &str, digits: Option<u64>) -> String {
    digits.map_or_else(|| name.to_owned(), |digits| format!("{name}({digits})"))
}

fn decimal(info: ExactNumberInfo) -> String {
    match info {
        ExactNumberInfo::None => "DECIMAL".to_owned(),
        ExactNumberInfo::Precision(precision) => format!("DECIMAL({precision})"),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => format!("DECIMAL({precision}, {scale})"),
    }
}
