//! `igctl export` and `igctl apply`: an organisation's configuration as one document, for a file under version control.

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use http::Method;
use serde_json::Value;

use crate::api::Api;
use crate::arguments::{ApplyArguments, ExportArguments, GatewayArguments};
use crate::output;
use crate::runtime::run;

use yaml::Yaml;

mod environment;
mod plan;
mod yaml;

/// Writes an organisation's configuration to a file, or prints it.
pub(crate) fn export(arguments: &ExportArguments) -> anyhow::Result<ExitCode> {
    let ExportArguments { gateway, output } = arguments;
    let path = format!("/configuration?orgId={}", gateway.org);
    let found = run(async { api(gateway)?.get(&path).await })?;
    let document = found.with_context(|| format!("there is no organisation {}", gateway.org))?;
    let text = serde_norway::to_string(&Yaml(&document))?;
    match output {
        Some(file) => std::fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))?,
        None => output::line(text.trim_end()),
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows the changes that a document makes, and applies them.
pub(crate) fn apply(arguments: &ApplyArguments) -> anyhow::Result<ExitCode> {
    let document = read(&arguments.file)?;
    run(apply_document(arguments, document))
}

async fn apply_document(arguments: &ApplyArguments, document: Value) -> anyhow::Result<ExitCode> {
    let ApplyArguments {
        gateway,
        file: _,
        prune,
        dry_run,
        yes,
    } = arguments;
    let api = api(gateway)?;
    let path = format!("/configuration/apply?orgId={}&prune={prune}", gateway.org);
    let planned = api.send(Method::POST, &format!("{path}&dryRun=true"), &document).await?;
    for line in plan::lines(&planned) {
        output::line(line);
    }
    if *dry_run || plan::is_empty(&planned) {
        return Ok(ExitCode::SUCCESS);
    }
    if !yes && !confirmed()? {
        bail!("nothing was changed");
    }
    let plan = planned.get("plan").and_then(Value::as_str).unwrap_or_default();
    api.send(Method::POST, &format!("{path}&plan={plan}"), &document).await?;
    output::line("Done.");
    Ok(ExitCode::SUCCESS)
}

fn confirmed() -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("nobody is there to agree: give --yes, or --dry-run to see the changes alone");
    }
    write!(std::io::stdout(), "Make these changes? [y/N] ")?;
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()))
}

/// Reads a document from a YAML (or JSON) file; `-` is the standard input.
fn read(file: &Path) -> anyhow::Result<Value> {
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin().read_to_string(&mut text)?;
    } else {
        text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    }
    let document: Value = serde_norway::from_str(&text).with_context(|| format!("{} is not YAML", file.display()))?;
    environment::substitute(document, |name| std::env::var(name).ok())
}

fn api(arguments: &GatewayArguments) -> anyhow::Result<Api> {
    let given = arguments.api_key.clone().or_else(|| std::env::var("IG_API_KEY").ok());
    let key = given.context("an API key is needed: give it in IG_API_KEY, or with --api-key")?;
    Ok(Api::new(arguments.gateway.trim_end_matches('/'), &key))
}
