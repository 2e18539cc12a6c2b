//! The plan of a local stack, made before anything starts.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use ig_service::config::{AdminConfig, GrpcConfig};

use super::database::DatabaseSetup;
use crate::arguments::UpArguments;
use crate::data_directory::{DataDirectory, StackSecrets, random_hex};
use crate::demo::Demo;
use crate::port;
use crate::ready_file::Ready;
use crate::settings::Settings;
use crate::stack_config::StackConfig;

/// All decisions before the start.
#[derive(Debug)]
pub(crate) struct Plan {
    settings: Settings,
    /// The database.
    pub(crate) database: DatabaseSetup,
    /// The secrets in force.
    pub(crate) secrets: StackSecrets,
    /// Whether the secrets were generated now.
    pub(crate) generated: bool,
    /// The file of the kept secrets.
    pub(crate) secrets_file: PathBuf,
    /// The ready file, if one is wanted.
    pub(crate) ready_file: Option<PathBuf>,
}

impl Plan {
    /// Decides ports, database and secrets without starting anything; a taken HTTP address is an error.
    pub(crate) fn make(arguments: &UpArguments, data: &DataDirectory, demo: Option<&Demo>) -> anyhow::Result<Self> {
        let mut settings = Settings::from_process();
        set_flags(&mut settings, arguments);
        let http: SocketAddr = settings
            .set_default("http.listen", "127.0.0.1:4000")
            .parse()
            .context("http.listen is no address")?;
        port::check_http(http)?;
        // No load balancer needs time to take this gateway out of rotation.
        settings.set_default("http.drain_ms", "0");
        let (secrets, generated) = data.secrets()?;
        let secrets = set_secrets(&mut settings, &secrets);
        let database = DatabaseSetup::make(&mut settings, data)?;
        set_service_ports(&mut settings)?;
        if let Some(demo) = demo {
            settings.append("security.egress.allow", &demo.receiver().to_string());
            settings.set_default("telemetry.log", "warn");
        }
        settings.set_default("telemetry.format", "text");
        let ready_file = arguments.ready_file.clone();
        let secrets_file = data.secrets_file();
        Ok(Self {
            settings,
            database,
            secrets,
            generated,
            secrets_file,
            ready_file,
        })
    }

    /// The configuration of each service; each listens on the address that the others call.
    pub(crate) fn configure(&self) -> anyhow::Result<StackConfig> {
        let mut config = StackConfig::load(&self.settings)?;
        self.set_address(
            &mut config.api_gateway.grpc,
            &mut config.api_gateway.admin,
            "services.api_gateway",
        )?;
        self.set_address(
            &mut config.delivery_worker.grpc,
            &mut config.delivery_worker.admin,
            "services.delivery_worker",
        )?;
        self.set_address(&mut config.scheduler.grpc, &mut config.scheduler.admin, "services.scheduler")?;
        self.set_address(
            &mut config.dlq_retrier.grpc,
            &mut config.dlq_retrier.admin,
            "services.dlq_retrier",
        )?;
        self.set_address(
            &mut config.job_runner.grpc,
            &mut config.job_runner.admin,
            "services.job_runner",
        )?;
        self.set_address(&mut config.alerter.grpc, &mut config.alerter.admin, "services.alerter")?;
        Ok(config)
    }

    /// The content of the ready file.
    pub(crate) fn ready(&self, http: &str) -> Ready {
        let StackSecrets {
            api_key,
            admin_email,
            admin_password,
            encryption_key: _,
        } = self.secrets.clone();
        Ready {
            http: format!("http://{http}"),
            api_key,
            admin_email,
            admin_password,
            mongodb_uri: self.database.uri().to_owned(),
            mysql_url: self.settings.get("sources.mysql.url"),
        }
    }

    /// Gives a service its own gRPC and admin ports: six services cannot share one configured port.
    fn set_address(&self, grpc: &mut GrpcConfig, admin: &mut AdminConfig, key: &str) -> anyhow::Result<()> {
        let address = self.settings.get(key).unwrap_or_default();
        grpc.listen = address
            .parse()
            .with_context(|| format!("{key}: `{address}` is no address to listen on"))?;
        *admin = AdminConfig::default();
        Ok(())
    }
}

fn set_flags(settings: &mut Settings, arguments: &UpArguments) {
    if let Some(http) = arguments.http {
        settings.set("http.listen", &http.to_string());
    }
    if let Some(uri) = &arguments.mongodb_uri {
        settings.set("mongodb.uri", uri);
    }
    if let Some(url) = &arguments.mysql_url {
        settings.set("sources.mysql.url", url);
    }
}

fn set_secrets(settings: &mut Settings, generated: &StackSecrets) -> StackSecrets {
    settings.set_default("grpc.token", &random_hex(32));
    StackSecrets {
        api_key: settings.set_default("bootstrap.api_key", &generated.api_key),
        admin_email: settings.set_default("bootstrap.admin_email", &generated.admin_email),
        admin_password: settings.set_default("bootstrap.admin_password", &generated.admin_password),
        encryption_key: settings.set_default("secrets.keys", &generated.encryption_key),
    }
}

/// Picks free ports between the services, so that several stacks run side by side.
fn set_service_ports(settings: &mut Settings) -> anyhow::Result<()> {
    for service in [
        "api_gateway",
        "delivery_worker",
        "scheduler",
        "dlq_retrier",
        "job_runner",
        "alerter",
    ] {
        settings.set_default(&format!("services.{service}"), &port::allocate()?.to_string());
    }
    Ok(())
}
