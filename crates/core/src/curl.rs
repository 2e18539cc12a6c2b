//! Requests as curl commands, which people paste into a shell.

/// A command that sends the request. A shell takes every part literally, so that nothing in a header or body is run.
pub fn command<'a>(method: &str, url: &str, headers: impl Iterator<Item = (&'a str, &'a str)>, body: Option<&[u8]>) -> String {
    let mut command = format!("curl --request {} --url {}", quoted(method), quoted(url));
    for (name, value) in headers {
        command.push_str(" --header ");
        command.push_str(&quoted(&format!("{name}: {value}")));
    }
    if let Some(body) = body {
        command.push_str(" --data-binary ");
        command.push_str(&quoted(&String::from_utf8_lossy(body)));
    }
    command
}

/// A text in single quotes, where a shell interprets nothing. The body of a job is JSON, which never begins with the `@` that makes curl read a file.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curl_command_quotes_what_a_shell_would_interpret() {
        let headers = [("X-Name", "O'Hara $HOME `id`")];
        let made = command(
            "POST",
            "https://a.example/?a=1&b=2",
            headers.into_iter(),
            Some(b"{\"a\": \"it's\"}"),
        );
        let expected = r#"curl --request 'POST' --url 'https://a.example/?a=1&b=2' --header 'X-Name: O'\''Hara $HOME `id`' --data-binary '{"a": "it'\''s"}'"#;
        assert_eq!(made, expected);
    }
}
