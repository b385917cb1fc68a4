/*! Socket.IO client 0.1.0. MIT licence, (c) the socketio authors */
"use strict";
(() => {
  // src/emitter.ts
  function callSafely(fn, args) {
    try {
      fn(...args);
    } catch (err) {
      setTimeout(() => {
        throw err;
      });
    }
  }
  var Emitter = class {
    constructor() {
      this._listeners = /* @__PURE__ */ new Map();
    }
    /** Adds a listener. */
    on(event, listener) {
      return this._add(event, listener, false);
    }
    /** Adds a listener that is removed before its first call. */
    once(event, listener) {
      return this._add(event, listener, true);
    }
    /** Removes one listener, all listeners of an event, or all listeners. */
    off(event, listener) {
      if (event === void 0) {
        this._listeners.clear();
      } else if (listener === void 0) {
        this._listeners.delete(event);
      } else {
        const list = this._listeners.get(event) || [];
        this._remove(event, list.find((l) => l.fn === listener));
      }
      return this;
    }
    /** The listeners of an event, in the order they will be called. */
    listeners(event) {
      return (this._listeners.get(event) || []).map((l) => l.fn);
    }
    /** Whether an event has listeners. */
    hasListeners(event) {
      return this._listeners.has(event);
    }
    /** Same as `on`. */
    addEventListener(event, listener) {
      return this.on(event, listener);
    }
    /** Same as `off`. */
    removeListener(event, listener) {
      return this.off(event, listener);
    }
    /** Same as `off`. */
    removeEventListener(event, listener) {
      return this.off(event, listener);
    }
    /** Same as `off` without a listener. */
    removeAllListeners(event) {
      return this.off(event);
    }
    /** @internal Calls the current listeners of an event. */
    _fire(event, args) {
      const list = this._listeners.get(event);
      if (!list) return;
      for (const l of list) {
        if (l.once) this._remove(event, l);
        callSafely(l.fn, args);
      }
    }
    // _add and _remove make a new array each time: _fire may be iterating over the old one.
    _add(event, fn, once) {
      this._listeners.set(event, [...this._listeners.get(event) || [], { fn, once }]);
      return this;
    }
    _remove(event, entry) {
      const rest = (this._listeners.get(event) || []).filter((l) => l !== entry);
      if (rest.length) this._listeners.set(event, rest);
      else this._listeners.delete(event);
    }
  };

  // src/platform/browser.ts
  var CHUNK = 8192;
  function debugPatterns() {
    try {
      return localStorage["debug"];
    } catch (e) {
      return void 0;
    }
  }
  function printLine(line) {
    console.log(line);
  }
  var platform = {
    received: (buffer) => buffer,
    encodeBase64(bytes) {
      let text = "";
      for (let i = 0; i < bytes.length; i += CHUNK) {
        text += String.fromCharCode(...bytes.subarray(i, i + CHUNK));
      }
      return btoa(text);
    },
    decodeBase64(text) {
      let raw;
      try {
        raw = atob(text);
      } catch (e) {
        return void 0;
      }
      const bytes = new Uint8Array(raw.length);
      for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
      return bytes.buffer;
    },
    webSocket: () => typeof WebSocket === "function" ? WebSocket : void 0,
    dial: (cls, url, { protocols }) => protocols ? new cls(url, protocols) : new cls(url),
    newCookieJar: () => void 0
  };

  // src/engine/packet.ts
  var TYPES = ["open", "close", "ping", "pong", "message", "upgrade", "noop"];
  function bytesOf(data) {
    return data instanceof Uint8Array ? data : ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
  }
  function tagOf(value) {
    return Object.prototype.toString.call(value);
  }
  function isBlob(value) {
    return /^\[object (Blob|File)]$/.test(tagOf(value));
  }
  function isBinary(value) {
    return ArrayBuffer.isView(value) || tagOf(value) === "[object ArrayBuffer]" || isBlob(value);
  }
  function encodeText(packet) {
    const { type, data } = packet;
    if (data === void 0) return String(TYPES.indexOf(type));
    return typeof data === "string" ? TYPES.indexOf(type) + data : "b" + platform.encodeBase64(bytesOf(data));
  }
  function decodeText(text) {
    if (text[0] === "b") {
      const data = platform.decodeBase64(text.slice(1));
      return data && { type: "message", data };
    }
    const type = TYPES[text.charCodeAt(0) - 48];
    return type && (text.length > 1 ? { type, data: text.slice(1) } : { type });
  }
  function readBlobs(packets) {
    if (!packets.some((p) => isBlob(p.data))) return packets;
    return Promise.all(
      packets.map(async (p) => ({
        type: p.type,
        data: isBlob(p.data) ? await new Response(p.data).arrayBuffer() : p.data
      }))
    );
  }

  // src/parser/packet.ts
  var RESERVED_EVENTS = /* @__PURE__ */ new Set([
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener"
  ]);
  function isObject(value) {
    return tagOf(value) === "[object Object]";
  }
  function isValid({ type, data }) {
    switch (type) {
      case 0 /* CONNECT */:
        return data === void 0 || isObject(data);
      case 1 /* DISCONNECT */:
        return data === void 0;
      case 4 /* CONNECT_ERROR */:
        return typeof data === "string" || isObject(data);
      case 2 /* EVENT */:
        return Array.isArray(data) && (typeof data[0] === "number" || typeof data[0] === "string" && !RESERVED_EVENTS.has(data[0]));
      default:
        return Array.isArray(data);
    }
  }

  // src/parser/decode.ts
  var MAX_ATTACHMENTS = 10;
  var Decoder = class extends Emitter {
    constructor(_maxAttachments = MAX_ATTACHMENTS) {
      super();
      this._maxAttachments = _maxAttachments;
    }
    /**
     * Adds the next message. If that completes a packet, "decoded" is called with it; its attachments are the given
     * buffers. Throws an Error for a message that violates the protocol, after which the decoder must not be used.
     */
    add(message) {
      const pending = this._pending;
      if (typeof message === "string") {
        if (pending) throw new Error("got plaintext data when reconstructing a packet");
        const { packet: packet2, count } = decodeText2(message, this._maxAttachments);
        if (count) this._pending = { packet: packet2, attachments: [], count };
        else this._fire("decoded", [packet2]);
        return;
      }
      if (!(message instanceof ArrayBuffer || ArrayBuffer.isView(message))) {
        throw new Error("Unknown type: " + typeof message);
      }
      if (!pending) throw new Error("got binary data when not reconstructing a packet");
      pending.attachments.push(message);
      if (pending.attachments.length < pending.count) return;
      this._pending = void 0;
      const { packet, attachments } = pending;
      packet.data = fill(packet.data, attachments, /* @__PURE__ */ new Set());
      this._fire("decoded", [packet]);
    }
    /** Has nothing to free. */
    destroy() {
    }
  };
  function decodeText2(text, maxAttachments) {
    const type = digits(text, 0, 1) ? Number(text[0]) : NaN;
    if (!(type <= 6 /* BINARY_ACK */)) throw new Error("unknown packet type " + type);
    let i = 1;
    let count = 0;
    let packetType = type;
    if (type === 5 /* BINARY_EVENT */ || type === 6 /* BINARY_ACK */) {
      const length2 = digits(text, i);
      count = Number(text.substr(i, length2));
      if (!length2 || text[i + length2] !== "-" || count < 1) throw new Error("Illegal attachments");
      if (count > maxAttachments) throw new Error("too many attachments");
      i += length2 + 1;
      packetType = type === 5 /* BINARY_EVENT */ ? 2 /* EVENT */ : 3 /* ACK */;
    }
    let nsp = "/";
    if (text[i] === "/") {
      const comma = text.indexOf(",", i);
      const end = comma < 0 ? text.length : comma;
      nsp = text.slice(i, end);
      i = end + 1;
    }
    const packet = { type: packetType, nsp };
    const length = digits(text, i);
    if (length) {
      packet.id = Number(text.substr(i, length));
      if (!Number.isSafeInteger(packet.id)) throw new Error("invalid payload");
      i += length;
    }
    if (i < text.length) {
      try {
        packet.data = JSON.parse(text.slice(i));
      } catch (e) {
        throw new Error("invalid payload");
      }
    }
    if (!isValid(packet)) throw new Error("invalid payload");
    return { packet, count };
  }
  function digits(text, from, max = Infinity) {
    let n = 0;
    while (n < max && text.charCodeAt(from + n) >= 48 && text.charCodeAt(from + n) <= 57) n++;
    return n;
  }
  function fill(data, attachments, used) {
    const filled = walk(data);
    if (used.size !== attachments.length) throw new Error("illegal attachments");
    return filled;
    function walk(value) {
      if (typeof value !== "object" || value === null) return value;
      const holder = value;
      if (holder["_placeholder"] === true) {
        const num = holder["num"];
        const bytes = attachments[num];
        if (typeof num !== "number" || !bytes || used.has(num)) throw new Error("illegal attachments");
        used.add(num);
        return bytes;
      }
      for (const key of Object.keys(holder)) {
        const child = holder[key];
        const put = walk(child);
        if (put !== child) holder[key] = put;
      }
      return value;
    }
  }

  // src/parser/encode.ts
  var MAX_SEARCH_DEPTH = 100;
  var Encoder = class {
    /** See encodePacket. */
    encode(packet) {
      return encodePacket(packet);
    }
  };
  function encodePacket(packet) {
    const { nsp, data, id } = packet;
    let { type } = packet;
    const attachments = [];
    let json;
    if ((type === 2 /* EVENT */ || type === 3 /* ACK */) && mayHoldBinary(data, 0)) {
      json = JSON.stringify(data, function(key, value) {
        const given = this[key];
        const bytes = isBinary(given) ? given : isBinary(value) ? value : void 0;
        return bytes ? { _placeholder: true, num: attachments.push(bytes) - 1 } : value;
      });
      if (attachments.length) type = type === 2 /* EVENT */ ? 5 /* BINARY_EVENT */ : 6 /* BINARY_ACK */;
    } else if (data !== void 0) {
      json = JSON.stringify(data);
    }
    const head = type + (attachments.length ? attachments.length + "-" : "") + (nsp === "/" ? "" : nsp + ",") + (id === void 0 ? "" : id) + (json === void 0 ? "" : json);
    return [head, ...attachments];
  }
  function mayHoldBinary(value, depth) {
    if (typeof value !== "object" || value === null) return false;
    if (depth > MAX_SEARCH_DEPTH || isBinary(value)) return true;
    if (Array.isArray(value)) return value.some((v) => mayHoldBinary(v, depth + 1));
    if (typeof value.toJSON === "function") return !(value instanceof Date);
    return Object.keys(value).some((key) => mayHoldBinary(value[key], depth + 1));
  }

  // src/parser/default.ts
  var parser = { Encoder, Decoder };

  // src/engine/payload.ts
  var SEPARATOR = "";
  function encodePayload(packets) {
    return packets.map(encodeText).join(SEPARATOR);
  }
  function decodePayload(body, each) {
    for (let start = 0; start <= body.length; ) {
      let end = body.indexOf(SEPARATOR, start);
      if (end < 0) end = body.length;
      const packet = decodeText(body.slice(start, end));
      if (!packet) return false;
      if (!each(packet)) return true;
      start = end + 1;
    }
    return true;
  }
  function utf8Length(text) {
    let length = text.length;
    for (let i = 0; i < text.length; i++) {
      const c = text.charCodeAt(i);
      if (c < 128) continue;
      length += c < 2048 ? 1 : 2;
      if (c >= 55296 && c < 56320 && (text.charCodeAt(i + 1) & 64512) === 56320) {
        i++;
      }
    }
    return length;
  }
  function dataSize(data) {
    return typeof data === "string" ? data.length : isBlob(data) ? data.size : data.byteLength;
  }
  function encodedSize(data) {
    return typeof data === "string" ? 1 + utf8Length(data) : 1 + 4 * Math.ceil(dataSize(data) / 3);
  }
  function batchLength(queue, max) {
    let size = 0;
    for (let i = 0; i < queue.length; i++) {
      const { data } = queue[i];
      size += (i ? 1 : 0) + (data === void 0 ? 1 : encodedSize(data));
      if (i && size > max) return i;
    }
    return queue.length;
  }

  // src/debug.ts
  var MAX_VALUE = 500;
  var patterns;
  var wanted = [];
  var unwanted = [];
  var last = 0;
  function debug(name, ...values) {
    const text = debugPatterns() || "";
    if (text !== patterns) compile(text);
    if (!wanted.some((p) => p.test(name)) || unwanted.some((p) => p.test(name))) return;
    const now = Date.now();
    const since = last ? now - last : 0;
    last = now;
    printLine(`${name} ${values.filter((v) => v !== void 0).map(readable).join(" ")} +${since}ms`);
  }
  function packetName(type) {
    return ["CONNECT", "DISCONNECT", "EVENT", "ACK", "CONNECT_ERROR", "BINARY_EVENT", "BINARY_ACK"][type] || String(type);
  }
  function compile(text) {
    patterns = text;
    const all = text.split(/[\s,]+/).filter((p) => p);
    const expression = (p) => new RegExp(`^${p.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replace(/\*/g, ".*")}$`);
    wanted = all.filter((p) => p[0] !== "-").map(expression);
    unwanted = all.filter((p) => p[0] === "-").map((p) => expression(p.slice(1)));
  }
  function readable(value) {
    let text;
    if (typeof value === "string") {
      text = value;
    } else if (value instanceof Error) {
      const { description, context, cause } = value;
      text = value.message;
      if (typeof description === "number") text += `, status ${description}`;
      else if (description && typeof description.message === "string") text += `, ${description.message}`;
      if (context && context.responseText) text += `, ${JSON.stringify(context.responseText)}`;
      if (cause) text += `, because of ${readable(cause)}`;
    } else if (isBinary(value)) {
      text = `<${dataSize(value)} bytes>`;
    } else {
      try {
        text = JSON.stringify(value, function(key, item) {
          return isBinary(this[key]) ? readable(this[key]) : item;
        });
      } catch (e) {
        text = String(value);
      }
    }
    return text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}... (${text.length} characters)` : text;
  }

  // src/errors.ts
  var TransportError = class extends Error {
    constructor(message, description, context, extra) {
      super(message);
      this.type = "TransportError";
      this.description = description;
      this.context = context;
      Object.assign(this, extra);
    }
  };
  function parserError(description) {
    return new TransportError("server error", description, void 0, { code: "parser error" });
  }
  function closeError(reason, details) {
    return details instanceof Error ? details : new TransportError(details ? details.description : reason, details);
  }
  var ConnectError = class extends Error {
    constructor(message, data) {
      super(message);
      this.data = data;
    }
  };
  var HandlerError = class extends Error {
    constructor(message, code) {
      super(message);
      this.code = code;
    }
  };
  var BufferFullError = class extends Error {
    constructor() {
      super("the send buffer is full");
    }
  };

  // src/engine/handshake.ts
  function parseHandshake(data) {
    let value;
    try {
      value = JSON.parse(data);
    } catch (e) {
      return void 0;
    }
    if (typeof value !== "object" || !value) return void 0;
    const { sid, upgrades, pingInterval, pingTimeout, maxPayload } = value;
    if (typeof sid !== "string" || !sid || !isDuration(pingInterval) || !isDuration(pingTimeout)) return void 0;
    return {
      sid,
      upgrades: Array.isArray(upgrades) ? upgrades : [],
      pingInterval,
      pingTimeout,
      maxPayload: isDuration(maxPayload) && maxPayload ? maxPayload : Infinity
    };
  }
  function isDuration(value) {
    return typeof value === "number" && value >= 0;
  }

  // src/engine/heartbeat.ts
  var MAX_DELAY = 2147483647;
  var Heartbeat = class {
    /** Calls `expired` when no ping has arrived for `window` milliseconds. */
    constructor(_window, _expired) {
      this._window = _window;
      this._expired = _expired;
      this._deadline = Infinity;
      this.ping();
    }
    /** Records a ping. */
    ping() {
      this._deadline = Date.now() + this._window;
      clearTimeout(this._timer);
      this._timer = setTimeout(this._expired, Math.min(this._window, MAX_DELAY));
    }
    /** Whether a ping is overdue, independently of the timer. */
    late() {
      return Date.now() > this._deadline;
    }
    /** Ends the watch. */
    stop() {
      clearTimeout(this._timer);
    }
  };

  // src/url.ts
  var MAX_LENGTH = 8e3;
  var ABSOLUTE = /^(https?|wss?):\/\/(?:[^/?#@]*@)?(\[[^\]/?#]*\]|[^:/?#[\]]+)(?::(\d{0,5}))?(\/[^?#]*)?(?:\?([^#]*))?(?:#.*)?$/i;
  function pageLocation() {
    return typeof location === "object" && location && location.host ? location : void 0;
  }
  function parseTarget(url, page = pageLocation()) {
    let text = url === void 0 ? "/" : url;
    if (text.length > MAX_LENGTH) throw new Error("URI too long");
    if (!/^(https?|wss?):\/\//i.test(text)) {
      if (!page && text) throw new Error(`"${text}" is not an absolute URL, and there is no page to complete it`);
      const { protocol: protocol2, host: host2 } = page || { protocol: "http:", host: "localhost" };
      if (/^(\/(?!\/)|[?#]|$)/.test(text)) text = host2 + text;
      text = protocol2 + "//" + text.replace(/^\/\//, "");
    }
    const m = ABSOLUTE.exec(text);
    if (!m) throw new Error(`invalid URL "${text}"`);
    const [, scheme = "", host = "", port = "", path = "", query = ""] = m;
    const secure = /^(https|wss)$/i.test(scheme);
    return { secure, host, port: port || (secure ? "443" : "80"), namespace: path || "/", query };
  }
  function authority(target) {
    return target.host + (target.port === (target.secure ? "443" : "80") ? "" : ":" + target.port);
  }

  // src/engine/transport.ts
  var Transport = class {
    constructor(name, _ctx, _handler, _sid) {
      this.name = name;
      this._ctx = _ctx;
      this._handler = _handler;
      this._sid = _sid;
      /** Whether send may be called. */
      this.writable = false;
      this._closed = false;
      this._options = { ..._ctx.options, ...(_ctx.options.transportOptions || {})[name] };
    }
    /** Ends without notifying the server. Reports nothing more. */
    discard() {
      this._stop();
    }
    /** Changes the owner. */
    attach(handler) {
      this._handler = handler;
    }
    _stop() {
      if (this._closed) return false;
      this._closed = true;
      this.writable = false;
      this._release();
      return true;
    }
    _fail(err) {
      if (this._stop()) this._handler._onError(err);
    }
    _ended(details) {
      if (this._stop()) this._handler._onTransportClose(details);
    }
    _drained() {
      if (this._closed) return;
      this.writable = true;
      this._handler._onDrain();
    }
    /** The address of a request: the application's parameters first, ours last so that they win. */
    _url(scheme) {
      const { target, options } = this._ctx;
      const { timestampRequests, timestampParam, forceBase64 } = this._options;
      const path = (options.path || "/socket.io").replace(/\/$/, "") + (options.addTrailingSlash === false ? "" : "/");
      const query = parseQuery(queryOf(options.query));
      parseQuery(target.query).forEach((value, key) => query.set(key, value));
      query.set("EIO", "4");
      query.set("transport", this.name);
      if (timestampRequests !== void 0 ? timestampRequests : scheme === "http") {
        query.set(timestampParam || "t", timestamp());
      }
      if (forceBase64) query.set("b64", "1");
      if (this._sid) query.set("sid", this._sid);
      return `${scheme}${target.secure ? "s" : ""}://${authority(target)}${path}?${query}`;
    }
  };
  function queryOf(query) {
    if (typeof query !== "object" || !query) return query || "";
    return Object.keys(query).filter((key) => query[key] !== void 0 && query[key] !== null).map((key) => [key, String(query[key])]);
  }
  function parseQuery(query) {
    return new URLSearchParams(typeof query === "string" ? query.replace(/\+/g, "%2B") : query);
  }
  function timestamp() {
    return Date.now().toString(36).slice(-5) + Math.random().toString(36).slice(2, 5);
  }

  // src/engine/transport_polling.ts
  var CLOSE_TIMEOUT = 5e3;
  var PollingTransport = class extends Transport {
    constructor(ctx, handler, sid) {
      super("polling", ctx, handler, sid);
      /** A GET is in progress. */
      this._polling = false;
      /** A POST is in progress. */
      this._posting = false;
      this._abort = new AbortController();
    }
    get backlog() {
      return 0;
    }
    open() {
      void this._poll();
    }
    /** The session begins: requests carry its id from now on. */
    start(sid) {
      this._sid = sid;
      this.writable = true;
    }
    send(packets) {
      this.writable = false;
      this._posting = true;
      void this._post(packets).then(() => {
        this._posting = false;
        this._settle();
      });
    }
    /** Calls back once, when both requests have ended. No new GET starts until resume. */
    pause(done) {
      this._paused = done;
      this._settle();
    }
    /** Ends a pause. */
    resume() {
      this._paused = void 0;
      if (this._closed) return;
      if (!this._polling) void this._poll();
      if (!this._posting) this._drained();
    }
    close() {
      if (this._closed) return;
      this._closed = true;
      const abort = () => this._abort.abort();
      if (!this._sid || this._posting) {
        abort();
        return;
      }
      this.writable = false;
      const timer = setTimeout(abort, CLOSE_TIMEOUT);
      void this._request(encodePayload([{ type: "close" }])).catch(() => void 0).then(() => {
        clearTimeout(timer);
        abort();
      });
    }
    _release() {
      this._abort.abort();
    }
    async _poll() {
      this._polling = true;
      let body;
      try {
        body = await this._request();
      } catch (err) {
        this._fail(err);
        return;
      }
      const valid = decodePayload(body, (packet) => {
        if (this._closed) return false;
        if (packet.type === "close") this._ended({ description: "transport closed by the server" });
        else this._handler._onPacket(packet);
        return !this._closed;
      });
      if (this._closed) return;
      if (!valid) {
        this._fail(parserError());
        return;
      }
      this._polling = false;
      if (this._paused) this._settle();
      else void this._poll();
    }
    async _post(packets) {
      try {
        const ready = await readBlobs(packets);
        if (this._closed) return;
        await this._request(encodePayload(ready));
      } catch (err) {
        this._fail(err instanceof TransportError ? err : new TransportError("xhr post error", err));
      }
    }
    /** After a POST has ended, or a GET that no other follows. */
    _settle() {
      if (this._closed || this._posting) return;
      if (this._paused) {
        if (this._polling) return;
        const done = this._paused;
        this._paused = nothing;
        this.writable = true;
        done();
      } else {
        this._drained();
      }
    }
    /** Makes a request, a POST if there is a body, and returns the response body. Throws a TransportError unless 200. */
    async _request(body) {
      const { extraHeaders, withCredentials, requestTimeout } = this._options;
      const { cookies } = this._ctx;
      const post = body !== void 0;
      const context = { status: 0, responseText: "" };
      const error = (extra) => new TransportError(`xhr ${post ? "post" : "poll"} error`, context.status, context, extra);
      const headers = { accept: "*/*" };
      if (post) headers["content-type"] = "text/plain;charset=UTF-8";
      const cookie = cookies && cookies.header();
      if (cookie) headers["cookie"] = cookie;
      const timer = requestTimeout ? setTimeout(() => this._fail(error()), requestTimeout) : void 0;
      try {
        const send = this._options.fetch || fetch;
        const res = await send(this._url("http"), {
          method: post ? "POST" : "GET",
          body,
          headers: { ...headers, ...extraHeaders },
          credentials: withCredentials ? "include" : "same-origin",
          signal: this._abort.signal
        });
        if (cookies) cookies.store(res.headers);
        const { status } = res;
        if (true) debug("engine.io-client:polling", post ? "POST" : "GET", String(status), res.url);
        if (status !== 200) context.status = status;
        context.responseText = await res.text();
        if (status === 200) return context.responseText;
        const wait = Number(res.headers.get("retry-after"));
        throw error(wait > 0 ? { retryAfter: wait * 1e3 } : void 0);
      } catch (err) {
        throw err instanceof TransportError ? err : error({ cause: err });
      } finally {
        clearTimeout(timer);
      }
    }
  };
  var nothing = () => void 0;

  // src/engine/transport_ws.ts
  var nothing2 = () => void 0;
  var WebSocketTransport = class extends Transport {
    constructor(ctx, handler, sid) {
      super("websocket", ctx, handler, sid);
    }
    get backlog() {
      return this._ws ? this._ws.bufferedAmount : 0;
    }
    open() {
      Promise.resolve(this._options.webSocket || platform.webSocket()).then((cls) => {
        if (this._closed) return;
        if (!cls) throw new Error("there is no WebSocket class here: install ws, or give the webSocket option");
        if (true) debug("engine.io-client:websocket", "opens", this._url("ws"));
        this._connect(platform.dial(cls, this._url("ws"), this._options, this._ctx.cookies));
      }).catch((err) => this._fail(new TransportError("websocket error", err)));
    }
    send(packets) {
      this.writable = false;
      const ready = readBlobs(packets);
      if (ready instanceof Promise) {
        ready.then(
          (list) => this._write(list),
          (err) => this._fail(new TransportError("websocket error", err))
        );
      } else {
        this._write(ready);
      }
    }
    close() {
      this.discard();
    }
    _release() {
      const ws = this._ws;
      if (!ws) return;
      ws.onopen = ws.onmessage = ws.onerror = ws.onclose = nothing2;
      ws.close();
    }
    _connect(ws) {
      this._ws = ws;
      ws.binaryType = "arraybuffer";
      ws.onopen = () => {
        if (true) debug("engine.io-client:websocket", "open");
        this.writable = true;
        this._handler._onTransportOpen();
      };
      ws.onmessage = (event) => {
        const { data } = event;
        const packet = typeof data === "string" ? decodeText(data) : { type: "message", data: platform.received(data) };
        if (packet) this._handler._onPacket(packet);
        else this._fail(parserError());
      };
      ws.onerror = (event) => this._fail(new TransportError("websocket error", event));
      ws.onclose = (context) => {
        if (true) debug("engine.io-client:websocket", "closed, code", context.code);
        this._ended({ description: "websocket connection closed", context });
      };
    }
    _write(packets) {
      const ws = this._ws;
      if (this._closed || !ws) return;
      try {
        for (const p of packets) {
          const { data } = p;
          ws.send(
            data === void 0 || typeof data === "string" ? encodeText(p) : bytesOf(data)
          );
        }
      } catch (err) {
        this._fail(new TransportError("websocket error", err));
        return;
      }
      Promise.resolve().then(() => this._drained());
    }
  };

  // src/engine/upgrade.ts
  var Upgrade = class {
    /** Starts the probe. It fails after `timeout` milliseconds without an answer. */
    constructor(make, _current, _owner, timeout) {
      this._current = _current;
      this._owner = _owner;
      this._state = "probing";
      this._timer = setTimeout(() => this._failed("timeout"), timeout);
      this._candidate = make(this);
      this._candidate.open();
    }
    /** Whether the switch has begun: nothing may be sent. */
    get switching() {
      return this._state === "pausing";
    }
    /** Ends the probe without a report. Polling is left as it is. */
    abort() {
      if (this._setState("ended")) this._candidate.discard();
    }
    _onTransportOpen() {
      this._candidate.send([{ type: "ping", data: "probe" }]);
    }
    _onPacket(packet) {
      if (this._state !== "probing" || packet.type !== "pong" || packet.data !== "probe") {
        this._failed("unexpected packet");
        return;
      }
      this._setState("pausing");
      this._owner._onUpgrading(this._candidate);
      if (this.switching) this._current.pause(() => this._switch());
    }
    _onDrain() {
    }
    _onError(err) {
      this._failed(err.message, err.description);
    }
    _onTransportClose() {
      this._failed("transport closed");
    }
    _switch() {
      if (!this._setState("ended")) return;
      this._candidate.send([{ type: "upgrade" }]);
      this._owner._onUpgraded(this._candidate);
    }
    _failed(cause, description) {
      const paused = this.switching;
      if (!this._setState("ended")) return;
      this._candidate.discard();
      if (paused) this._current.resume();
      this._owner._onUpgradeFailed(new TransportError("probe error: " + cause, description));
    }
    _setState(next) {
      if (this._state === "ended") return false;
      this._state = next;
      if (next === "ended") clearTimeout(this._timer);
      return true;
    }
  };

  // src/engine/conn.ts
  var CLOSING_TIMEOUT = 1e4;
  var PROBE_TIMEOUT = 2e4;
  var MESSAGE_OVERHEAD = 64;
  var VOLATILE_BACKLOG = 16384;
  var LOCAL = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;
  var webSocketWorked = false;
  var listen = typeof addEventListener === "function" ? addEventListener : void 0;
  var Conn = class extends Emitter {
    constructor(target, _options, _handler) {
      super();
      this._options = _options;
      this._handler = _handler;
      this._state = { name: "opening" };
      this._queue = [];
      this._queued = 0;
      this._sent = 0;
      this._maxPayload = Infinity;
      this._onOffline = () => {
        this._finish("transport close", { description: "network connection lost" });
      };
      this._onUnload = () => {
        this._transport.close();
      };
      this._ctx = { target, options: _options, cookies: _options.withCredentials ? platform.newCookieJar() : void 0 };
      this._names = (_options.transports || ["polling", "websocket"]).filter(
        (name) => name === "polling" || name === "websocket"
      );
    }
    /** The session's id; empty unless it is open. */
    get id() {
      return this._state.name === "open" ? this._state.sid : "";
    }
    /** The transport in use, or the last one. Undefined only when no transport was left to try. */
    get transport() {
      return this._transport;
    }
    /** "opening", "open", "closing" or "closed". */
    get readyState() {
      return this._state.name;
    }
    /** The size of the queue: characters and bytes, plus 64 for each message. */
    get backlog() {
      return this._queued + (this._transport ? this._transport.backlog : 0);
    }
    /** Whether a volatile event would be sent now. */
    get writable() {
      return this._canSend() && this.backlog < VOLATILE_BACKLOG;
    }
    /** @internal Starts. Called once, by the owner. */
    _open() {
      const names = this._names;
      const best = this._options.rememberUpgrade && webSocketWorked ? names.indexOf("websocket") : 0;
      const [name] = names.splice(Math.max(best, 0), 1);
      if (!name) {
        Promise.resolve().then(() => this._finish("transport error", new Error("No transports available")));
        return;
      }
      this._transport = this._make(name, this);
      this._transport.open();
    }
    /** Queues a message. Ignored unless open. Its bytes are read when it is sent; do not change them before. */
    write(data) {
      this._send({ type: "message", data });
    }
    /**
     * Whether the server's ping is overdue. If so the session ends, in a later task, so that the caller can still decide
     * what to do with the data that it was about to send.
     */
    late() {
      const late = this._state.name === "open" && this._state.heartbeat.late();
      if (late) Promise.resolve().then(() => this._finish("ping timeout"));
      return late;
    }
    /** Ends the session: at once while opening, otherwise when the queue has been sent or after 10 s. */
    close() {
      const state = this._state;
      if (state.name === "opening") {
        this._finish("forced close");
      } else if (state.name === "open") {
        if (!(this._upgrade && this._upgrade.switching)) this._endUpgrade();
        const timer = setTimeout(() => this._finish("forced close"), CLOSING_TIMEOUT);
        this._setState({ name: "closing", heartbeat: state.heartbeat, timer });
        this._flush();
      }
      return this;
    }
    /** @internal Ends the session at once. */
    _abort(reason, details) {
      this._finish(reason, details);
    }
    // What the transport reports.
    _onTransportOpen() {
    }
    _onPacket(packet) {
      const { name } = this._state;
      if (name === "closed") return;
      if (true) debug("engine.io-client:socket", "received", packet.type, packet.data);
      this._fire("packet", [packet]);
      if (name === "opening") {
        this._onHandshake(packet);
        return;
      }
      switch (packet.type) {
        case "ping":
          if (this._state.name === "open") this._state.heartbeat.ping();
          this._send({ type: "pong" });
          this._handler._onConnPing(this);
          this._fire("ping", []);
          this._fire("pong", []);
          break;
        case "message":
          if (name === "open") {
            const data = packet.data === void 0 ? "" : packet.data;
            this._handler._onConnData(this, data);
            this._fire("data", [data]);
            this._fire("message", [data]);
          }
          break;
        case "close":
          this._finish("transport close", { description: "transport closed by the server" });
          break;
        default:
      }
    }
    _onDrain() {
      this._queued -= this._sent;
      this._sent = 0;
      if (!this._queue.length) this._fire("drain", []);
      this._flush();
    }
    _onError(err) {
      webSocketWorked = false;
      if (this._state.name === "opening" && this._options.tryAllTransports && this._names.length) {
        if (true) debug("engine.io-client:socket", this._transport.name, "does not connect:", err);
        this._open();
        return;
      }
      this._finish("transport error", err);
    }
    _onTransportClose(details) {
      this._finish("transport close", details);
    }
    // What the upgrade reports.
    _onUpgrading(candidate) {
      this._fire("upgrading", [candidate]);
    }
    _onUpgraded(candidate) {
      this._upgrade = void 0;
      this._transport.discard();
      this._transport = candidate;
      candidate.attach(this);
      webSocketWorked = true;
      if (true) debug("engine.io-client:socket", "upgraded to", candidate.name);
      this._fire("upgrade", [candidate]);
      this._flush();
    }
    _onUpgradeFailed(err) {
      this._upgrade = void 0;
      if (true) debug("engine.io-client:socket", "stays on polling:", err);
      this._fire("upgradeError", [err]);
      this._flush();
    }
    _onHandshake(packet) {
      const hs = packet.type === "open" ? parseHandshake(packet.data) : void 0;
      if (!hs) {
        this._finish("transport error", parserError(packet));
        return;
      }
      this._fire("handshake", [hs]);
      const transport = this._transport;
      webSocketWorked = transport.name === "websocket";
      this._maxPayload = hs.maxPayload;
      const heartbeat = new Heartbeat(hs.pingInterval + hs.pingTimeout, () => this._finish("ping timeout"));
      this._setState({ name: "open", sid: hs.sid, heartbeat });
      if (transport instanceof PollingTransport) transport.start(hs.sid);
      this._handler._onConnOpen(this);
      this._fire("open", []);
      const names = this._options.transports || ["websocket"];
      if (this._options.upgrade !== false && transport instanceof PollingTransport && names.includes("websocket") && hs.upgrades.includes("websocket") && this._state.name === "open") {
        const make = (handler) => this._make("websocket", handler, hs.sid);
        this._upgrade = new Upgrade(make, transport, this, this._options.timeout || PROBE_TIMEOUT);
      }
    }
    _make(name, handler, sid) {
      const cls = name === "polling" ? PollingTransport : WebSocketTransport;
      return new cls(this._ctx, handler, sid);
    }
    _send(packet) {
      if (this._state.name !== "open") return;
      if (true) debug("engine.io-client:socket", "sent", packet.type, packet.data);
      this._fire("packetCreate", [packet]);
      this._queue.push(packet);
      this._queued += sizeOf(packet);
      this._flush();
    }
    _canSend() {
      const { name } = this._state;
      return (name === "open" || name === "closing") && this._transport.writable && !(this._upgrade && this._upgrade.switching);
    }
    _flush() {
      if (!this._canSend()) return;
      const queue = this._queue;
      if (queue.length) {
        const count = this._transport.name === "polling" ? batchLength(queue, this._maxPayload) : queue.length;
        this._queue = queue.slice(count);
        const batch = queue.slice(0, count);
        this._sent = batch.reduce((sum, packet) => sum + sizeOf(packet), 0);
        this._transport.send(batch);
      } else if (this._state.name === "closing") {
        this._finish("forced close");
      }
    }
    _endUpgrade() {
      if (this._upgrade) this._upgrade.abort();
      this._upgrade = void 0;
    }
    _finish(reason, details) {
      const { name } = this._state;
      if (name === "closed") return;
      this._setState({ name: "closed" });
      this._endUpgrade();
      if (this._transport) {
        if (reason === "transport error" || reason === "transport close") this._transport.discard();
        else this._transport.close();
      }
      this._queue = [];
      this._queued = 0;
      if (reason === "transport error") this._fire("error", [details]);
      if (name === "opening") {
        this._handler._onConnFailed(this, closeError(reason, details));
      } else {
        this._handler._onConnClose(this, reason, details);
      }
      this._fire("close", [reason, details]);
    }
    _setState(next) {
      const last2 = this._state;
      this._state = next;
      if (last2.name === "closing") clearTimeout(last2.timer);
      if (next.name === "open") {
        if (listen && !LOCAL.test(this._ctx.target.host)) listen("offline", this._onOffline);
        if (listen && this._options.closeOnBeforeunload) listen("beforeunload", this._onUnload);
      } else if (next.name === "closed") {
        if (last2.name === "open" || last2.name === "closing") last2.heartbeat.stop();
        if (listen) {
          removeEventListener("offline", this._onOffline);
          removeEventListener("beforeunload", this._onUnload);
        }
      }
    }
  };
  function sizeOf(packet) {
    return MESSAGE_OVERHEAD + (packet.data === void 0 ? 0 : dataSize(packet.data));
  }

  // src/reconnect.ts
  var STABLE = 1e4;
  var MAX_RETRY_AFTER = 3e5;
  var Backoff = class {
    constructor(_options) {
      this._options = _options;
      this._exponent = 0;
    }
    /**
     * The next delay in milliseconds: base * 2^n up to the maximum, then the jitter. (Jitter below the maximum would
     * make all clients wait exactly the maximum, and reconnect together.)
     */
    next() {
      const { reconnectionDelay: base = 0, reconnectionDelayMax: max = 0, randomizationFactor: factor = 0.5 } = this._options;
      const jitter = factor > 0 && factor <= 1 ? factor : 0;
      const delay = Math.min((base || 1e3) * Math.pow(2, this._exponent), max || 5e3);
      this._exponent = Math.min(this._exponent + 1, 30);
      return Math.round(delay * (1 + jitter * (2 * Math.random() - 1)));
    }
    /** The first delay after a server that restarts or is overloaded: anywhere up to the base, to spread its clients. */
    spread() {
      return Math.round(Math.random() * (this._options.reconnectionDelay || 1e3));
    }
    /** Starts again from the base. */
    reset() {
      this._exponent = 0;
    }
  };
  var Reconnect = class {
    constructor(_options) {
      this._options = _options;
      /** The number of attempts since a server last answered a socket: an open connection alone may be useless. */
      this.attempts = 0;
      this._openedAt = 0;
      this._backoff = new Backoff(_options);
    }
    /** Whether another attempt is allowed. */
    get exhausted() {
      return this.attempts >= (this._options.reconnectionAttempts || Infinity);
    }
    /** The connection is open. */
    opened() {
      this._openedAt = Date.now();
    }
    /** The connection is useful: a socket is connected. */
    answered() {
      this.attempts = 0;
    }
    /** The connection was lost. A server that repeatedly accepts and closes is not overloaded. */
    lost() {
      if (Date.now() - this._openedAt >= STABLE) this._backoff.reset();
    }
    /** An intentional close resets the delay. */
    reset() {
      this.attempts = 0;
      this._backoff.reset();
    }
    /** The delay before the next attempt, in milliseconds, depending on its reason. */
    delay(why) {
      const first = this.attempts === 0;
      let delay = first && isGoingAway(why) ? this._backoff.spread() : this._backoff.next();
      if (why instanceof TransportError && why.retryAfter) {
        delay += Math.min(why.retryAfter, MAX_RETRY_AFTER);
      }
      return delay;
    }
  };
  function isGoingAway(why) {
    if (!why) return false;
    if (why instanceof Error) return why instanceof TransportError && why.description === 503;
    const code = why.context && why.context.code;
    return code === 1001 || code === 1012 || code === 1013;
  }

  // src/acks.ts
  var Acks = class {
    /** `lost` is called for each waiter that is dropped. */
    constructor(_lost) {
      this._lost = _lost;
      /** The number of waiters that were dropped, because they take no error. */
      this.dropped = 0;
      this._entries = /* @__PURE__ */ new Map();
    }
    /** Registers a waiter. At its timeout `expired` runs before the waiter is called. */
    add(id, waiter, expired) {
      const { timeout } = waiter;
      const timer = timeout === void 0 ? void 0 : setTimeout(() => {
        expired();
        this.fail(id, "operation has timed out");
      }, timeout);
      this._entries.set(id, { ...waiter, timer });
    }
    /** The peer answered. Unknown numbers are ignored. */
    resolve(id, args) {
      const entry = this._take(id);
      if (!entry) return;
      if (entry.errorFirst) {
        const err = handlerError(args);
        callSafely(entry.fn, err ? [err] : [null, ...args]);
      } else {
        callSafely(entry.fn, args);
      }
    }
    /** Fails all waiters because the connection is lost, except those whose event was not sent yet (`keep`). */
    disconnected(keep) {
      for (const id of Array.from(this._entries.keys())) {
        if (!keep(id)) this.fail(id, "socket has been disconnected");
      }
    }
    /** Ends a wait without an answer. */
    fail(id, message) {
      const entry = this._take(id);
      if (!entry) return;
      if (entry.errorFirst) {
        callSafely(entry.fn, [new Error(message)]);
      } else {
        this.dropped++;
        this._lost(id);
      }
    }
    _take(id) {
      const entry = this._entries.get(id);
      this._entries.delete(id);
      if (entry) clearTimeout(entry.timer);
      return entry;
    }
  };
  function handlerError(args) {
    const reply = args[0];
    if (args.length !== 1 || !isObject(reply) || Object.keys(reply).join() !== "error") return void 0;
    const err = reply["error"];
    if (!isObject(err) || Object.keys(err).sort().join() !== "code,message") return void 0;
    const { message, code } = err;
    return typeof message === "string" && (typeof code === "string" || typeof code === "number") ? new HandlerError(message, code) : void 0;
  }

  // src/buffer.ts
  function eventSize(event) {
    const { messages = [] } = event;
    return messages.reduce((sum, message) => sum + dataSize(message), MESSAGE_OVERHEAD * (messages.length || 1));
  }
  var Meter = class {
    constructor() {
      this._list = [];
      this._count = 0;
      this._size = 0;
    }
    /** The size of the events towards `maxBuffer`. Those in the middle are recounted only if `all` is set. */
    size(list, all = false) {
      if (all || list !== this._list || list.length < this._count || list[0] !== this._first) this._count = this._size = 0;
      this._list = list;
      this._first = list[0];
      while (this._count < list.length) this._size += eventSize(list[this._count++]);
      return this._size;
    }
  };
  var RetryQueue = class {
    /** `isConnected` and `sendTry` are those of its socket; sendTry calls its waiter once, an error or null first. */
    constructor(_retries, _isConnected, _sendTry) {
      this._retries = _retries;
      this._isConnected = _isConnected;
      this._sendTry = _sendTry;
      /** Its size towards `maxBuffer`. */
      this.size = 0;
      this._queue = [];
      this._inFlight = false;
    }
    /** Adds an event at the end. Its waiter gets an error or null first; `timeout` is for each try, in milliseconds. */
    push(event, waiter, timeout) {
      this._queue.push({ event, waiter, timeout, tries: 0 });
      this.size += eventSize(event);
      this.send();
    }
    /** Sends the first event unless it has been sent. After a reconnection it is sent again (`again`). */
    send(again = false) {
      const item = this._queue[0];
      if (!item || !this._isConnected() || this._inFlight && !again) return;
      this._inFlight = true;
      item.tries++;
      const fn = (err, ...args) => {
        if (this._queue[0] !== item) return;
        this._inFlight = false;
        if (!err || err instanceof HandlerError || item.tries > this._retries) {
          this._queue.shift();
          this.size -= eventSize(item.event);
          if (item.waiter) callSafely(item.waiter.fn, err ? [err] : [null, ...args]);
        }
        this.send();
      };
      this._sendTry(item.event, { fn, errorFirst: true, timeout: item.timeout });
    }
  };

  // src/emission.ts
  var Emission = class _Emission {
    /** @internal */
    constructor(_emitter, _flags) {
      this._emitter = _emitter;
      this._flags = _flags;
    }
    /** Sends an event: see `Socket.emit`. */
    emit(event, ...args) {
      this._emitter._emit(this._flags, event, args);
      return this;
    }
    /** Sends an event and waits for its acknowledgement: see `Socket.emitWithAck`. */
    emitWithAck(event, ...args) {
      return this._emitter._emitWithAck(this._flags, event, args);
    }
    /** Sends a `message` event. */
    send(...args) {
      this._emitter._emit(this._flags, "message", args);
      return this;
    }
    /** Drops the event if it can't be sent immediately. */
    get volatile() {
      return new _Emission(this._emitter, { ...this._flags, volatile: true });
    }
    /** Sets the time limit of the acknowledgement, in milliseconds. */
    timeout(ms) {
      return new _Emission(this._emitter, { ...this._flags, timeout: ms });
    }
    /** Sets whether the event should be compressed. The client leaves that to the transport. */
    compress(_compress) {
      return this;
    }
  };

  // src/socket.ts
  var RETRY_ACK_TIMEOUT = 1e4;
  var MAX_BUFFER = 64 * 1024 * 1024;
  var MAX_EARLY_EVENTS = 1e5;
  var Socket = class extends Emitter {
    /** @internal Made by a Manager. */
    constructor(io2, nsp, options = {}) {
      super();
      /** Whether the server restored the session and the missed events. */
      this.recovered = false;
      /**
       * The events waiting for a connection, in the order in which they were emitted. Removed events are not sent: assign
       * `[]`, or change the array.
       */
      this.sendBuffer = [];
      /** The events that arrived before `connect`, each with its name first. Listeners get them just before it. */
      // any: any event, so any arguments
      this.receiveBuffer = [];
      this._state = { name: "idle" };
      this._acks = new Acks((id) => {
        if (true) debug("socket.io-client:socket", this.nsp, "acknowledgement", id, "is lost, and its callback takes no error");
      });
      this._meter = new Meter();
      this._nextId = 0;
      this._anyIncoming = [];
      this._anyOutgoing = [];
      this.io = io2;
      this.nsp = nsp;
      this.auth = options.auth;
      this._options = { ackTimeout: options.ackTimeout, retries: options.retries };
      if (options.retries) {
        this._nonce = String(Math.random());
        this._retry = new RetryQueue(
          options.retries,
          () => this.connected,
          (event, waiter) => {
            this._acks.add(event.id, waiter, () => void 0);
            this._write(event);
          }
        );
      }
    }
    /** The id that the server assigned; undefined unless connected. */
    get id() {
      return this._state.name === "connected" ? this._state.id : void 0;
    }
    /** Whether events are sent at once. */
    get connected() {
      return this._state.name === "connected";
    }
    /**
     * The number of acknowledgement callbacks that will never be called, because the connection was lost and they take no
     * error. Those with a time limit get an error instead, and so does `emitWithAck`.
     */
    get droppedAcks() {
      return this._acks.dropped;
    }
    /** The opposite of `connected`. */
    get disconnected() {
      return !this.connected;
    }
    /**
     * Whether the connection is open or reconnects automatically. False before connect(), after a rejection and after
     * either side has left the namespace: then only connect() helps.
     */
    get active() {
      return this._state.name !== "idle";
    }
    /** Connects. No effect while connected or connecting. */
    connect() {
      if (this.connected) return this;
      if (this._state.name === "idle") this._setState({ name: "connecting" });
      if (this.io._conn) this._onOpen();
      else if (!this.io._waiting) this.io.open();
      return this;
    }
    /** Same as `connect`. */
    open() {
      return this.connect();
    }
    /** Leaves the namespace, or stops connecting. The last socket of a Manager closes the connection. */
    disconnect() {
      const was = this._state.name;
      this._pid = this._offset = void 0;
      if (was === "idle") return this;
      if (was === "connected") this._send(1 /* DISCONNECT */);
      this._leave();
      if (was === "connected") this._disconnected("io client disconnect");
      return this;
    }
    /** Same as `disconnect`. */
    close() {
      return this.disconnect();
    }
    /**
     * Sends an event. Arguments may contain JSON values and bytes (ArrayBuffer, views, Buffer, Blob, File) at any depth.
     * They are encoded now; only bytes are read later. A function as the last argument receives the acknowledgement.
     * While not connected the event waits. Throws for a reserved name and for data that can't be encoded, and
     * BufferFullError.
     */
    emit(event, ...args) {
      this._emit({}, event, args);
      return this;
    }
    /**
     * Sends an event and waits for the acknowledgement: its first argument. Rejects if the connection is lost or
     * `ackTimeout` has passed, and with a HandlerError if the server's handler failed.
     */
    emitWithAck(event, ...args) {
      return this._emitWithAck({}, event, args);
    }
    /** Sends a `message` event. */
    send(...args) {
      this._emit({}, "message", args);
      return this;
    }
    /** Drops the following event if the connection is busy or closed. */
    get volatile() {
      return new Emission(this, { volatile: true });
    }
    /** Sets the time limit of the following event's acknowledgement, whose callback gets an error first. */
    timeout(ms) {
      return new Emission(this, { timeout: ms });
    }
    /** Sets whether the following event should be compressed. The client leaves that to the transport. */
    compress(_compress) {
      return new Emission(this, {});
    }
    /** Adds a listener for every received event. It also gets the acknowledgement function. */
    onAny(listener) {
      this._anyIncoming = [...this._anyIncoming, listener];
      return this;
    }
    /** Same as `onAny`, but before the existing listeners. */
    prependAny(listener) {
      this._anyIncoming = [listener, ...this._anyIncoming];
      return this;
    }
    /** Removes one or all of these listeners. */
    offAny(listener) {
      this._anyIncoming = listener ? without(this._anyIncoming, listener) : [];
      return this;
    }
    /** A copy of the listeners for every received event. */
    listenersAny() {
      return [...this._anyIncoming];
    }
    /** Adds a listener for every event that is passed to the connection. */
    onAnyOutgoing(listener) {
      this._anyOutgoing = [...this._anyOutgoing, listener];
      return this;
    }
    /** Same as `onAnyOutgoing`, but before the existing listeners. */
    prependAnyOutgoing(listener) {
      this._anyOutgoing = [listener, ...this._anyOutgoing];
      return this;
    }
    /** Removes one or all of these listeners. */
    offAnyOutgoing(listener) {
      this._anyOutgoing = listener ? without(this._anyOutgoing, listener) : [];
      return this;
    }
    /** A copy of the listeners for every sent event. */
    listenersAnyOutgoing() {
      return [...this._anyOutgoing];
    }
    // Reports of the Manager. Except for packets, only active sockets receive them.
    /** @internal The connection is open: asks for the namespace. */
    _onOpen() {
      const conn = this.io._conn;
      if (!conn || this._asked === conn) return;
      this._asked = conn;
      const ask = (auth2) => {
        if (this._asked !== conn || conn !== this.io._conn || asked) return;
        asked = true;
        if (!this.active) {
          this._asked = void 0;
          return;
        }
        const data = {
          ...this._pid && { pid: this._pid, offset: this._offset },
          ...this._nonce && { retryNonce: this._nonce },
          ...auth2
        };
        this._send(0 /* CONNECT */, auth2 || Object.keys(data).length ? data : void 0);
      };
      let asked = false;
      const { auth } = this;
      if (typeof auth === "function") debug("socket.io-client:socket", this.nsp, "waits for the auth function to call back");
      if (typeof auth === "function") callSafely(auth, [ask]);
      else ask(auth);
    }
    /** @internal The connection failed or is lost; the Manager reconnects. */
    _onClose(reason, details) {
      const was = this._state.name;
      this._setState({ name: "connecting" });
      if (was === "connected") this._disconnected(reason, details);
      else this._fire("connect_error", [closeError(reason, details)]);
    }
    /** @internal A packet for this namespace has arrived. */
    _onPacket(packet) {
      const { type, data } = packet;
      if (true) debug("socket.io-client:socket", this.nsp, "received", packetName(type), packet.id, data);
      switch (type) {
        case 0 /* CONNECT */:
          this._onConnect(data);
          break;
        case 4 /* CONNECT_ERROR */:
          this._onRefused(data);
          break;
        case 2 /* EVENT */:
        case 5 /* BINARY_EVENT */:
          this._onEvent(packet);
          break;
        case 3 /* ACK */:
        case 6 /* BINARY_ACK */:
          if (packet.id !== void 0) this._acks.resolve(packet.id, data);
          break;
        case 1 /* DISCONNECT */:
          if (!this.connected) break;
          this._pid = this._offset = void 0;
          this._leave();
          this._disconnected("io server disconnect");
          break;
        default:
      }
    }
    /** @internal */
    _emitWithAck(flags, event, args) {
      return new Promise((resolve, reject) => {
        const fn = (err, answer) => err ? reject(err) : resolve(answer);
        this._transmit(flags, [event, ...args], { fn, errorFirst: true, timeout: this._timeout(flags) });
      });
    }
    /** @internal */
    _emit(flags, event, args) {
      const fn = args[args.length - 1];
      if (typeof fn !== "function") {
        this._transmit(flags, [event, ...args]);
        return;
      }
      const timeout = this._timeout(flags);
      this._transmit(flags, [event, ...args.slice(0, -1)], {
        fn,
        errorFirst: timeout !== void 0,
        timeout
      });
    }
    _timeout(flags) {
      return flags.timeout === void 0 ? this._options.ackTimeout : flags.timeout;
    }
    /** Sends an event; all emits end here. If it throws, nothing has changed. */
    _transmit(flags, args, waiter) {
      if (RESERVED_EVENTS.has(args[0])) throw new Error(`"${args[0]}" is a reserved event name`);
      const retry = flags.volatile ? void 0 : this._retry;
      const id = waiter || retry ? this._nextId : void 0;
      const event = { type: 2 /* EVENT */, data: args, id, messages: this._encode(2 /* EVENT */, args, id) };
      const conn = this.io._conn;
      const late = conn !== void 0 && conn.late();
      const drop = flags.volatile && !(conn && !late && conn.writable);
      if (!drop) this._checkRoom(event, conn);
      if (id !== void 0) this._nextId++;
      if (retry) {
        retry.push(event, waiter, flags.timeout || this._options.ackTimeout || RETRY_ACK_TIMEOUT);
        return;
      }
      if (id !== void 0 && waiter) this._acks.add(id, waiter, () => this._forget(id));
      if (drop) {
        if (true) debug("socket.io-client:socket", this.nsp, "volatile event dropped", args);
        if (id !== void 0) setTimeout(() => this._acks.fail(id, "volatile event dropped"));
        return;
      }
      if (this.connected && !late) {
        this._write(event);
        return;
      }
      if (true) debug("socket.io-client:socket", this.nsp, this.active ? "not connected: event waits" : "not active: event waits for connect()", args);
      this.sendBuffer.push(event);
    }
    /** The acknowledgement is no longer awaited: if the event is still waiting, it is not sent. */
    _forget(id) {
      const i = this.sendBuffer.findIndex((event) => event.id === id);
      if (i >= 0) this.sendBuffer.splice(i, 1);
    }
    _encode(type, data, id) {
      return this.io._encode({ type, nsp: this.nsp, ...data !== void 0 && { data }, ...id !== void 0 && { id } });
    }
    _send(type, data, id) {
      if (true) debug("socket.io-client:socket", this.nsp, "sent", packetName(type), id, data);
      this.io._send(this._encode(type, data, id));
    }
    _checkRoom(event, conn) {
      const max = this.io.opts.maxBuffer === void 0 ? MAX_BUFFER : this.io.opts.maxBuffer;
      const isFull = (all) => {
        const retried = this._retry ? this._retry.size : 0;
        const waiting = this._meter.size(this.sendBuffer, all) + retried + (conn ? conn.backlog : 0);
        return waiting > 0 && waiting + eventSize(event) > max;
      };
      if (isFull(false) && isFull(true)) throw new BufferFullError();
    }
    _write(event) {
      const { type, data, id, messages } = event;
      if (true) debug("socket.io-client:socket", this.nsp, "sent", packetName(type), id, data);
      for (const listener of this._anyOutgoing) callSafely(listener, data);
      this.io._send(messages || this._encode(type, data, id));
    }
    _onConnect(data) {
      const conn = this.io._conn;
      if (!conn || this._asked !== conn) return;
      this._asked = void 0;
      if (this._state.name === "idle") {
        this._send(1 /* DISCONNECT */);
        return;
      }
      const id = data && data["sid"];
      if (!data || typeof id !== "string" || !id) {
        this._fire("connect_error", [
          new Error(
            "It seems you are trying to reach a Socket.IO server in v2.x with a v3.x client, but they are not compatible"
          )
        ]);
        return;
      }
      const { pid, once, notRecovered } = data;
      this.recovered = typeof pid === "string" && pid === this._pid;
      this.notRecovered = notRecovered;
      if (this._nonce) debug("socket.io-client:socket", this.nsp, once ? "retries are handled once" : "retries may be handled twice");
      if (!once) this._nonce = void 0;
      if (!this.recovered) this._offset = void 0;
      this._pid = typeof pid === "string" ? pid : void 0;
      this._setState({ name: "connected", id, conn });
      const early = this.receiveBuffer;
      this.receiveBuffer = [];
      early.forEach((args) => this._dispatch(args));
      const waiting = this.sendBuffer;
      this.sendBuffer = [];
      for (const event of waiting) {
        if (this.connected) callSafely(() => this._write(event), []);
        else this.sendBuffer.push(event);
      }
      if (this._retry) this._retry.send(true);
      if (this.connected) this._fire("connect", []);
    }
    _onRefused(data) {
      this._asked = void 0;
      if (this._state.name !== "connecting") return;
      const err = isObject(data) ? data : { message: data };
      const message = typeof err["message"] === "string" ? err["message"] : "";
      this._leave();
      this._fire("connect_error", [new ConnectError(message, err["data"])]);
    }
    _onEvent(packet) {
      const conn = this.io._conn;
      const [name, ...args] = packet.data;
      args.unshift(String(name));
      if (packet.id !== void 0) args.push(this._answer(packet.id, conn));
      if (this.connected) this._dispatch(args);
      else if (!this.active) return;
      else if (this.receiveBuffer.length < MAX_EARLY_EVENTS) this.receiveBuffer.push(args);
      else if (conn) conn._abort("parse error", new Error("too many events before CONNECT"));
    }
    /** Passes an event to the listeners: its name, arguments and, if wanted, the function that acknowledges it. */
    _dispatch(args) {
      if (!this.connected) return;
      if (!this.hasListeners(args[0]) && !this._anyIncoming.length) {
        debug("socket.io-client:socket", this.nsp, "no listener for", JSON.stringify(args[0]));
      }
      for (const listener of this._anyIncoming) callSafely(listener, args);
      this._fire(args[0], args.slice(1));
      const last2 = args[args.length - 1];
      if (this._pid !== void 0 && args.length > 1 && typeof last2 === "string") this._offset = last2;
    }
    /** Acknowledges an event, once, and only on its own connection: elsewhere its number means another event. */
    _answer(id, conn) {
      let done = false;
      return (...args) => {
        const state = this._state;
        if (done || state.name !== "connected" || state.conn !== conn) return;
        done = true;
        this._send(3 /* ACK */, args, id);
      };
    }
    /** Stops connecting. A session that was lost can be recovered later: the next try may have another auth. */
    _leave() {
      this._setState({ name: "idle" });
      this.io._destroy();
    }
    _disconnected(reason, details) {
      this._fire("disconnect", [reason, details]);
      const waiting = new Set(this.sendBuffer.map((event) => event.id));
      this._acks.disconnected((id) => waiting.has(id));
    }
    _setState(next) {
      this._state = next;
      if (next.name !== "connected") this.receiveBuffer = [];
    }
  };
  function without(list, item) {
    const i = list.indexOf(item);
    return i < 0 ? [...list] : [...list.slice(0, i), ...list.slice(i + 1)];
  }

  // src/manager.ts
  var Manager = class extends Emitter {
    /** Creates a Manager, and connects unless `autoConnect` is false. Throws an Error for an invalid address. */
    constructor(uri, opts) {
      super();
      /** The sockets by namespace, active or not. */
      this.nsps = /* @__PURE__ */ Object.create(null);
      this._state = { name: "closed" };
      this.uri = typeof uri === "string" ? uri : void 0;
      this.opts = { timeout: 2e4, ...typeof uri === "object" ? uri : opts };
      this._reconnect = new Reconnect(this.opts);
      this._parser = this.opts.parser || parser;
      this._encoder = new this._parser.Encoder();
      this._autoConnect = this.opts.autoConnect !== false;
      if (this._autoConnect) this.open();
    }
    /** The address. A new one applies to the next attempt. Setting it throws an Error for an invalid address. */
    get uri() {
      return this._uri;
    }
    set uri(uri) {
      this._target = parseTarget(uri);
      this._uri = uri;
    }
    /** "opening", "open" or "closed". */
    get _readyState() {
      const { name } = this._state;
      return name === "waiting" ? "closed" : name;
    }
    /** Whether the Manager is trying to connect again. */
    get _reconnecting() {
      const state = this._state;
      return state.name === "waiting" || state.name === "opening" && state.attempt > 0;
    }
    reconnection(value) {
      if (value === void 0) return this.opts.reconnection !== false;
      this.opts.reconnection = value;
      if (!value && this._state.name === "waiting") this._setState({ name: "closed" });
      return this;
    }
    reconnectionAttempts(value) {
      return this._option("reconnectionAttempts", Infinity, value);
    }
    reconnectionDelay(value) {
      return this._option("reconnectionDelay", 1e3, value);
    }
    reconnectionDelayMax(value) {
      return this._option("reconnectionDelayMax", 5e3, value);
    }
    randomizationFactor(value) {
      return this._option("randomizationFactor", 0.5, value);
    }
    timeout(value) {
      return this._option("timeout", 2e4, value);
    }
    /**
     * Connects, unless it is connected or connecting. With a callback, a failure of this attempt is reported to it and
     * does not lead to a reconnection.
     */
    open(callback) {
      const { name } = this._state;
      if (name === "closed" || name === "waiting") this._connect(0, callback);
      return this;
    }
    /** Same as `open`. */
    connect(callback) {
      return this.open(callback);
    }
    /** Returns the socket of a namespace. It is created if necessary, and connected unless `autoConnect` is false. */
    socket(nsp, opts) {
      const socket = this.nsps[nsp] || (this.nsps[nsp] = new Socket(this, nsp, opts));
      if (this._autoConnect && !socket.active) socket.connect();
      return socket;
    }
    /** @internal The open connection, if there is one. */
    get _conn() {
      return this._state.name === "open" ? this._state.conn : void 0;
    }
    /** @internal Whether an attempt to connect is planned. */
    get _waiting() {
      return this._state.name === "waiting";
    }
    /** @internal The messages of a packet. Throws if it can't be encoded. */
    _encode(packet) {
      return this._encoder.encode(packet);
    }
    /** @internal Sends the messages of one packet, with nothing in between. */
    _send(messages) {
      const conn = this._conn;
      if (conn) messages.forEach((message) => conn.write(message));
    }
    /** Sends a packet at once. Ignored while there is no connection. */
    _packet(packet) {
      this._send(this._encode(packet));
    }
    /** Closes the connection when no socket is active. */
    _destroy(_left) {
      if (!this._anyActive()) this._close();
    }
    /** Closes the connection without reconnecting. Connected sockets get the reason "forced close". */
    _close() {
      const state = this._state;
      if (state.name === "closed") return;
      this._setState({ name: "closed" });
      this._reconnect.reset();
      if (state.name === "waiting") return;
      if (true) debug("socket.io-client:manager", "closed by the application, or nobody needs the connection");
      state.conn.close();
      if (state.name === "open") this._closed("forced close");
    }
    // What the connection reports.
    _onConnOpen(conn) {
      const state = this._state;
      if (state.name !== "opening" || state.conn !== conn) return;
      const decoder = new this._parser.Decoder();
      decoder.on("decoded", (packet) => this._onPacket(conn, packet));
      if (true) debug("socket.io-client:manager", "open");
      this._setState({ name: "open", conn, decoder });
      this._reconnect.opened();
      if (!this._sockets().length) this._reconnect.answered();
      this._fire("open", []);
      if (state.done) state.done();
      if (state.attempt) this._fire("reconnect", [state.attempt]);
      this._eachActive((socket) => socket._onOpen());
    }
    _onConnPing(conn) {
      if (conn === this._conn) this._fire("ping", []);
    }
    _onConnData(conn, data) {
      const state = this._state;
      if (state.name !== "open" || state.conn !== conn) return;
      try {
        state.decoder.add(data);
      } catch (err) {
        if (true) debug("socket.io-client:manager", "no packet:", data, err);
        conn._abort("parse error", err);
      }
    }
    _onConnFailed(conn, err) {
      const state = this._state;
      if (state.name !== "opening" || state.conn !== conn) return;
      if (true) debug("socket.io-client:manager", "cannot connect:", err);
      this._setState({ name: "closed" });
      this._eachActive((socket) => socket._onClose("transport error", err));
      this._fire("error", [err]);
      if (state.done) {
        state.done(err);
      } else if (this._state.name === "closed") {
        this._wait(err);
      }
      if (state.attempt) this._fire("reconnect_error", [err]);
    }
    _onConnClose(conn, reason, details) {
      if (conn !== this._conn) return;
      if (true) debug("socket.io-client:manager", "closed:", reason, details);
      this._setState({ name: "closed" });
      this._reconnect.lost();
      if (reason === "transport error") this._fire("error", [details]);
      this._closed(reason, details);
      if (this._state.name === "closed") this._wait(details);
    }
    /** A custom format may report a packet late. */
    _onPacket(conn, packet) {
      if (conn !== this._conn) return;
      this._reconnect.answered();
      this._fire("packet", [packet]);
      const socket = this.nsps[packet.nsp];
      if (!socket) debug("socket.io-client:manager", `packet for ${packet.nsp}, which nobody uses, ignored`);
      if (socket && conn === this._conn) socket._onPacket(packet);
    }
    _option(name, standard, value) {
      if (value === void 0) {
        const current = this.opts[name];
        return current === void 0 ? standard : current;
      }
      this.opts[name] = value;
      return this;
    }
    /** Starts attempt number `attempt`; 0 is not a reconnection. */
    _connect(attempt, done) {
      const conn = new Conn(this._target, this.opts, this);
      const { timeout } = this.opts;
      const timer = typeof timeout === "number" ? setTimeout(() => conn._abort("transport error", new Error("timeout")), timeout) : void 0;
      if (true) debug("socket.io-client:manager", "connecting to", this._target.host + ":" + this._target.port, `attempt ${attempt}`);
      this.engine = conn;
      this._setState({ name: "opening", conn, timer, attempt, done });
      conn._open();
    }
    /** Plans the next attempt, or gives up. */
    _wait(why) {
      const reconnect = this._reconnect;
      if (!this.reconnection() || !this._wanted()) return;
      if (reconnect.exhausted) {
        if (true) debug("socket.io-client:manager", `gave up after ${reconnect.attempts} attempts`);
        reconnect.reset();
        this._fire("reconnect_failed", []);
        return;
      }
      const delay = reconnect.delay(why);
      if (true) debug("socket.io-client:manager", `next attempt in ${delay} ms`);
      const timer = setTimeout(() => {
        const attempt = ++reconnect.attempts;
        this._fire("reconnect_attempt", [attempt]);
        if (this._state.name === "waiting" && this._state.timer === timer) this._connect(attempt);
      }, delay);
      this._setState({ name: "waiting", timer });
    }
    /** Whether the connection is needed. A Manager without sockets keeps it. */
    _wanted() {
      return !this._sockets().length || this._anyActive();
    }
    _closed(reason, details) {
      this._eachActive((socket) => socket._onClose(reason, details));
      this._fire("close", [reason, details]);
    }
    _sockets() {
      return Object.keys(this.nsps).map((nsp) => this.nsps[nsp]);
    }
    _anyActive() {
      return this._sockets().some((socket) => socket.active);
    }
    /** A listener of one socket may disconnect another one. */
    _eachActive(fn) {
      for (const socket of this._sockets()) if (socket.active) fn(socket);
    }
    _setState(next) {
      const last2 = this._state;
      this._state = next;
      if (last2.name === "opening" || last2.name === "waiting") clearTimeout(last2.timer);
      else if (last2.name === "open") last2.decoder.destroy();
    }
  };
  var Socket2 = Socket;

  // src/io.ts
  var protocol = 5;
  var managers = /* @__PURE__ */ new Map();
  function io(url, options) {
    const opts = (typeof url === "object" ? url : options) || {};
    const uri = typeof url === "string" ? url : void 0;
    const { secure, host, port, namespace } = parseTarget(uri);
    const key = [secure, host, port, opts.path || "/socket.io"].join();
    const known = managers.get(key);
    let manager;
    if (opts.forceNew || opts.multiplex === false || known && known.nsps[namespace]) {
      manager = new Manager(uri, opts);
    } else {
      manager = known || new Manager(uri, opts);
      managers.set(key, manager);
    }
    return manager.socket(namespace, opts);
  }

  // src/global.ts
  var script = Object.assign(io, {
    io,
    connect: io,
    Manager,
    Socket: Socket2,
    protocol,
    BufferFullError,
    ConnectError,
    HandlerError,
    TransportError
  });
  if (typeof module === "object" && module && "exports" in module) module.exports = script;
  else if (typeof define === "function" && define.amd) define(() => script);
  else Object.assign(self, { io: script });
})();
//# sourceMappingURL=socket.io.js.map
