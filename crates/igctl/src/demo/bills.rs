//! The demo's scheduled job: a table of bills, a user who may only read it, and a job that sends what is new.

use std::net::SocketAddr;

use anyhow::Context as _;
use http::Method;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Opts};
use serde_json::{Value, json};

use super::{ORG, UNIT};
use crate::api::Api;
use crate::output;

const CONNECTION: &str = "demo-his";
const JOB: &str = "Demo: new bills, every half minute";
const READER: &str = "ig_demo_reader";
const TABLE: &str = "CREATE TABLE IF NOT EXISTS demo_bills (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    entity_rid BIGINT NOT NULL,
    amount DECIMAL(12,2) NOT NULL,
    created_at DATETIME(3) NOT NULL DEFAULT (UTC_TIMESTAMP(3))
)";

/// A user's address for a database with the demo's bills.
#[derive(Debug)]
pub(super) struct Bills {
    reader_url: String,
}

impl Bills {
    /// Creates the table, some bills, and a user who may only read; `None` where the database's user may not create one.
    pub(super) async fn prepare(mysql_url: &str) -> anyhow::Result<Option<Self>> {
        let opts = Opts::from_url(mysql_url).context("--mysql-url")?;
        let database = opts.db_name().context("--mysql-url names no database")?.to_owned();
        let (host, port) = (opts.ip_or_hostname().to_owned(), opts.tcp_port());
        let mut connection = Conn::new(opts).await?;
        connection.query_drop(TABLE).await?;
        for (entity, amount) in [(UNIT, "120.50"), (UNIT, "80.00"), (ORG, "9.99")] {
            connection
                .exec_drop("INSERT INTO demo_bills (entity_rid, amount) VALUES (?, ?)", (entity, amount))
                .await?;
        }
        let password = format!("{:032x}", rand::random::<u128>());
        let reader = [
            format!("CREATE OR REPLACE USER '{READER}'@'%' IDENTIFIED BY '{password}'"),
            format!("GRANT SELECT ON `{database}`.`demo_bills` TO '{READER}'@'%'"),
        ];
        for statement in reader {
            // The error may quote the statement, and with it the password.
            if connection.query_drop(statement).await.is_err() {
                output::line("The demo has no scheduled job: it could not make a user in the database who may only read.");
                return Ok(None);
            }
        }
        connection.disconnect().await?;
        let reader_url = format!("mysql://{READER}:{password}@{host}:{port}/{database}");
        Ok(Some(Self { reader_url }))
    }

    /// Creates the connection and the job through the API, or updates their addresses.
    pub(super) async fn create_job(&self, api: &Api, receiver: SocketAddr) -> anyhow::Result<()> {
        self.put_connection(api).await?;
        let listed = api
            .get(&format!("/scheduled-jobs?orgId={ORG}&limit=500"))
            .await?
            .unwrap_or_default();
        let jobs = listed["jobs"].as_array().into_iter().flatten();
        let known = jobs.filter(|job| job["name"] == JOB).find_map(|job| job["id"].as_str());
        let target = format!("http://{receiver}/bills");
        match known {
            Some(id) => {
                let path = format!("/scheduled-jobs/{id}?orgId={ORG}");
                api.send(Method::PATCH, &path, &json!({ "targetUrl": target })).await?
            }
            None => {
                api.send(Method::POST, &format!("/scheduled-jobs?orgId={ORG}"), &job(&target))
                    .await?
            }
        };
        Ok(())
    }

    async fn put_connection(&self, api: &Api) -> anyhow::Result<()> {
        let mut connection = json!({
            "name": CONNECTION,
            "url": self.reader_url,
            "tables": [{ "table": "demo_bills", "tenantColumn": "entity_rid" }],
            "grants": [{ "orgId": ORG, "isDefault": true }],
        });
        let path = format!("/admin/data-connections/{CONNECTION}");
        match api.get(&path).await? {
            Some(known) => {
                connection["revision"] = known["revision"].clone();
                api.send(Method::PUT, &path, &connection).await?
            }
            None => api.send(Method::POST, "/admin/data-connections", &connection).await?,
        };
        Ok(())
    }
}

fn job(target: &str) -> Value {
    json!({
        "name": JOB,
        "type": "DEMO",
        "schedule": { "type": "INTERVAL", "intervalMs": 30_000 },
        "dataSource": { "type": "SQL", "query": "SELECT id, entity_rid, amount FROM demo_bills WHERE id > {{job.watermark}} ORDER BY id" },
        "watermark": { "field": "id", "initial": "0" },
        "transformation": {
            "mode": "SCRIPT",
            "script": "if (payload.data.length === 0) return null;\nreturn { hospital: payload.metadata.orgId, bills: payload.data };",
        },
        "targetUrl": target,
    })
}
