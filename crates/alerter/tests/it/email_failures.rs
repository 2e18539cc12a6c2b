//! Mail servers that misbehave.

use ig_alerter::channel::{Channel, Email, Mail, Mailer, SendError, SmtpConfig, SmtpSecurity};
use tokio::net::TcpListener;

use crate::authority::Authority;
use crate::email::{config, email, secured, send, with_account};
use crate::notices::{exits, notice};
use crate::smtp_server::{AfterData, Auth, Behaviour, PASSWORD, Security, SmtpServer};

const RECIPIENTS: [&str; 3] = ["a@b.example", "grey@b.example", "gone@b.example"];

/// Greylists one recipient once, and knows another one not at all.
fn selective() -> Behaviour {
    Behaviour {
        recipients: Box::new(|address, before| match (address, before) {
            ("grey@b.example", 0) => "451 4.7.1 greylisted, try again later",
            ("gone@b.example", _) => "550 5.1.1 <gone@b.example>: no such user",
            _ => "250 2.1.5 ok",
        }),
        ..Behaviour::default()
    }
}

fn transient(result: Result<ig_alerter::channel::Sent, SendError>) -> String {
    let error = result.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    error.to_string()
}

#[tokio::test]
async fn email_that_one_recipient_refuses_reaches_the_others_and_is_retried_for_the_greylisted_one_alone() {
    let server = SmtpServer::start(selective()).await;
    let exits = exits(Mailer::new(&config(&server)).unwrap());
    let channel = email(&RECIPIENTS);
    let sent = Channel::Email(channel.clone()).send(&notice(), &exits).await.unwrap();
    let undelivered: Vec<_> = sent
        .undelivered
        .iter()
        .map(|one| (one.recipient.as_str(), one.error.is_transient()))
        .collect();
    assert_eq!(undelivered, [("grey@b.example", true), ("gone@b.example", false)]);
    assert_eq!(
        sent.undelivered[1].error.to_string(),
        "The mail server answered 550: 5.1.1 [data]: no such user"
    );
    let remaining = channel.remaining(&sent).unwrap();
    let sent = Channel::Email(remaining.clone()).send(&notice(), &exits).await.unwrap();
    assert_eq!(remaining.remaining(&sent), None);
    let told: Vec<_> = server.mails().into_iter().map(|mail| mail.to).collect();
    assert_eq!(told, [["a@b.example"], ["grey@b.example"]]);
}

#[tokio::test]
async fn email_that_nobody_can_get_is_transient_as_long_as_one_may_get_it_later() {
    let server = SmtpServer::start(selective()).await;
    let mail = Mail::of(&notice());
    let refused = send(&config(&server), &mail, &["gone@b.example"]).await;
    assert!(matches!(refused, Err(SendError::Permanent { .. })), "{refused:?}");
    let text = transient(send(&config(&server), &mail, &["gone@b.example", "grey@b.example"]).await);
    assert_eq!(text, "The mail server answered 451: 4.7.1 greylisted, try again later");
    assert!(server.mails().is_empty());
    assert!(!server.commands().contains(&"DATA".to_owned()));
}

#[tokio::test]
async fn email_that_the_server_refuses_as_a_whole_is_permanent_with_5xx_and_transient_with_4xx() {
    for (reply, is_transient) in [("554 5.7.1 spam", false), ("452 4.3.1 disk full", true)] {
        let server = SmtpServer::start(Behaviour {
            after_data: AfterData::Reply(reply),
            ..Behaviour::default()
        })
        .await;
        let error = send(&config(&server), &Mail::of(&notice()), &["a@b.example"])
            .await
            .unwrap_err();
        assert_eq!(error.is_transient(), is_transient, "{error:?}");
    }
}

