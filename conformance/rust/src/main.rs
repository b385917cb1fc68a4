// SPDX-License-Identifier: MIT
//! Runs every scenario with the Rust client over polling, WebSocket and the upgrade, against the program that
//! SERVER_CMD names. Prints a line for each and, last, the sum. ONLY=text keeps scenarios by name; SHORT=1 leaves
//! out connections that begin as WebSockets, since upgrades end as such.
//!
//! Each scenario runs in a process of its own, `rust-client NAME TRANSPORT URL`: the client's thread outlives its
//! connection and then uses a whole core.
mod peer;
mod program;
mod scenarios;

use program::Program;
use scenarios::{Outcome, Stage, ALL};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(300);

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let [_, name, transport, url] = &args[..] {
        if let Err(why) = one(name, transport, url) {
            println!("{}", why.chars().take(400).collect::<String>());
            std::process::exit(1);
        }
        std::process::exit(0);
    }
    let only = std::env::var("ONLY").unwrap_or_default();
    let (mut passed, mut failed) = (0, 0);
    let mut say = |title: String, outcome: Outcome| match outcome {
        Ok(()) => {
            passed += 1;
            println!("ok {title}");
        }
        Err(why) => {
            failed += 1;
            println!("FAIL {title}: {why}");
        }
    };
    let short = std::env::var("SHORT").is_ok_and(|value| !value.is_empty());
    let transports: &[&str] = if short { &["polling", "upgrade"] } else { &["polling", "websocket", "upgrade"] };
    for &transport in transports {
        let mut program = Program::start(&[]);
        for (name, _) in ALL.iter().filter(|(name, _)| name.contains(&only)) {
            say(format!("rust, {transport}: {name}"), apart(&args[0], name, transport, &program.url()));
        }
        if let Err(why) = program.stop() {
            say(format!("rust, {transport}: the server program"), Err(why));
        }
    }
    println!("{passed} passed, {failed} failed");
    std::process::exit(if failed == 0 { 0 } else { 1 });
}

fn one(name: &str, transport: &str, url: &str) -> Outcome {
    let (_, body) = ALL.iter().find(|(known, _)| *known == name).ok_or(format!("no scenario {name:?}"))?;
    let mut stage = Stage { transport, url: url.to_string(), programs: vec![] };
    let mut outcome = body(&mut stage);
    for own in &mut stage.programs {
        outcome = outcome.and(own.stop());
    }
    outcome
}

/// Runs one scenario in a process of its own.
fn apart(program: &str, name: &str, transport: &str, url: &str) -> Outcome {
    let mut child = Command::new(program)
        .args([name, transport, url])
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| e.to_string())?;
    let end = Instant::now() + PATIENCE;
    while child.try_wait().map_err(|e| e.to_string())?.is_none() {
        if Instant::now() > end {
            let _ = child.kill();
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output().map_err(|e| e.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let why = String::from_utf8_lossy(&output.stdout).trim().to_string();
    Err(if why.is_empty() { format!("ended with {}", output.status) } else { why })
}
