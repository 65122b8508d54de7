//! The program itself as a child, with its time and the most memory that it ever held.
use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use anyhow::Context as _;

use super::watch::Watch;

/// How a command ended.
pub(crate) struct Ran {
    /// How long it took.
    pub(crate) took: Duration,
    /// `VmHWM`: the most memory that was resident, in megabytes.
    pub(crate) peak_mb: f64,
    /// Its first line.
    pub(crate) said: String,
}

fn command(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gemledger"));
    command
        .args(arguments)
        .arg("--data")
        .arg(data)
        .env_remove("GEMLEDGER_LOG")
        .stdin(Stdio::null());
    command
}

/// Runs a command on this ledger to its end, which must be a good one.
pub(crate) fn run(data: &Path, arguments: &[&str]) -> anyhow::Result<Ran> {
    let watch = Watch::start();
    let child = command(data, arguments)
        .stdout(Stdio::piped())
        .spawn()
        .context("the program does not start")?;
    let (id, (ended, end)) = (child.id(), mpsc::channel::<()>());
    let watcher = thread::spawn(move || {
        let mut peak = 0.0;
        // The last look is at most this long before its end; what is resident then is what was ever most.
        while end.recv_timeout(Duration::from_millis(5)) == Err(mpsc::RecvTimeoutError::Timeout) {
            peak = peak_mb(id).unwrap_or(peak);
        }
        peak
    });
    let output = child.wait_with_output()?;
    let took = watch.elapsed();
    drop(ended);
    let peak_mb = watcher
        .join()
        .map_err(|_| anyhow::anyhow!("the child was not watched"))?;
    let said = String::from_utf8_lossy(&output.stdout)
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned();
    anyhow::ensure!(
        output.status.success(),
        "{arguments:?} ended with {}: {said}",
        output.status
    );
    Ok(Ran {
        took,
        peak_mb,
        said,
    })
}

/// The time from starting a server to its first word that it serves, and its memory then.
pub(crate) fn start_up(data: &Path) -> anyhow::Result<Ran> {
    let watch = Watch::start();
    let url = fs::read_to_string(data.join("url"))?;
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--url", url.trim()];
    let child = command(data, &arguments)
        .stderr(Stdio::piped())
        .spawn()
        .context("the server does not start")?;
    let mut child = Ended(child);
    let stderr = child.0.stderr.take().context("the server says nothing")?;
    for line in BufReader::new(stderr).lines() {
        let said = line?;
        if said.starts_with("serving ") {
            let took = watch.elapsed();
            return Ok(Ran {
                took,
                peak_mb: peak_mb(child.0.id()).unwrap_or_default(),
                said,
            });
        }
    }
    anyhow::bail!("the server ended before it served")
}

/// A child that does not outlive its use.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn peak_mb(id: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u32 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(f64::from(kilobytes) / 1024.0)
}
