// SPDX-License-Identifier: MIT

// This file is the script for pages: `io` becomes a global function with the other exports as properties. CommonJS and
// AMD loaders get a module instead.

import {
  BufferFullError,
  connect,
  ConnectError,
  HandlerError,
  io,
  Manager,
  protocol,
  Socket,
  TransportError,
} from "./index.ts";

declare const module: { exports: unknown } | undefined;
declare const define: ((factory: () => unknown) => void) & { amd?: unknown };

const script = Object.assign(io, {
  io,
  connect,
  Manager,
  Socket,
  protocol,
  BufferFullError,
  ConnectError,
  HandlerError,
  TransportError,
});

if (typeof module === "object" && module && "exports" in module) module.exports = script;
else if (typeof define === "function" && define.amd) define(() => script);
else Object.assign(self, { io: script });
