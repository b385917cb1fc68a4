// SPDX-License-Identifier: MIT

// This file is the default format of packets: JSON, with bytes as messages of their own. The build picks this file or
// msgpack.ts through the package's "#parser" import.

import { Decoder } from "./decode.ts";
import { Encoder } from "./encode.ts";
import type { Parser } from "./parser.ts";

/** The default format. */
export const parser: Parser = { Encoder, Decoder };
