//! Translates letter patterns, such as `DD/MM/YYYY hh:mm A`, into strftime.

/// Whether a pattern parses or formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PatternUse {
    Input,
    Output,
}

/// Translates a pattern; text between `[` and `]`, or between `'`, stands for itself.
pub(super) fn to_strftime(pattern: &str, pattern_use: PatternUse) -> Result<String, String> {
    let mut strftime = String::new();
    let mut rest = pattern;
    while let Some(letter) = rest.chars().next() {
        let (taken, after) = match letter {
            '[' => quoted(rest, ']')?,
            '\'' => quoted(rest, '\'')?,
            letter if letter.is_ascii_alphabetic() => {
                let end = rest.find(|other| other != letter).unwrap_or(rest.len());
                (token(&rest[..end], pattern_use)?, &rest[end..])
            }
            other => rest.split_at(other.len_utf8()),
        };
        strftime.push_str(taken);
        rest = after;
    }
    Ok(strftime)
}

fn quoted(rest: &str, close: char) -> Result<(&str, &str), String> {
    rest[1..].split_once(close).ok_or_else(|| format!("lacks a closing {close}"))
}

fn token(letters: &str, pattern_use: PatternUse) -> Result<&'static str, String> {
    Ok(match letters {
        "YYYY" | "yyyy" => "%Y",
        "YY" | "yy" => "%y",
        "MMMM" => "%B",
        "MMM" => "%b",
        "MM" => "%m",
        "M" => "%-m",
        "DD" | "dd" => "%d",
        "D" | "d" => "%-d",
        "dddd" | "EEEE" => "%A",
        "ddd" | "EEE" => "%a",
        "HH" => "%H",
        "H" => "%-H",
        "hh" => "%I",
        "h" => "%-I",
        "mm" => "%M",
        "m" => "%-M",
        "ss" => "%S",
        "s" => "%-S",
        "SSS" => "%3f",
        "SSSSSS" => "%6f",
        "A" => "%p",
        "a" => "%P",
        "T" => "T",
        "Z" | "XXX" if pattern_use == PatternUse::Input => "%#z",
        "Z" | "XXX" => "%:z",
        "ZZ" => "%z",
        _ => {
            return Err(format!(
                "has {letters}, which is none of YYYY YY MMMM MMM MM M DD D dddd ddd HH H hh h mm m ss s SSS A a Z ZZ, nor dayFirst, \
                 monthFirst, epochSeconds or epochMillis; put other words in [ and ]"
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letter_patterns_become_strftime() {
        let table = [
            ("DD/MM/YYYY hh:mm A", "%d/%m/%Y %I:%M %p"),
            ("D-MMM-YY", "%-d-%b-%y"),
            ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "%Y-%m-%dT%H:%M:%S.%3f%:z"),
            ("YYYYMMDDHHmmss", "%Y%m%d%H%M%S"),
            ("dddd, D MMMM YYYY [at] H.mm", "%A, %-d %B %Y at %-H.%M"),
        ];
        for (letters, strftime) in table {
            assert_eq!(to_strftime(letters, PatternUse::Output).as_deref(), Ok(strftime), "{letters}");
        }
    }

    #[test]
    fn letter_patterns_reject_unknown_letters() {
        for letters in ["DDDD", "YYYYY", "Q", "at", "[open", "'open"] {
            assert!(to_strftime(letters, PatternUse::Input).is_err(), "{letters}");
        }
    }
}
