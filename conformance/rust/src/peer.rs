// SPDX-License-Identifier: MIT
//! A client whose events come through one channel, and whose acknowledgements can be waited for.
use rust_socketio::client::Client;
use rust_socketio::{ClientBuilder, Event, Payload, RawClient, TransportType};
use serde_json::Value;
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

pub const PATIENCE: Duration = Duration::from_secs(60);

/// An event: "open", "close" and "error", or the name of an event of the application.
type Heard = (String, Payload);

pub struct Peer {
    pub client: Client,
    events: Receiver<Heard>,
}

pub struct Options<'a> {
    pub url: String,
    pub transport: &'a str,
    pub nsp: &'a str,
    pub auth: Option<Value>,
    pub reconnect: bool,
}

impl Peer {
    /// Connects, without waiting for the server to let the namespace in.
    pub fn open(options: Options) -> Result<Peer, String> {
        let (sender, events) = channel::<Heard>();
        let life = |name: &'static str| {
            let sender = sender.clone();
            move |payload: Payload, _: RawClient| {
                let _ = sender.send((name.to_string(), payload));
            }
        };
        let any = sender.clone();
        let mut builder = ClientBuilder::new(options.url)
            .namespace(options.nsp)
            .transport_type(match options.transport {
                "polling" => TransportType::Polling,
                "websocket" => TransportType::Websocket,
                _ => TransportType::WebsocketUpgrade,
            })
            .reconnect(options.reconnect)
            .reconnect_on_disconnect(false)
            .reconnect_delay(50, 200)
            .on(Event::Connect, life("open"))
            .on(Event::Close, life("close"))
            .on(Event::Error, life("error"))
            .on_any(move |event, payload, _| {
                let _ = any.send((String::from(event), payload));
            });
        if let Some(auth) = options.auth {
            builder = builder.auth(auth);
        }
        let client = builder.connect().map_err(|e| e.to_string())?;
        Ok(Peer { client, events })
    }

    /// The payload of the next event of this name; others before it are dropped.
    pub fn next(&self, name: &str) -> Result<Payload, String> {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.events.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok((came, payload)) if came == name => return Ok(payload),
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => return Err(format!("event {name:?} did not come within {PATIENCE:?}")),
                Err(RecvTimeoutError::Disconnected) => return Err(format!("the client ended before event {name:?}")),
            }
        }
    }

    /// The names of the events that have come and were not taken.
    pub fn heard(&self) -> Vec<String> {
        self.events.try_iter().map(|(name, _)| name).collect()
    }

    pub fn emit(&self, name: &str, payload: impl Into<Payload>) -> Result<(), String> {
        self.client.emit(name, payload).map_err(|e| e.to_string())
    }

    /// The channel on which the acknowledgement of an emit comes. Binary comes after the text around it.
    pub fn send(&self, name: &str, payload: impl Into<Payload>) -> Result<Receiver<Payload>, String> {
        let (sender, answers) = channel();
        self.client
            .emit_with_ack(name, payload, PATIENCE, move |answer: Payload, _: RawClient| {
                let _ = sender.send(answer);
            })
            .map_err(|e| e.to_string())?;
        Ok(answers)
    }

    /// All values of the acknowledgement of an emit, as one array.
    pub fn call(&self, name: &str, args: Vec<Value>) -> Result<Value, String> {
        answer(&self.send(name, args)?)
    }

    pub fn ask(&self, name: &str, args: Vec<Value>) -> Result<Value, String> {
        Ok(self.call(name, args)?[0].take())
    }
}

pub fn answer(answers: &Receiver<Payload>) -> Result<Value, String> {
    match answers.recv_timeout(PATIENCE) {
        // The client hands over the array of all values as the one value.
        Ok(Payload::Text(mut values)) if values.len() == 1 => Ok(values.remove(0)),
        Ok(other) => Err(format!("acknowledged with {other:?}")),
        Err(error) => Err(format!("no acknowledgement: {error}")),
    }
}
