//! The server's side of one connection.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufStream};
use tokio::net::TcpStream;

use super::{AfterData, Auth, PASSWORD, ReceivedMail, Security, Shared, USERNAME};

pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

struct Connection<'a> {
    stream: BufStream<Box<dyn Stream>>,
    shared: &'a Shared,
    encrypted: bool,
    authenticated: bool,
    mail: ReceivedMail,
}

/// Whether the conversation goes on.
enum Next {
    Command,
    Tls,
    Close,
}

/// `None` where the connection ended without QUIT.
pub(super) async fn serve(stream: TcpStream, shared: &Shared) -> Option<()> {
    let (stream, encrypted): (Box<dyn Stream>, bool) = match &shared.behaviour.security {
        Security::Tls(acceptor) => (Box::new(acceptor.accept(stream).await.ok()?), true),
        Security::None | Security::Starttls(_) | Security::Injected(_) => (Box::new(stream), false),
    };
    let mut connection = Connection {
        stream: BufStream::new(stream),
        shared,
        encrypted,
        authenticated: false,
        mail: ReceivedMail::default(),
    };
    if shared.behaviour.silent {
        std::future::pending::<()>().await;
    }
    connection.reply("220 mail.example ESMTP").await?;
    loop {
        let line = connection.line().await?;
        shared.commands.lock().unwrap().push(line.clone());
        match connection.command(&line).await? {
            Next::Command => {}
            Next::Tls => connection = connection.upgraded().await?,
            Next::Close => return Some(()),
        }
    }
}

impl Connection<'_> {
    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line).await.ok()?;
        Some(line.strip_suffix("\r\n")?.to_owned())
    }

    async fn reply(&mut self, text: &str) -> Option<()> {
        self.stream.write_all(text.as_bytes()).await.ok()?;
        self.stream.write_all(b"\r\n").await.ok()?;
        self.stream.flush().await.ok()
    }

    async fn command(&mut self, line: &str) -> Option<Next> {
        let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => self.hello().await?,
            "STARTTLS" => return self.start_tls().await,
            "AUTH" => self.authenticate(argument).await?,
            "MAIL" => {
                self.mail = ReceivedMail {
                    from: path(argument),
                    encrypted: self.encrypted,
                    authenticated: self.authenticated,
                    ..ReceivedMail::default()
                };
                self.reply("250 2.1.0 ok").await?;
            }
            "RCPT" => self.recipient(&path(argument)).await?,
            "DATA" => return self.data().await,
            "QUIT" => {
                self.reply("221 bye").await?;
                return Some(Next::Close);
            }
            _ => self.reply("502 unknown").await?,
        }
        Some(Next::Command)
    }

    async fn hello(&mut self) -> Option<()> {
        let behaviour = &self.shared.behaviour;
        let offers_tls = matches!(behaviour.security, Security::Starttls(_) | Security::Injected(_)) && !self.encrypted;
        let auth = match behaviour.auth {
            Auth::None => "",
            Auth::Plain => "250-AUTH PLAIN\r\n",
            Auth::Login => "250-AUTH LOGIN\r\n",
        };
        // Credentials are only asked for once they are safe.
        let auth = if offers_tls { "" } else { auth };
        let tls = if offers_tls { "250-STARTTLS\r\n" } else { "" };
        self.reply(&format!("250-mail.example\r\n{tls}{auth}250 8BITMIME")).await
    }

    async fn start_tls(&mut self) -> Option<Next> {
        match self.shared.behaviour.security {
            Security::Starttls(_) => self.reply("220 go").await?,
            Security::Injected(_) => self.reply("220 go\r\n250 injected").await?,
            Security::None | Security::Tls(_) => {
                self.reply("502 unknown").await?;
                return Some(Next::Command);
            }
        }
        Some(Next::Tls)
    }

    async fn upgraded(self) -> Option<Self> {
        let (Security::Starttls(acceptor) | Security::Injected(acceptor)) = &self.shared.behaviour.security else {
            return None;
        };
        let secured = acceptor.accept(self.stream.into_inner()).await.ok()?;
        Some(Self {
            stream: BufStream::new(Box::new(secured)),
            encrypted: true,
            ..self
        })
    }

    async fn authenticate(&mut self, argument: &str) -> Option<()> {
        let given = if let Some(("PLAIN", response)) = argument.split_once(' ') {
            decoded(response)?
        } else {
            self.reply("334 VXNlcm5hbWU6").await?;
            let username = self.line().await?;
            self.reply("334 UGFzc3dvcmQ6").await?;
            let password = self.line().await?;
            format!("\0{}\0{}", decoded(&username)?, decoded(&password)?)
        };
        self.authenticated = given == format!("\0{USERNAME}\0{PASSWORD}");
        let reply = if self.authenticated {
            "235 2.7.0 welcome"
        } else {
            "535 5.7.8 bad credentials"
        };
        self.reply(reply).await
    }

    async fn recipient(&mut self, address: &str) -> Option<()> {
        let before = {
            let mut named = self.shared.named.lock().unwrap();
            let before = named.iter().filter(|named| *named == address).count();
            named.push(address.to_owned());
            before
        };
        let reply = (self.shared.behaviour.recipients)(address, before);
        if reply.starts_with('2') {
            self.mail.to.push(address.to_owned());
        }
        self.reply(reply).await
    }

    async fn data(&mut self) -> Option<Next> {
        if self.mail.to.is_empty() {
            self.reply("503 no recipients").await?;
            return Some(Next::Command);
        }
        self.reply("354 go ahead").await?;
        let reply = match self.shared.behaviour.after_data {
            AfterData::Reply(reply) => reply,
            AfterData::HangUp => {
                self.line().await?;
                return Some(Next::Close);
            }
        };
        loop {
            let line = self.line().await?;
            if line == "." {
                break;
            }
            self.mail.text.push_str(line.strip_prefix('.').unwrap_or(&line));
            self.mail.text.push_str("\r\n");
        }
        if reply.starts_with('2') {
            self.shared.mails.lock().unwrap().push(std::mem::take(&mut self.mail));
        }
        self.reply(reply).await?;
        Some(Next::Command)
    }
}

/// The address in `FROM:<…>`.
fn path(argument: &str) -> String {
    let start = argument.find('<').map_or(0, |at| at + 1);
    let end = argument.find('>').unwrap_or(argument.len());
    argument[start..end].to_owned()
}

fn decoded(text: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(text).ok()?).ok()
}
