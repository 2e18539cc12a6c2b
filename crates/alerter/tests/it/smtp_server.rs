//! A mail server that keeps what it receives, and misbehaves as a test says.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

mod conversation;

/// How the server secures its connections.
#[derive(Clone)]
pub(crate) enum Security {
    None,
    Starttls(TlsAcceptor),
    /// STARTTLS, with a reply slipped in before TLS begins, as somebody in between could.
    Injected(TlsAcceptor),
    Tls(TlsAcceptor),
}

/// How clients authenticate.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Auth {
    None,
    Plain,
    Login,
}

/// What the server does once it has a mail.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum AfterData {
    Reply(&'static str),
    /// Closes the connection before it has the whole mail.
    HangUp,
}

/// What the server says to `RCPT TO`, by the address and how often it was named before.
pub(crate) type RecipientReply = Box<dyn Fn(&str, usize) -> &'static str + Send + Sync>;

/// What a server does.
pub(crate) struct Behaviour {
    pub(crate) security: Security,
    pub(crate) auth: Auth,
    pub(crate) recipients: RecipientReply,
    pub(crate) after_data: AfterData,
    /// Whether it accepts connections and says nothing.
    pub(crate) silent: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            security: Security::None,
            auth: Auth::None,
            recipients: Box::new(|_, _| "250 2.1.5 ok"),
            after_data: AfterData::Reply("250 2.0.0 queued"),
            silent: false,
        }
    }
}

/// The account that the server knows.
pub(crate) const USERNAME: &str = "gateway";
pub(crate) const PASSWORD: &str = "correct horse";

/// A mail as the server took it.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReceivedMail {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) text: String,
    pub(crate) encrypted: bool,
    pub(crate) authenticated: bool,
}

/// What all connections share.
pub(crate) struct Shared {
    behaviour: Behaviour,
    mails: Mutex<Vec<ReceivedMail>>,
    named: Mutex<Vec<String>>,
    commands: Mutex<Vec<String>>,
    connections: AtomicUsize,
}

/// A listening server; it stops when it is dropped.
pub(crate) struct SmtpServer {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    _serving: JoinSet<()>,
}

impl SmtpServer {
    pub(crate) async fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            behaviour,
            mails: Mutex::default(),
            named: Mutex::default(),
            commands: Mutex::default(),
            connections: AtomicUsize::default(),
        });
        let mut serving = JoinSet::new();
        serving.spawn(accept(listener, shared.clone()));
        Self {
            address,
            shared,
            _serving: serving,
        }
    }

    pub(crate) fn mails(&self) -> Vec<ReceivedMail> {
        self.shared.mails.lock().unwrap().clone()
    }

    pub(crate) fn only_mail(&self) -> ReceivedMail {
        let mails = self.mails();
        assert_eq!(mails.len(), 1, "one mail was sent");
        mails[0].clone()
    }

    /// Every command that arrived, over all connections.
    pub(crate) fn commands(&self) -> Vec<String> {
        self.shared.commands.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        shared.connections.fetch_add(1, Ordering::SeqCst);
        let shared = shared.clone();
        connections.spawn(async move {
            let _ = conversation::serve(stream, &shared).await;
        });
    }
}
