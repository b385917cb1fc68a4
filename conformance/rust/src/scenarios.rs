// SPDX-License-Identifier: MIT
//! The scenarios by name, in the order they run.
use crate::peer::{answer, Options, Peer};
use crate::program::{free_port, Program};
use rust_socketio::Payload;
use serde_json::{json, Value};
use std::fmt::Debug;
use std::time::Duration;

pub type Outcome = Result<(), String>;

pub const ALL: &[(&str, fn(&mut Stage) -> Outcome)] = &[
    ("connect", connect),
    ("the transport is the requested one", transport),
    ("auth reaches the server", auth),
    ("echo of every JSON type", values),
    ("echo of unicode", unicode),
    ("binary as an event", binary),
    ("several arguments", arguments),
    ("two hundred acknowledgements, one after the other", acknowledgements),
    ("a thousand emits keep their order", order),
    ("a namespace beside the root", namespace),
    ("an unknown namespace is refused", unknown),
    ("middleware refuses with data", denied),
    ("token auth: refused, then let in", token),
    ("to everyone, and to everyone but the sender", broadcast),
    ("rooms: join, to, leave", rooms),
    ("the client disconnects", leaves),
    ("the server disconnects, last words first", ended),
    ("the server is killed and starts again on its port", restart),
    ("a large message", large),
    ("pings keep an idle connection", pings),
    ("twenty clients at once", crowd),
];

const TEXT: &str = "àéîõü Ελληνικά 中文 😀👩‍👩‍👧‍👦 \u{2028}\u{1e} \"\\ ends";

/// The resources of one run of a scenario. Its own server programs end with it.
pub struct Stage<'a> {
    pub transport: &'a str,
    pub url: String,
    pub programs: Vec<Program>,
}

impl Stage<'_> {
    fn own_server(&mut self, env: &[(&str, &str)]) -> usize {
        let program = Program::start(env);
        self.url = program.url();
        self.programs.push(program);
        self.programs.len() - 1
    }

    fn open(&self, nsp: &str, auth: Option<Value>, reconnect: bool) -> Result<Peer, String> {
        Peer::open(Options { url: self.url.clone(), transport: self.transport, nsp, auth, reconnect })
    }

    fn join(&self, nsp: &str, auth: Option<Value>) -> Result<Peer, String> {
        let peer = self.open(nsp, auth, false)?;
        peer.next("open")?;
        Ok(peer)
    }

    fn connect(&self) -> Result<Peer, String> {
        self.join("/", None)
    }
}

fn equal<T: PartialEq + Debug>(got: T, want: T) -> Outcome {
    if got == want {
        return Ok(());
    }
    Err(format!("got {got:?}, want {want:?}"))
}

fn text(value: Value) -> Payload {
    Payload::Text(vec![value])
}

fn id_of(peer: &Peer) -> Result<String, String> {
    let rooms = peer.ask("rooms", vec![])?;
    rooms[0].as_str().map(str::to_string).ok_or(format!("rooms are {rooms}"))
}

fn connect(stage: &mut Stage) -> Outcome {
    let peer = stage.connect()?;
    equal(peer.next("auth")?, text(json!({})))?;
    if id_of(&peer)?.len() < 16 {
        return Err("a short id".into());
    }
    Ok(())
}

fn transport(stage: &mut Stage) -> Outcome {
    let want = if stage.transport == "polling" { "polling" } else { "websocket" };
    equal(stage.connect()?.ask("transport", vec![])?, json!(want))
}

fn auth(stage: &mut Stage) -> Outcome {
    let given = json!({"token": "é😀", "list": [1, {"two": null}]});
    let handshake = stage.join("/", Some(given.clone()))?.ask("handshake", vec![])?;
    equal(&handshake["auth"], &given)?;
    equal(&handshake["query"]["EIO"], &json!("4"))
}

fn values(stage: &mut Stage) -> Outcome {
    let peer = stage.connect()?;
    let all = json!([
        null, true, false, 0, -42, 9007199254740991u64, 0.1, 1e300, "", "x", [], {}, [[1, [2, {"a": null}]]], {"": {"b": [true]}}
    ]);
    for value in all.as_array().unwrap() {
        equal(peer.ask("echo", vec![value.clone()])?, value.clone())?;
        equal(peer.ask("echo-raw", vec![value.clone()])?, value.clone())?;
        peer.emit("echo-event", value.clone())?;
        equal(peer.next("echo-event")?, text(value.clone()))?;
    }
    Ok(())
}

