//! The functions that a job's query may call.
//!
//! Each computes a value from its arguments, the session's clock or a random number. None sleeps, locks, writes, reads files, or tells about
//! users, sessions and servers. What is not listed is refused, since a server may have more functions than we know.

use std::collections::HashSet;
use std::sync::LazyLock;

/// The names, in upper case.
const NAMES: &str = "
    ABS ACOS ADDDATE ADDTIME ANY_VALUE ASCII ASIN ATAN ATAN2 AVG BIT_AND BIT_COUNT BIT_LENGTH BIT_OR BIT_XOR CEILING
    CHARACTER_LENGTH CHAR_LENGTH COALESCE CONCAT CONCAT_WS CONV CONVERT_TZ COS COT COUNT CRC32 CUME_DIST CURDATE
    CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP CURTIME DATE DATEDIFF DATE_ADD DATE_FORMAT DATE_SUB DAY DAYNAME DAYOFMONTH
    DAYOFWEEK DAYOFYEAR DEGREES DENSE_RANK ELT EXP FIELD FIND_IN_SET FIRST_VALUE FORMAT FROM_BASE64 FROM_DAYS FROM_UNIXTIME
    GREATEST GROUPING GROUP_CONCAT HEX HOUR IF IFNULL INSTR ISNULL JSON_ARRAY JSON_ARRAYAGG JSON_CONTAINS JSON_CONTAINS_PATH
    JSON_DEPTH JSON_EXTRACT JSON_KEYS JSON_LENGTH JSON_OBJECT JSON_OBJECTAGG JSON_OVERLAPS JSON_QUERY JSON_QUOTE JSON_SEARCH
    JSON_TYPE JSON_UNQUOTE JSON_VALID JSON_VALUE LAG LAST_DAY LAST_VALUE LCASE LEAD LEAST LEFT LENGTH LN LOCALTIME
    LOCALTIMESTAMP LOCATE LOG LOG10 LOG2 LOWER LPAD LTRIM MAKEDATE MAKETIME MAX MD5 MICROSECOND MID MIN MINUTE MOD MONTH
    MONTHNAME NOW NTH_VALUE NTILE NULLIF OCT OCTET_LENGTH ORD PERCENT_RANK PERIOD_ADD PERIOD_DIFF PI POW POWER QUARTER
    RADIANS RAND RANK REGEXP_INSTR REGEXP_REPLACE REGEXP_SUBSTR REPLACE REVERSE RIGHT ROUND ROW_NUMBER RPAD RTRIM SECOND
    SEC_TO_TIME SHA1 SHA2 SIGN SIN SOUNDEX SQRT STD STDDEV STDDEV_POP STDDEV_SAMP STRCMP STR_TO_DATE SUBDATE SUBSTRING_INDEX
    SUBTIME SUM SYSDATE TAN TIME TIMEDIFF TIMESTAMP TIMESTAMPADD TIMESTAMPDIFF TIME_FORMAT TIME_TO_SEC TO_BASE64 TO_DAYS
    TO_SECONDS TRUNCATE UCASE UNHEX UNIX_TIMESTAMP UPPER UTC_DATE UTC_TIME UTC_TIMESTAMP VARIANCE VAR_POP VAR_SAMP WEEK
    WEEKDAY WEEKOFYEAR YEAR YEARWEEK
";

static ALLOWED: LazyLock<HashSet<&str>> = LazyLock::new(|| NAMES.split_whitespace().collect());

/// The name of a function as it is written, if a query may call it.
pub(super) fn allowed(name: &str) -> Option<&'static str> {
    ALLOWED.get(name.to_ascii_uppercase().as_str()).copied()
}

/// Whether a function counts in a unit that its first argument names, such as `TIMESTAMPDIFF(DAY, a, b)`.
pub(super) fn begins_with_unit(name: &str) -> bool {
    matches!(name, "TIMESTAMPADD" | "TIMESTAMPDIFF")
}

/// Whether a function may be called without parentheses.
pub(super) fn needs_no_parentheses(name: &str) -> bool {
    matches!(
        name,
        "CURRENT_DATE" | "CURRENT_TIME" | "CURRENT_TIMESTAMP" | "LOCALTIME" | "LOCALTIMESTAMP"
    )
}

/// Units of time as both servers write them.
const UNITS: [&str; 20] = [
    "MICROSECOND",
    "SECOND",
    "MINUTE",
    "HOUR",
    "DAY",
    "WEEK",
    "MONTH",
    "QUARTER",
    "YEAR",
    "SECOND_MICROSECOND",
    "MINUTE_MICROSECOND",
    "MINUTE_SECOND",
    "HOUR_MICROSECOND",
    "HOUR_SECOND",
    "HOUR_MINUTE",
    "DAY_MICROSECOND",
    "DAY_SECOND",
    "DAY_MINUTE",
    "DAY_HOUR",
    "YEAR_MONTH",
];

/// A unit of time as it is written, if there is one of this name.
pub(super) fn unit(name: &str) -> Option<&'static str> {
    UNITS.into_iter().find(|unit| unit.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn function_list_has_nothing_that_waits_writes_or_reveals() {
        for name in [
            "SLEEP",
            "BENCHMARK",
            "GET_LOCK",
            "RELEASE_LOCK",
            "IS_FREE_LOCK",
            "LOAD_FILE",
            "USER",
            "CURRENT_USER",
            "SESSION_USER",
            "SYSTEM_USER",
            "CURRENT_ROLE",
            "VERSION",
            "DATABASE",
            "SCHEMA",
            "CONNECTION_ID",
            "LAST_INSERT_ID",
            "ROW_COUNT",
            "FOUND_ROWS",
            "NEXTVAL",
            "SETVAL",
            "LASTVAL",
            "EXTRACTVALUE",
            "UPDATEXML",
            "NAME_CONST",
            "MASTER_POS_WAIT",
            "MASTER_GTID_WAIT",
            "WAIT_FOR_EXECUTED_GTID_SET",
            "UUID",
            "AES_DECRYPT",
            "REPEAT",
            "SPACE",
            "VALUES",
            "DEFAULT",
            "JSON_TABLE",
        ] {
            assert_eq!(allowed(name), None, "{name}");
        }
        assert_eq!(allowed("count"), Some("COUNT"));
        assert_eq!(unit("Day_Hour"), Some("DAY_HOUR"));
    }
}
