//! Generates the messages from `proto/` without a protoc.

use std::path::PathBuf;

const FILES: [&str; 6] = ["config", "delivery", "scheduler", "dlq", "job", "alert"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo:rerun-if-changed={}", root.display());
    let files: Vec<_> = FILES.iter().map(|name| root.join(format!("ig/v1/{name}.proto"))).collect();
    let descriptors = protox::compile(files, [&root])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), prost::Message::encode_to_vec(&descriptors))?;
    tonic_prost_build::configure()
        .bytes(".ig.v1.DeliverRequest.payload")
        .compile_fds(descriptors)?;
    Ok(())
}