fn unicode(stage: &mut Stage) -> Outcome {
    let peer = stage.connect()?;
    let sent = vec![json!(TEXT), json!({TEXT: [TEXT]})];
    equal(peer.call("echo", sent.clone())?, json!(sent))?;
    equal(peer.call("echo-raw", sent.clone())?, json!(sent))
}

fn binary(stage: &mut Stage) -> Outcome {
    let peer = stage.connect()?;
    for bytes in [vec![0, 1, 254, 255], vec![7; 100_000]] {
        peer.emit("echo-event", bytes.clone())?;
        equal(peer.next("echo-event")?, Payload::from(bytes))?;
    }
    Ok(())
}

fn arguments(stage: &mut Stage) -> Outcome {
    let peer = stage.connect()?;
    let many = vec![json!(1), json!("2"), json!([3]), json!({"four": 4}), json!(null), json!(true)];
    equal(peer.call("echo", many.clone())?, json!(many))?;
    peer.emit("message", many.clone())?;
    equal(peer.next("message-back")?, Payload::Text(many))
}

// The client chooses the id of an acknowledgement at random among 999, so two at once may get the same.
fn acknowledgements(stage: &mut Stage) -> Outcome {
    let peer = stage.connect()?;
    for i in 0..200 {
        equal(peer.ask("echo", vec![json!({ "i": i })])?, json!({ "i": i }))?;
    }
    Ok(())
}

fn order(stage: &mut Stage) -> Outcome {
    let peer = stage.connect()?;
    let count = if stage.transport == "polling" { 200 } else { 1000 };
    for i in 0..count {
        peer.emit("collect", json!(i))?;
    }
    let want: Vec<i32> = (0..count).collect();
    equal(peer.ask("collected", vec![])?, json!(want))?;
    let done = peer.send("burst", vec![json!(count)])?;
    for i in 0..count {
        equal(peer.next("burst")?, text(json!(i)))?;
    }
    answer(&done).map(|_| ())
}

fn namespace(stage: &mut Stage) -> Outcome {
    let root = stage.connect()?;
    let custom = stage.join("/custom", Some(json!({"for": "custom"})))?;
    equal(&custom.ask("handshake", vec![])?["auth"], &json!({"for": "custom"}))?;
    custom.call("send", vec![json!({"via": "io"}), json!("news"), json!("only custom")])?;
    equal(custom.next("news")?, text(json!("only custom")))?;
    equal(root.ask("echo", vec![json!("root")])?, json!("root"))?;
    equal(root.heard().iter().filter(|name| *name == "news").count(), 0)
}

// The client reports a rejection as text that contains the server's object.
fn refused(stage: &Stage, nsp: &str, auth: Option<Value>, want: Value) -> Outcome {
    let peer = stage.open(nsp, auth, false)?;
    let Payload::Text(said) = peer.next("error")? else {
        return Err("a refusal without text".into());
    };
    let said = said[0].as_str().ok_or("a refusal without text")?;
    let json = &said[said.find('{').ok_or(format!("no object in {said:?}"))?..];
    equal(serde_json::from_str::<Value>(json).map_err(|e| e.to_string())?, want)?;
    peer.client.disconnect().map_err(|e| e.to_string())
}

fn unknown(stage: &mut Stage) -> Outcome {
    refused(stage, "/unknown", None, json!({"message": "Invalid namespace"}))
}

fn denied(stage: &mut Stage) -> Outcome {
    let data = json!({"code": 42, "nested": {"list": [1, "two", null]}});
    refused(stage, "/denied", None, json!({"message": "denied", "data": data}))
}

fn token(stage: &mut Stage) -> Outcome {
    let want = json!({"message": "not authorized", "data": {"hint": "token"}});
    refused(stage, "/token", Some(json!({"token": "wrong"})), want)?;
    let peer = stage.join("/token", Some(json!({"token": "secret"})))?;
    equal(peer.ask("echo", vec![json!("in")])?, json!("in"))
}

