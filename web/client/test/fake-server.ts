// SPDX-License-Identifier: MIT

// This file holds a server that a test controls, also into mistakes: an Engine.IO session over polling and WebSocket, with
// the test in the place of Socket.IO.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";

/** One session, as the server sees it. */
export class Session {
  /** Every packet that was received, in order. */
  readonly received: string[] = [];
  /** Every POST body. */
  readonly posts: string[] = [];
  /** How POSTs are answered: with a status, by the end of the connection, never, or with half an answer of 413. */
  postStatus: number | "reset" | "never" | "half" = 200;
  /** Answers the probe of an upgrade. */
  onProbe: (ws: WebSocket) => void = (ws) => ws.send("3probe");
  onPacket: (packet: string) => void = () => undefined;
  onPost: () => void = () => undefined;
  /** The POST that is never answered. */
  held: ServerResponse | undefined;
  private queue: string[] = [];
  private parked: ServerResponse | undefined;
  private ws: WebSocket | undefined;

  constructor(readonly sid: string) {}

  /** Sends packets. */
  send(...packets: string[]): void {
    if (this.ws) {
      for (const p of packets) this.ws.send(p);
      return;
    }
    this.queue.push(...packets);
    this.flush();
  }

  /** Closes the WebSocket. */
  close(): void {
    this.ws!.close();
  }

  get(res: ServerResponse): void {
    this.parked = res;
    this.flush();
  }

  post(res: ServerResponse, body: string): void {
    this.posts.push(body);
    this.onPost();
    const status = this.postStatus;
    if (status === 200) for (const p of body.split("\x1e")) this.take(p);
    if (status === "reset") res.destroy();
    else if (status === "half") res.writeHead(413, { "content-length": "100" }).write("half", () => res.destroy());
    else if (status === "never") this.held = res;
    else res.writeHead(status).end(status === 200 ? "ok" : `no: ${status}`);
  }

  attach(ws: WebSocket, probe: boolean): void {
    if (!probe) this.ws = ws;
    ws.on("error", () => undefined);
    ws.on("message", (data, binary) => {
      const packet = binary ? "b" + (data as Buffer).toString("base64") : String(data);
      if (packet === "2probe") this.onProbe(ws);
      else if (packet === "5") {
        this.ws = ws;
        this.send(...this.queue.splice(0));
      } else this.take(packet);
    });
  }

  private take(packet: string): void {
    this.received.push(packet);
    this.onPacket(packet);
  }

  private flush(): void {
    const res = this.parked;
    if (!res || !this.queue.length) return;
    this.parked = undefined;
    res.writeHead(200, { "content-type": "text/plain; charset=UTF-8" }).end(this.queue.splice(0).join("\x1e"));
  }
}

/** The server. By default it admits every client to every namespace. */
export class FakeServer {
  readonly sessions: Session[] = [];
  readonly requests: IncomingMessage[] = [];
  /** Changes to the handshake. */
  handshake: Record<string, unknown> = {};
  /** The Set-Cookie lines of a handshake. By default there is one with the session. */
  cookies: string[] | undefined;
  /** Replaces the answer to the first request of a session. */
  refuse: ((res: ServerResponse) => void) | undefined;
  onSession: (session: Session) => void = admit;
  private readonly http = createServer((req, res) => void this.handle(req, res));
  private readonly wss = new WebSocketServer({ noServer: true });

  async start(): Promise<this> {
    this.http.on("upgrade", (req, socket, head) => {
      this.requests.push(req);
      const sid = new URL(req.url!, "http://x").searchParams.get("sid");
      this.wss.handleUpgrade(req, socket, head, (ws) => {
        if (sid) {
          this.sessions.find((s) => s.sid === sid)!.attach(ws, true);
        } else {
          const session = this.open();
          session.attach(ws, false);
          session.send(this.greeting(session));
          this.onSession(session);
        }
      });
    });
    await new Promise<void>((resolve) => this.http.listen(0, "127.0.0.1", resolve));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.http.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const ws of this.wss.clients) ws.terminate();
    this.http.closeAllConnections();
    await new Promise((resolve) => this.http.close(resolve));
  }

  private open(): Session {
    const session = new Session(`session-${this.sessions.length}`);
    this.sessions.push(session);
    return session;
  }

  private greeting(session: Session): string {
    const { sid } = session;
    return "0" + JSON.stringify({ sid, upgrades: [], pingInterval: 25000, pingTimeout: 20000, ...this.handshake });
  }

  private async handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    this.requests.push(req);
    const sid = new URL(req.url!, "http://x").searchParams.get("sid");
    if (!sid) {
      if (this.refuse) {
        this.refuse(res);
        return;
      }
      const session = this.open();
      res.setHeader("set-cookie", this.cookies || `session=${session.sid}; Path=/`);
      res.end(this.greeting(session));
      this.onSession(session);
      return;
    }
    const session = this.sessions.find((s) => s.sid === sid)!;
    if (req.method === "GET") {
      session.get(res);
      return;
    }
    let body = "";
    for await (const chunk of req.setEncoding("utf8")) body += chunk;
    session.post(res, body);
  }
}

/** Answers each CONNECT. */
export function admit(session: Session): void {
  session.onPacket = (packet) => {
    const m = /^40(\/[^,]*,)?/.exec(packet);
    if (m) session.send(`40${m[1] ?? ""}{"sid":"id-${session.sid}"}`);
  };
}

/** Waits until the server has received a packet. */
export function received(session: Session, packet: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${packet} among ${session.received.join(" ")}`)), 60_000);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    const before = session.onPacket;
    if (session.received.includes(packet)) done();
    session.onPacket = (p) => {
      before(p);
      if (p === packet) done();
    };
  });
}
