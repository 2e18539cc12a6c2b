//! Mail, received by a real server.

use bytes::Bytes;
use ig_alerter::channel::{Attachment, Email, Mail, Mailer, SendError, SmtpConfig, SmtpSecurity};
use ig_alerter::message::{Label, NoticeKind};
use ig_core::alert::Severity;
use ig_service::config::Secret;

use crate::authority::Authority;
use crate::mime::{Part, words};
use crate::notices::{HOSTILE, exits, hostile, later, notice, now};
use crate::smtp_server::{Auth, Behaviour, PASSWORD, Security, SmtpServer, USERNAME};

/// The configuration for a server on this machine.
pub(crate) fn config(server: &SmtpServer) -> SmtpConfig {
    SmtpConfig {
        host: Some("127.0.0.1".to_owned()),
        port: Some(server.address.port()),
        security: SmtpSecurity::None,
        from: Some("Integration Gateway <alerts@gateway.example>".to_owned()),
        ..SmtpConfig::default()
    }
}

pub(crate) fn secured(server: &SmtpServer, security: SmtpSecurity, authority: &Authority) -> SmtpConfig {
    SmtpConfig {
        security,
        ca_file: Some(authority.file().to_owned()),
        ..config(server)
    }
}

pub(crate) fn with_account(config: SmtpConfig, password: &str) -> SmtpConfig {
    SmtpConfig {
        username: Some(USERNAME.to_owned()),
        password: Some(Secret::new(password)),
        ..config
    }
}

pub(crate) fn email(addresses: &[&str]) -> Email {
    Email::new(addresses.iter().map(|address| address.parse().unwrap())).unwrap()
}

pub(crate) async fn send(config: &SmtpConfig, mail: &Mail, addresses: &[&str]) -> Result<ig_alerter::channel::Sent, SendError> {
    let exits = exits(Mailer::new(config).unwrap());
    email(addresses).send_mail(mail, &exits).await
}

#[tokio::test]
async fn email_arrives_in_text_and_html_over_starttls_with_authentication() {
    let authority = Authority::new();
    let server = SmtpServer::start(Behaviour {
        security: Security::Starttls(authority.acceptor("127.0.0.1")),
        auth: Auth::Plain,
        ..Behaviour::default()
    })
    .await;
    let config = with_account(secured(&server, SmtpSecurity::Starttls, &authority), PASSWORD);
    let sent = send(&config, &Mail::of(&notice()), &["oncall@north.example", "it@north.example"])
        .await
        .unwrap();
    assert_eq!((sent.at, sent.undelivered.len()), (now(), 0));
    let mail = server.only_mail();
    assert!(mail.encrypted && mail.authenticated);
    assert_eq!((mail.from.as_str(), mail.to.len()), ("alerts@gateway.example", 2));
    let part = Part::read(&mail.text);
    assert_eq!(
        part.header("subject"),
        Some("[Critical] Billing: circuit-open (North Hospital)")
    );
    assert_eq!(part.header("from"), Some("\"Integration Gateway\" <alerts@gateway.example>"));
    assert_eq!(part.header("to"), Some("oncall@north.example, it@north.example"));
    assert_eq!(part.header("date"), Some("Thu, 01 Jan 2026 13:06:40 +0000"));
    assert_eq!(part.header("list-id"), Some("<alerts.7.gateway.example>"));
    assert_eq!(part.header("auto-submitted"), Some("auto-generated"));
    assert_eq!(part.header("importance"), Some("high"));
    let leaves = part.leaves();
    let kinds: Vec<_> = leaves.iter().map(|leaf| leaf.header("content-type").unwrap()).collect();
    assert_eq!(kinds, ["text/plain; charset=utf-8", "text/html; charset=utf-8"]);
    let (text, html) = (leaves[0].content(), leaves[1].content());
    for fact in [
        "The target's TLS certificate has expired",
        "Waiting: 1,234 deliveries",
        "Since: 2026-01-01 17:30 +05:30 (Asia/Kolkata)",
    ] {
        assert!(text.contains(fact), "{fact} in {text}");
    }
    assert!(
        html.contains("<a href=\"https://gateway.example/logs?integration=65a&amp;status=FAILED\""),
        "{html}"
    );
}

#[tokio::test]
async fn email_is_sent_over_implicit_tls_with_login() {
    let authority = Authority::new();
    let server = SmtpServer::start(Behaviour {
        security: Security::Tls(authority.acceptor("127.0.0.1")),
        auth: Auth::Login,
        ..Behaviour::default()
    })
    .await;
    let config = with_account(secured(&server, SmtpSecurity::Tls, &authority), PASSWORD);
    send(&config, &Mail::of(&notice()), &["a@b.example"]).await.unwrap();
    let mail = server.only_mail();
    assert!(mail.encrypted && mail.authenticated);
}