fn broadcast(stage: &mut Stage) -> Outcome {
    let crowd = [stage.connect()?, stage.connect()?, stage.connect()?];
    crowd[0].call("send", vec![json!({"via": "io"}), json!("news"), json!("all")])?;
    for peer in &crowd {
        equal(peer.next("news")?, text(json!("all")))?;
    }
    crowd[0].call("send", vec![json!({"via": "socket"}), json!("news"), json!("others")])?;
    for peer in &crowd[1..] {
        equal(peer.next("news")?, text(json!("others")))?;
    }
    crowd[0].call("echo", vec![])?;
    equal(crowd[0].heard(), vec![])
}

fn rooms(stage: &mut Stage) -> Outcome {
    let [ann, ben, cat] = [stage.connect()?, stage.connect()?, stage.connect()?];
    ann.call("join", vec![json!("kitchen")])?;
    ben.call("join", vec![json!("kitchen"), json!("garden")])?;
    let send = |rooms: Value, what: &str| cat.call("send", vec![json!({"via": "io", "to": rooms}), json!("news"), json!(what)]);
    send(json!(["kitchen", "garden"]), "once")?;
    equal(ann.next("news")?, text(json!("once")))?;
    equal(ben.next("news")?, text(json!("once")))?;
    ben.call("leave", vec![json!("kitchen")])?;
    send(json!(["kitchen"]), "left")?;
    equal(ann.next("news")?, text(json!("left")))?;
    ben.call("echo", vec![])?;
    equal(ben.heard(), vec![])
}

fn leaves(stage: &mut Stage) -> Outcome {
    let (watcher, peer) = (stage.connect()?, stage.connect()?);
    let id = id_of(&peer)?;
    watcher.call("watch", vec![json!(id)])?;
    peer.client.disconnect().map_err(|e| e.to_string())?;
    peer.next("close")?;
    let Payload::Text(gone) = watcher.next("gone")? else {
        return Err("gone without text".into());
    };
    equal(&gone[0]["id"], &json!(id))?;
    equal(&gone[0]["reason"], &json!("client namespace disconnect"))
}

fn ended(stage: &mut Stage) -> Outcome {
    for close in [false, true] {
        let peer = stage.connect()?;
        peer.emit("farewell", vec![json!(20), json!(close)])?;
        for i in 0..20 {
            equal(peer.next("bye")?, text(json!(i)))?;
        }
        peer.next("close")?;
    }
    Ok(())
}

fn restart(stage: &mut Stage) -> Outcome {
    let port = free_port();
    let first = stage.own_server(&[("PORT", &port)]);
    let peer = stage.open("/", Some(json!({"who": "me"})), true)?;
    peer.next("open")?;
    let old = id_of(&peer)?;
    stage.programs[first].kill();
    peer.next("error")?;
    stage.own_server(&[("PORT", &port)]);
    peer.next("open")?;
    if id_of(&peer)? == old {
        return Err("the old id".into());
    }
    equal(&peer.ask("handshake", vec![])?["auth"], &json!({"who": "me"}))
}

fn large(stage: &mut Stage) -> Outcome {
    let peer = stage.connect()?;
    let text = "0123456789".repeat(60_000);
    equal(peer.ask("echo", vec![json!(text)])?, json!(text))
}

fn pings(stage: &mut Stage) -> Outcome {
    stage.own_server(&[("PING_INTERVAL", "500ms"), ("PING_TIMEOUT", "3s")]);
    let peer = stage.connect()?;
    peer.next("auth")?;
    std::thread::sleep(Duration::from_secs(4));
    equal(peer.heard(), vec![])?;
    equal(peer.ask("echo", vec![json!("alive")])?, json!("alive"))
}

fn crowd(stage: &mut Stage) -> Outcome {
    let crowd = (0..20).map(|_| stage.connect()).collect::<Result<Vec<_>, _>>()?;
    crowd[0].emit("chat message", json!("hello"))?;
    for peer in &crowd {
        equal(peer.next("chat message")?, text(json!("hello")))?;
    }
    for (i, peer) in crowd.iter().enumerate() {
        equal(peer.ask("echo", vec![json!(i)])?, json!(i))?;
    }
    Ok(())
}

