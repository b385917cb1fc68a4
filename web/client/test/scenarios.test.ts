// SPDX-License-Identifier: MIT

// This file runs the scenarios against the server of the environment, by default the reference: in the default format of
// packets, then in msgpack.

import { describe } from "node:test";
import { parser } from "../src/parser/msgpack.ts";
import { scenarios } from "./scenarios.ts";

describe("in JSON", () => scenarios());
const brief = process.env["NODES"] && process.env["SHORT"]; // the servers are several, and the form is short
if (!process.env["SOCKETIO_URL"] && !brief) describe("in msgpack", () => scenarios({ parser }, { CODEC: "msgpack" }));