#[tokio::test]
async fn email_notices_of_an_incident_are_one_thread() {
    let server = SmtpServer::start(Behaviour::default()).await;
    let acknowledged = NoticeKind::Acknowledged { by: Label::new("Ann") };
    for notice in [notice(), later(acknowledged, 1), later(NoticeKind::Resolved, 2)] {
        send(&config(&server), &Mail::of(&notice), &["a@b.example"]).await.unwrap();
    }
    let parts: Vec<_> = server.mails().iter().map(|mail| Part::read(&mail.text)).collect();
    let ids: Vec<_> = parts.iter().map(|part| part.header("message-id").unwrap()).collect();
    assert!(
        ids[0].ends_with(".0@gateway.example>") && ids[0] != ids[1] && ids[1] != ids[2],
        "{ids:?}"
    );
    assert_eq!(parts[0].header("in-reply-to"), None);
    for later in &parts[1..] {
        assert_eq!(
            (later.header("in-reply-to"), later.header("references")),
            (Some(ids[0]), Some(ids[0]))
        );
        assert_eq!(
            later.header("subject"),
            Some("Re: [Critical] Billing: circuit-open (North Hospital)")
        );
    }
    assert_eq!(parts[2].header("importance"), None);
    assert!(parts[2].leaves()[0].content().starts_with("Resolved: Billing"));
}

#[tokio::test]
async fn email_has_the_same_message_id_on_every_attempt() {
    let server = SmtpServer::start(Behaviour::default()).await;
    for _ in 0..2 {
        send(&config(&server), &Mail::of(&notice()), &["a@b.example"]).await.unwrap();
    }
    let mails = server.mails();
    let id = |at: usize| Part::read(&mails[at].text).header("message-id").map(str::to_owned);
    assert_eq!(id(0), id(1));
}

#[tokio::test]
async fn email_of_hostile_texts_has_no_header_and_no_line_of_theirs() {
    let server = SmtpServer::start(Behaviour::default()).await;
    let honest = Mail::of(&later(NoticeKind::Repeated, 1));
    let forged = Mail {
        subject: HOSTILE.repeat(10_000),
        id: HOSTILE.to_owned(),
        thread: Some(HOSTILE.to_owned()),
        ..Mail::of(&hostile())
    };
    for mail in [
        &honest,
        &Mail {
            urgency: Severity::Critical,
            ..forged
        },
    ] {
        send(&config(&server), mail, &["a@b.example"]).await.unwrap();
    }
    let mails = server.mails();
    assert_eq!(mails[1].to, ["a@b.example"]);
    let (honest, forged) = (Part::read(&mails[0].text), Part::read(&mails[1].text));
    assert_eq!(honest.names(), forged.names());
    assert!(mails[1].text.lines().all(|line| line.len() <= 998));
    let subject = words(forged.header("subject").unwrap());
    assert!(
        subject.starts_with("<!channel>") && subject.len() <= 240 && !subject.contains('\u{202e}'),
        "{subject}"
    );
    let leaves = forged.leaves();
    let (text, html) = (leaves[0].content(), leaves[1].content());
    assert!(
        !text.contains('\u{202e}') && !text.lines().any(|line| line.starts_with("Bcc:") || line == "."),
        "{text}"
    );
    assert!(!html.contains("<script") && !html.contains("</td><script"), "{html}");
    assert!(text.len() < 8_000 && html.len() < 16_000, "{} {}", text.len(), html.len());
}

#[tokio::test]
async fn email_carries_a_csv_file_byte_for_byte() {
    let server = SmtpServer::start(Behaviour::default()).await;
    let content = "cause,count\n\"a\r\n.\r\nRCPT TO:<x@y.example>\r\n\",1\n.\nü,2\n";
    let mail = Mail {
        attachments: vec![Attachment::csv("failures 2026-01-01.csv", Bytes::from_static(content.as_bytes())).unwrap()],
        ..Mail::of(&notice())
    };
    send(&config(&server), &mail, &["a@b.example"]).await.unwrap();
    let leaves = Part::read(&server.only_mail().text).leaves();
    assert_eq!(leaves.len(), 3);
    assert_eq!(
        leaves[2].header("content-disposition"),
        Some("attachment; filename=\"failures-2026-01-01.csv\"")
    );
    assert_eq!(leaves[2].header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(leaves[2].content(), content.replace("\r\n", "\n"));
}
