use super::*;

fn masked(raw: &str) -> String {
    MaskedText::new(raw).to_string()
}

#[test]
fn masking_rules_compile() {
    assert_eq!(RULES.as_ref().map(Vec::len), Ok(PATTERNS.len()));
}

#[test]
fn masked_text_keeps_the_gateways_own_sentences() {
    for sentence in [
        "The target answered 503 Service Unavailable.",
        "The target's TLS certificate was refused: it has expired.",
        "The target did not answer in full within 30000 ms.",
        "The target's name could not be resolved.",
        "No token was granted: the target refused the connection.",
        "The target's address is not public: it is private.",
        "The target's TLS certificate was refused: it is for another name.",
    ] {
        assert_eq!(masked(sentence), sentence);
    }
}

#[test]
fn masked_text_holds_no_data_and_no_credential() {
    let table = [
        (
            r#"bad value {"name": "Ann Smith", "mrn": 1234567} at patient"#,
            "bad value [data] at patient",
        ),
        (r#"unexpected {"name": "Ann Smi"#, "unexpected [data]"),
        ("got <patient id='7'>Smith</patient>", "got [data]"),
        ("rejected MSH|^~\\&|HIS|PID|1||4711^^^", "rejected [data]"),
        (r#"no doctor "Smith" in 'Ward 3' found"#, "no doctor […] in […] found"),
        ("Unknown 'O'Brien'", "Unknown […]"),
        ("no \"Smith", "no […]"),
        ("list [1, 2] refused", "list [data] refused"),
        (
            "GET https://ann:pw@api.example/patients/4711?token=abc failed",
            "GET https://api.example/… failed",
        ),
        ("no route for /patients/Smith", "no route for /…"),
        ("sent Bearer abc.def to it", "sent Bearer ******** to it"),
        ("X-Api-Key: abcdef, sent", "X-Api-Key: ******** sent"),
        ("password=hunter2; user=ann", "password=********; user=********"),
        ("name=Ann Smith", "name=********"),
        ("mail to ann.smith@hospital.example bounced", "mail to [e-mail] bounced"),
        ("MRN0012345 is unknown", "MRN[number] is unknown"),
        ("born 1980-02-03, phone +49 (30) 123-456", "born [number], phone [number]"),
        ("\u{966}\u{967}\u{968}\u{969}\u{96a}\u{96b} is wrong", "[number] is wrong"),
        ("key 4f9d2c7be1a84b0c9d3e5f6a7b8c9d0e is gone", "key ******** is gone"),
        ("whsec_abc is no secret", "******** is no secret"),
        ("12345 rows are left", "12345 rows are left"),
    ];
    for (raw, clean) in table {
        assert_eq!(masked(raw), clean, "{raw}");
    }
}

#[test]
fn masked_text_of_an_error_in_a_script_or_a_lookup_keeps_its_code_and_its_position_alone() {
    let table = [
        (
            "SCRIPT_ERROR: no bed for Ann Smith (line 3, column 14)",
            "SCRIPT_ERROR (line 3, column 14)",
        ),
        ("SCRIPT_TIMEOUT: the script ran for 250 ms", "SCRIPT_TIMEOUT"),
        ("MAPPING_ERROR: no active row of the lookup WARD maps Smith", "MAPPING_ERROR"),
        ("Ann Smith: (line 3, column 14)", NOT_TRANSFORMED),
        ("SCRIPT_ERROR: x (line 4711 Smith)", "SCRIPT_ERROR"),
        ("", NOT_TRANSFORMED),
    ];
    for (raw, clean) in table {
        assert_eq!(
            MaskedText::of_error(ErrorCategory::Transformation, raw).as_str(),
            clean,
            "{raw}"
        );
    }
    assert_eq!(
        MaskedText::of_error(ErrorCategory::Source, "row of Ann Smith").as_str(),
        NOT_READ
    );
}

#[test]
fn masked_text_of_a_megabyte_is_short_and_on_one_line() {
    for raw in [
        "x\r\n".repeat(1 << 19),
        "{".repeat(1 << 20),
        "a@".repeat(1 << 19),
        "1 ".repeat(1 << 19),
        "'".repeat(1 << 20),
    ] {
        let text = masked(&raw);
        assert!(
            text.chars().count() <= MAX_MASKED_CHARS && !text.contains(['\r', '\n']),
            "{text}"
        );
    }
}
