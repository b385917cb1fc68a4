// SPDX-License-Identifier: MIT
// The npm msgpack parser, from this folder's own packages.
import parser from "socket.io-msgpack-parser";

export default parser;
