// SPDX-License-Identifier: MIT

// This file holds the exports of the package.

export { io, io as connect, io as default, protocol } from "./io.ts";
export { Manager, Socket } from "./manager.ts";
export { BufferFullError, ConnectError, HandlerError, TransportError } from "./errors.ts";
export type {
  CloseDetails,
  DisconnectDetails,
  DisconnectDetails as DisconnectDescription,
  DisconnectReason,
  ExtendedError,
  HttpContext,
} from "./errors.ts";
export type { BufferedEvent } from "./buffer.ts";
export type { EventsMap } from "./emitter.ts";
export type { ManagerEvents, ManagerEvents as ManagerReservedEvents, OpenCallback } from "./manager.ts";
export type { CatchAll, SocketReservedEvents } from "./socket.ts";
export type { EmitFlags, Emission } from "./emission.ts";
export type { Conn, ConnCloseReason, ConnEvents } from "./engine/conn.ts";
export type { Binary, Data, WebSocketClass, WebSocketLike } from "./types.ts";
export type {
  Auth,
  EngineOptions,
  IoOptions,
  ManagerOptions,
  ReconnectOptions,
  SocketOptions,
  TransportName,
  TransportOptions,
} from "./options.ts";
export type { PacketDecoder, PacketEncoder, Parser, ParserPacket } from "./parser/parser.ts";