#[tokio::test]
async fn email_is_transient_where_the_server_hangs_up_or_stays_silent() {
    let mail = Mail::of(&notice());
    let server = SmtpServer::start(Behaviour {
        after_data: AfterData::HangUp,
        ..Behaviour::default()
    })
    .await;
    let text = transient(send(&config(&server), &mail, &["a@b.example"]).await);
    assert!(text.starts_with("The mail server closed the connection"), "{text}");
    let server = SmtpServer::start(Behaviour {
        silent: true,
        ..Behaviour::default()
    })
    .await;
    let impatient = SmtpConfig {
        timeout_seconds: 1,
        ..config(&server)
    };
    let text = transient(send(&impatient, &mail, &["a@b.example"]).await);
    assert_eq!(text, "The mail server did not take the mail within 1 s.");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn email_is_transient_while_the_server_is_away_and_arrives_afterwards() {
    let server = SmtpServer::start(Behaviour::default()).await;
    let away = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let nowhere = SmtpConfig {
        port: Some(away.port()),
        ..config(&server)
    };
    let mail = Mail::of(&notice());
    let text = transient(send(&nowhere, &mail, &["a@b.example"]).await);
    assert_eq!(text, "The mail server refused the connection.");
    let unnamed = SmtpConfig {
        // No label of a name is this long, so that no server is asked.
        host: Some(format!("{}.example", "x".repeat(64))),
        security: SmtpSecurity::Starttls,
        ..config(&server)
    };
    let text = transient(send(&unnamed, &mail, &["a@b.example"]).await);
    assert_eq!(text, "The mail server's name could not be resolved.");
    send(&config(&server), &mail, &["a@b.example"]).await.unwrap();
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test]
async fn email_without_a_configured_server_waits_for_one() {
    assert!(Mailer::new(&SmtpConfig::default()).unwrap().is_none());
    let text = transient(email(&["a@b.example"]).send_mail(&Mail::of(&notice()), &exits(None)).await);
    assert_eq!(text, "No mail server is configured (section smtp).");
}

#[tokio::test]
async fn email_is_not_sent_with_a_wrong_password_and_is_kept_until_the_operator_corrects_it() {
    let authority = Authority::new();
    let server = SmtpServer::start(Behaviour {
        security: Security::Starttls(authority.acceptor("127.0.0.1")),
        auth: Auth::Plain,
        ..Behaviour::default()
    })
    .await;
    let wrong = with_account(secured(&server, SmtpSecurity::Starttls, &authority), "wrong");
    let text = transient(send(&wrong, &Mail::of(&notice()), &["a@b.example"]).await);
    assert_eq!(text, "The mail server answered 535: 5.7.8 bad credentials");
    assert!(server.mails().is_empty());
}

#[tokio::test]
async fn email_and_password_do_not_go_to_a_server_without_starttls() {
    let authority = Authority::new();
    let server = SmtpServer::start(Behaviour {
        auth: Auth::Plain,
        ..Behaviour::default()
    })
    .await;
    let config = with_account(secured(&server, SmtpSecurity::Starttls, &authority), PASSWORD);
    let text = transient(send(&config, &Mail::of(&notice()), &["a@b.example"]).await);
    assert!(text.contains("STARTTLS"), "{text}");
    assert!(
        server.commands().iter().all(|command| command.starts_with("EHLO")),
        "{:?}",
        server.commands()
    );
}

#[tokio::test]
async fn email_does_not_go_to_a_server_whose_certificate_is_not_trusted() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let table = [
        (
            stranger.acceptor("127.0.0.1"),
            "no trusted authority issued it (smtp.ca_file)",
        ),
        (authority.acceptor("other.example"), "it is for another name"),
        (authority.expired("127.0.0.1"), "it has expired"),
    ];
    for (acceptor, why) in table {
        for (security, served) in [
            (SmtpSecurity::Starttls, Security::Starttls(acceptor.clone())),
            (SmtpSecurity::Tls, Security::Tls(acceptor.clone())),
        ] {
            let server = SmtpServer::start(Behaviour {
                security: served,
                ..Behaviour::default()
            })
            .await;
            let text = transient(
                send(
                    &secured(&server, security, &authority),
                    &Mail::of(&notice()),
                    &["a@b.example"],
                )
                .await,
            );
            assert_eq!(text, format!("The mail server's TLS certificate was refused: {why}."));
            assert!(server.mails().is_empty());
        }
    }
}

#[tokio::test]
async fn email_is_not_taken_for_sent_where_a_reply_was_slipped_in_before_tls() {
    let authority = Authority::new();
    let server = SmtpServer::start(Behaviour {
        security: Security::Injected(authority.acceptor("127.0.0.1")),
        ..Behaviour::default()
    })
    .await;
    let config = secured(&server, SmtpSecurity::Starttls, &authority);
    let text = transient(send(&config, &Mail::of(&notice()), &["a@b.example"]).await);
    assert_eq!(text, "The mail server answered 250 where 354 was due.");
    assert!(server.mails().is_empty());
}

#[test]
fn email_has_one_to_fifty_recipients_each_once() {
    let recipients = |count: usize| (0..count).map(|at| format!("a{at}@b.example").parse().unwrap());
    assert_eq!(Email::new(recipients(0)).unwrap_err().list()[0].pointer, "/recipients");
    assert!(Email::new(recipients(51)).is_err());
    let twice = recipients(50).chain(["a1@B.example".parse().unwrap()]);
    assert_eq!(Email::new(twice).unwrap().recipients().len(), 50);
}

#[test]
fn mailer_without_a_usable_authority_file_is_a_fault() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for path in [file.path().to_owned(), "/nowhere/ca.pem".into()] {
        let config = SmtpConfig {
            host: Some("mail.example".to_owned()),
            from: Some("a@b.example".to_owned()),
            ca_file: Some(path),
            ..SmtpConfig::default()
        };
        assert_eq!(Mailer::new(&config).unwrap_err().list()[0].pointer, "/ca_file");
    }
}
