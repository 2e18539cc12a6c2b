//! What a local stack is to be, before anything of it runs.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use ig_service::config::{AdminConfig, GrpcConfig};

use super::database::Choice;
use crate::arguments::UpArguments;
use crate::demo::Demo;
use crate::kept::{DataDirectory, Kept, random_hex};
use crate::port;
use crate::ready_file::Ready;
use crate::settings::Settings;
use crate::six::Six;

/// Everything that is decided before the start.
#[derive(Debug)]
pub(crate) struct Plan {
    settings: Settings,
    /// Which database.
    pub(crate) database: Choice,
    /// What was generated for this data directory.
    pub(crate) kept: Kept,
    /// Whether it was generated now.
    pub(crate) generated: bool,
    /// Where it is kept.
    pub(crate) kept_in: PathBuf,
    /// Where to tell that all is ready.
    pub(crate) ready_file: Option<PathBuf>,
}

impl Plan {
    /// Decides ports, database and secrets; nothing is started yet, but a taken address for HTTP is found.
    pub(crate) fn make(arguments: &UpArguments, data: &DataDirectory, demo: Option<&Demo>) -> anyhow::Result<Self> {
        let mut settings = Settings::of_process();
        flags(&mut settings, arguments);
        let http: SocketAddr = settings
            .offer("http.listen", "127.0.0.1:4000")
            .parse()
            .context("http.listen is no address")?;
        port::check_http(http)?;
        // Nobody balances requests between several of these.
        settings.offer("http.drain_ms", "0");
        let (kept, generated) = data.secrets()?;
        let kept = secrets(&mut settings, &kept);
        let database = Choice::make(&mut settings, data)?;
        addresses(&mut settings)?;
        if let Some(demo) = demo {
            settings.add("security.egress.allow", &demo.receiver().to_string());
            settings.offer("telemetry.log", "warn");
        }
        settings.offer("telemetry.format", "text");
        let ready_file = arguments.ready_file.clone();
        let kept_in = data.secrets_file();
        Ok(Self {
            settings,
            database,
            kept,
            generated,
            kept_in,
            ready_file,
        })
    }

    /// The configuration of each service; each listens where the others look for it.
    pub(crate) fn configure(&self) -> anyhow::Result<Six> {
        let mut six = Six::load(&self.settings)?;
        self.place(&mut six.api_gateway.grpc, &mut six.api_gateway.admin, "services.api_gateway")?;
        self.place(
            &mut six.delivery_worker.grpc,
            &mut six.delivery_worker.admin,
            "services.delivery_worker",
        )?;
        self.place(&mut six.scheduler.grpc, &mut six.scheduler.admin, "services.scheduler")?;
        self.place(&mut six.dlq_retrier.grpc, &mut six.dlq_retrier.admin, "services.dlq_retrier")?;
        self.place(&mut six.job_runner.grpc, &mut six.job_runner.admin, "services.job_runner")?;
        self.place(&mut six.alerter.grpc, &mut six.alerter.admin, "services.alerter")?;
        Ok(six)
    }

    /// What is told to whoever waits.
    pub(crate) fn ready(&self, http: &str) -> Ready {
        let Kept {
            api_key,
            admin_email,
            admin_password,
            encryption_key: _,
        } = self.kept.clone();
        Ready {
            http: format!("http://{http}"),
            api_key,
            admin_email,
            admin_password,
            mongodb_uri: self.database.uri().to_owned(),
            mysql_url: self.settings.get("sources.mysql.url"),
        }
    }

    /// One process cannot serve six services on one configured port, so each has its own.
    fn place(&self, grpc: &mut GrpcConfig, admin: &mut AdminConfig, key: &str) -> anyhow::Result<()> {
        let address = self.settings.get(key).unwrap_or_default();
        grpc.listen = address
            .parse()
            .with_context(|| format!("{key}: `{address}` is no address to listen on"))?;
        *admin = AdminConfig::default();
        Ok(())
    }
}

fn flags(settings: &mut Settings, arguments: &UpArguments) {
    if let Some(http) = arguments.http {
        settings.force("http.listen", &http.to_string());
    }
    if let Some(uri) = &arguments.mongodb_uri {
        settings.force("mongodb.uri", uri);
    }
    if let Some(url) = &arguments.mysql_url {
        settings.force("sources.mysql.url", url);
    }
}

fn secrets(settings: &mut Settings, kept: &Kept) -> Kept {
    settings.offer("grpc.token", &random_hex(32));
    Kept {
        api_key: settings.offer("bootstrap.api_key", &kept.api_key),
        admin_email: settings.offer("bootstrap.admin_email", &kept.admin_email),
        admin_password: settings.offer("bootstrap.admin_password", &kept.admin_password),
        encryption_key: settings.offer("secrets.keys", &kept.encryption_key),
    }
}

/// The ports of the services among themselves: free ones, so that several stacks run side by side.
fn addresses(settings: &mut Settings) -> anyhow::Result<()> {
    for service in [
        "api_gateway",
        "delivery_worker",
        "scheduler",
        "dlq_retrier",
        "job_runner",
        "alerter",
    ] {
        settings.offer(&format!("services.{service}"), &port::free()?.to_string());
    }
    Ok(())
}
