// SPDX-License-Identifier: MIT
//! Server programs: starting one, ending it, and judging how it ended.
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

/// A port that is free, below those that systems assign by themselves: no program gets it by chance while a server is
/// down.
/// Each process has some of its own.
pub fn free_port() -> String {
    let first = u64::from(std::process::id()) * 40;
    let ports = (0..40).map(|i| 10000 + (first + i) % 22000).map(|port| port.to_string());
    ports.into_iter().find(|port| TcpListener::bind(format!("127.0.0.1:{port}")).is_ok()).expect("a free port")
}

/// A running server program, whose stdout carries one line, "listening PORT".
pub struct Program {
    child: Child,
    pub port: String,
    killed: bool,
}

impl Program {
    /// Starts the command that SERVER_CMD names.
    pub fn start(env: &[(&str, &str)]) -> Program {
        let command = std::env::var("SERVER_CMD").expect("SERVER_CMD");
        let mut words = command.split(' ');
        let mut child = Command::new(words.next().expect("a command"))
            .args(words)
            .env("PORT", "0")
            .env("WITH_PARENT", "1") // it ends when its input does
            .stdin(Stdio::piped())
            .env("GORACE", "atexit_sleep_ms=10")
            .envs(env.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server program starts");
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout"));
        stdout.read_line(&mut line).expect("a first line");
        let port = line.trim().strip_prefix("listening ").unwrap_or_else(|| panic!("first line is {line:?}")).to_string();
        Program { child, port, killed: false }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Ends the program at once, as a crash would.
    pub fn kill(&mut self) {
        self.killed = true;
        self.child.kill().expect("kill");
        self.child.wait().expect("wait");
    }

    /// Ends the program as an operator would, and returns an error if it ended badly.
    pub fn stop(&mut self) -> Result<(), String> {
        if self.killed {
            return Ok(());
        }
        // The shell's own, since a small system has no program of that name.
        let asked = Command::new("sh").args(["-c", "kill $0", &self.child.id().to_string()]).status();
        asked.map_err(|e| e.to_string())?;
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().map_err(|e| e.to_string())? {
                let mut said = String::new();
                if let Some(mut stderr) = self.child.stderr.take() {
                    stderr.read_to_string(&mut said).map_err(|e| e.to_string())?;
                }
                if status.success() && !said.contains("DATA RACE") && !said.contains("panic") {
                    return Ok(());
                }
                return Err(format!("the server ended with {status}: {said}"));
            }
            if Instant::now() > end {
                let _ = self.child.kill();
                return Err("the server did not end after SIGTERM".into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
