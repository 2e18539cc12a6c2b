//! nginx as a reverse proxy, tuned as one would: connections to the target are kept, nothing is logged.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use ig_testkit::port::free_port;

/// A running nginx; it ends when it is dropped.
pub(super) struct Nginx {
    address: SocketAddr,
    child: Child,
    _folder: tempfile::TempDir,
}

impl Nginx {
    /// Starts it in front of a target.
    pub(super) async fn start(target: SocketAddr) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, configuration(folder.path(), address, target))?;
        let mut command = Command::new("nginx");
        command.arg("-c").arg(&file).arg("-e").arg("stderr").stderr(Stdio::null());
        let child = command.spawn().context("nginx; `make bench` installs it")?;
        let nginx = Self {
            address,
            child,
            _folder: folder,
        };
        let began = Instant::now();
        while tokio::net::TcpStream::connect(address).await.is_err() {
            anyhow::ensure!(began.elapsed() < Duration::from_secs(5), "nginx did not start");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(nginx)
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}

fn configuration(folder: &std::path::Path, address: SocketAddr, target: SocketAddr) -> String {
    let folder = folder.display();
    format!(
        "daemon off; master_process on; worker_processes 2; pid {folder}/pid; error_log /dev/null;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 10000000; keepalive_timeout 600s;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream target {{ server {target}; keepalive 600; keepalive_requests 10000000; }}
  server {{
    listen {address} backlog=4096;
    location / {{ proxy_pass http://target; proxy_http_version 1.1; proxy_set_header Connection \"\"; }}
  }}
}}
"
    )
}
