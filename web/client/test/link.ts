// SPDX-License-Identifier: MIT

// This file holds a link for the tests of retries. It loses events on their way to the server, and acknowledgements on
// their way back.

import { createServer, connect, type AddressInfo, type Server, type Socket as TcpSocket } from "node:net";

/** How often a link cuts: at each n-th event, and at each n-th acknowledgement, before it arrives. */
export interface Losses {
  readonly events: number;
  readonly acks: number;
}

/** A TCP relay to a server. Where it loses a packet, both directions of that connection end. */
export class Link {
  /** The number of connections that it has cut, by the kind of the loss. */
  readonly cut = { events: 0, acks: 0 };
  private readonly seen = { events: 0, acks: 0 };
  private readonly open = new Set<TcpSocket>();
  private readonly server: Server;

  constructor(
    private readonly port: number,
    private readonly losses: Losses,
  ) {
    this.server = createServer((client) => this.relay(client));
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const end of this.open) end.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private relay(client: TcpSocket): void {
    const server = connect(this.port, "127.0.0.1");
    const ends = [client, server];
    const cut = (): void => ends.forEach((end) => end.destroy());
    for (const end of ends) {
      this.open.add(end);
      end.on("error", cut);
      end.on("close", () => {
        this.open.delete(end);
        cut();
      });
    }
    client.on("data", (data) => (this.loses("events", events(data)) ? cut() : server.write(data)));
    // The acknowledgement of a test's own questions is not lost.
    server.on("data", (data) => (this.loses("acks", /43\d+\[\d+\]/.test(data.toString("latin1"))) ? cut() : client.write(data)));
  }

  private loses(what: keyof Losses, has: boolean): boolean {
    if (!has || ++this.seen[what] % this.losses[what]) return false;
    this.cut[what]++;
    return true;
  }
}

/** Whether a chunk from a client has an event with an acknowledgement: in the body of a POST, or in a masked frame. */
function events(data: Buffer): boolean {
  const text = data.toString("latin1");
  if (/42\d+\["order"/.test(text)) return true;
  // A short frame: two bytes, four of the mask, the text.
  if (data[0] !== 0x81 || data.length < 6) return false;
  const mask = data.subarray(2, 6);
  const plain = data.subarray(6).map((byte, i) => byte ^ mask[i % 4]!);
  return /^42\d+\["order"/.test(Buffer.from(plain).toString("latin1"));
}
