// SPDX-License-Identifier: MIT

//! The socketioxide server on axum, with the events and the commands of the benchmark
//! (see ../../internal/control).
//!
//!     oxide [-handlers 0|6] [-ping MILLISECONDS]

use std::{env, io::BufRead, process::exit, thread, time::Duration};

use axum::{Router, serve::ListenerExt};
use bytes::Bytes;
use socketioxide::{
    SocketIo,
    extract::{AckSender, Data, SocketRef},
};

fn main() {
    let mut handlers = true;
    let mut ping = 25_000;
    let args: Vec<String> = env::args().skip(1).collect();
    for pair in args.chunks(2) {
        match (pair[0].as_str(), pair.get(1)) {
            ("-handlers", Some(n)) => handlers = n != "0",
            ("-ping", Some(ms)) => ping = ms.parse().expect("-ping: milliseconds"),
            _ => fatal(&format!("unknown flag {}", pair[0])),
        }
    }
    raise_limit();
    // One worker for each core that the process may use.
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(serve(handlers, ping));
}

async fn serve(handlers: bool, ping: u64) {
    let (layer, io) = SocketIo::builder()
        .max_payload(2_000_000) // the row of 1 MB
        .ping_interval(Duration::from_millis(ping))
        .build_layer();
    io.ns("/", async move |s: SocketRef| {
        if handlers {
            on_connect(&s);
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("listening {}", listener.local_addr().expect("an address"));
    thread::spawn(commands); // ends the process when standard input ends
    let listener = listener.tap_io(|c| _ = c.set_nodelay(true));
    axum::serve(listener, Router::new().layer(layer)).await.expect("serving");
}

fn on_connect(s: &SocketRef) {
    s.on("echo", async |s: SocketRef, Data::<String>(msg)| _ = s.emit("echo", &msg));
    s.on("blob", async |s: SocketRef, Data::<Bytes>(b)| _ = s.emit("blob", &b));
    s.on("ack", async |Data::<String>(msg), ack: AckSender| _ = ack.send(&msg));
    s.on("bcast", async |io: SocketIo, Data::<String>(msg)| _ = io.emit("bcast", &msg).await);
    s.on("join", async |s: SocketRef, Data::<String>(room), ack: AckSender| {
        s.join(room);
        _ = ack.send("joined");
    });
    s.on("room", async |io: SocketIo, Data::<(String, String)>((room, msg))| {
        _ = io.to(room).emit("room", &msg).await
    });
}

fn commands() {
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        match line.as_str() {
            "stat" => {
                let (user, system) = cpu();
                println!("{user} {system}");
            }
            // There is no collector. What is free goes back to the system.
            "gc" => {
                unsafe { libc::malloc_trim(0) };
                println!("ok");
            }
            _ => println!("error unknown command {line}"),
        }
    }
    exit(0);
}

/// The CPU time used by this process, in microseconds.
fn cpu() -> (i64, i64) {
    let mut r: libc::rusage = unsafe { std::mem::zeroed() };
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut r) };
    let us = |t: libc::timeval| t.tv_sec * 1_000_000 + t.tv_usec;
    (us(r.ru_utime), us(r.ru_stime))
}

/// Raises the limit of descriptors to the system's maximum.
fn raise_limit() {
    unsafe {
        let mut r: libc::rlimit = std::mem::zeroed();
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut r) == 0 {
            r.rlim_cur = r.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &r);
        }
    }
}

fn fatal(what: &str) -> ! {
    eprintln!("oxide: {what}");
    exit(1);
}
