// SPDX-License-Identifier: MIT

// This file tests the types: it is the compiler that runs it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { io, Manager, type CloseDetails, type Socket } from "./index.ts";

interface FromServer {
  tick: (n: number, at: string) => void;
  question: (text: string, answer: (yes: boolean) => void) => void;
}

interface ToServer {
  say: (text: string) => void;
  sum: (a: number, b: number, reply: (total: number) => void) => void;
}

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_equal: Equal<A, B>): void => undefined;

/** Never called: only its types matter. */
export function typed(socket: Socket<FromServer, ToServer>): void {
  socket.on("tick", (n, at) => {
    same<typeof n, number>(true);
    same<typeof at, string>(true);
  });
  socket.on("question", (_text, answer) => answer(true));
  socket.once("connect_error", (err) => err.message);
  socket.on("disconnect", (reason, details) => {
    if (reason === "io client disconnect") return;
    if (details instanceof Error) return;
    same<typeof details, CloseDetails | undefined>(true);
  });
  // @ts-expect-error -- not an event of the server
  socket.on("say", () => undefined);

  socket.emit("say", "hi").emit("sum", 1, 2, (total) => same<typeof total, number>(true));
  // @ts-expect-error -- a number is no text
  socket.emit("say", 1);
  // @ts-expect-error -- not an event of the client
  socket.emit("tick", 1, "");

  const answer = socket.emitWithAck("sum", 1, 2);
  same<typeof answer, Promise<number>>(true);
  const late = socket.volatile.timeout(10).emitWithAck("sum", 1, 2);
  same<typeof late, Promise<number>>(true);
  socket.timeout(10).emit("sum", 1, 2, (err, total) => {
    same<typeof err, Error | null>(true);
    same<typeof total, number>(true);
  });
  socket.onAny((name) => same<typeof name, string>(true));

  const untyped = io();
  untyped.on("anything", (a, b: string) => [a, b]);
  untyped.emit("anything", 1, {}, () => undefined);
  const any = untyped.emitWithAck("anything", 1);
  void any.then((value) => value.whatever);
  const other: Socket<FromServer, ToServer> = new Manager().socket("/");
  void other;
}

test("the types compile", () => assert.ok(typed));
