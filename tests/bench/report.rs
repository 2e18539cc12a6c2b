//! A table for people and a JSON file for machines.

use std::path::PathBuf;

use serde_json::{Value, json};

/// The figures measured so far.
pub(crate) struct Report {
    machine: String,
    lines: Vec<Line>,
}

struct Line {
    what: String,
    measured: f64,
    unit: &'static str,
    wanted: String,
}

impl Report {
    /// An empty report.
    pub(crate) fn begin() -> Self {
        let machine = machine();
        println!("{machine}");
        Self {
            machine,
            lines: Vec::new(),
        }
    }

    /// Adds a figure and its target.
    pub(crate) fn add(&mut self, what: impl Into<String>, measured: f64, unit: &'static str, wanted: impl Into<String>) {
        let line = Line {
            what: what.into(),
            measured,
            unit,
            wanted: wanted.into(),
        };
        println!("{}", line.text());
        self.lines.push(line);
    }

    /// Prints the table and writes the file.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        println!("\n{}\n{}", self.machine, "-".repeat(96));
        for line in &self.lines {
            println!("{}", line.text());
        }
        let path = path();
        std::fs::write(&path, serde_json::to_string_pretty(&self.json())?)?;
        println!("\nwritten to {}", path.display());
        Ok(())
    }

    fn json(&self) -> Value {
        let figures = self.lines.iter().map(|line| {
            let Line {
                what,
                measured,
                unit,
                wanted,
            } = line;
            json!({"what": what, "measured": measured, "unit": unit, "wanted": wanted})
        });
        json!({"machine": self.machine, "at": chrono::Utc::now().to_rfc3339(), "figures": figures.collect::<Vec<_>>()})
    }
}

impl Line {
    fn text(&self) -> String {
        format!("{:<62} {:>10.1} {:<14} {}", self.what, self.measured, self.unit, self.wanted)
    }
}

fn path() -> PathBuf {
    let folder = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("../target"), PathBuf::from);
    folder.join("bench.json")
}

fn machine() -> String {
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    let model = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = model
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or("")
        .trim_start_matches([' ', '\t', ':']);
    format!(
        "{cpus} cores, {model}; databases, receiver and load on the same ones; medians of {} runs",
        crate::RUNS
    )
}
