// SPDX-License-Identifier: MIT

// This file tests which server and namespace a URL names.

import assert from "node:assert/strict";
import { test } from "node:test";
import { authority, parseTarget } from "./url.ts";

const page = { protocol: "https:", host: "page.example:8443" };

function check(url: string | undefined, want: [boolean, string, string, string, string], from: typeof page | undefined): void {
  const t = parseTarget(url, from);
  assert.deepEqual([t.secure, t.host, t.port, t.namespace, t.query], want, String(url));
}

test("absolute URLs", () => {
  check("http://a.example", [false, "a.example", "80", "/", ""], undefined);
  check("https://a.example/", [true, "a.example", "443", "/", ""], undefined);
  check("ws://a.example:3000/admin?x=1&y#hash", [false, "a.example", "3000", "/admin", "x=1&y"], undefined);
  check("WSS://user:pass@a.example/chät/%2F", [true, "a.example", "443", "/chät/%2F", ""], undefined);
  check("http://[::1]:8080/n", [false, "[::1]", "8080", "/n", ""], undefined);
  check("http://a.example?x=/y", [false, "a.example", "80", "/", "x=/y"], undefined);
  check("http://a.example/a/../b", [false, "a.example", "80", "/a/../b", ""], undefined);
});

test("an empty port is none", () => {
  check("http://a.example:", [false, "a.example", "80", "/", ""], undefined);
  check("https://a.example:/n?x=1", [true, "a.example", "443", "/n", "x=1"], undefined);
  check("ws://[::1]:?x", [false, "[::1]", "80", "/", "x"], undefined);
  check("", [false, "localhost", "80", "/", ""], undefined);
});

test("what a page completes", () => {
  check(undefined, [true, "page.example", "8443", "/", ""], page);
  check("/admin", [true, "page.example", "8443", "/admin", ""], page);
  check("//b.example/n", [true, "b.example", "443", "/n", ""], page);
  check("b.example:99", [true, "b.example", "99", "/", ""], page);
  check("localhost/x", [true, "localhost", "443", "/x", ""], page);
  check("", [true, "page.example", "8443", "/", ""], page);
  check("?a=1", [true, "page.example", "8443", "/", "a=1"], page);
  check("#hash", [true, "page.example", "8443", "/", ""], page);
  check("b.example:", [true, "b.example", "443", "/", ""], page);
  check("//b.example:/n", [true, "b.example", "443", "/n", ""], page);
});

test("without a page only absolute URLs work, and say so", () => {
  for (const url of [undefined, "/admin", "//b.example", "b.example"]) {
    assert.throws(() => parseTarget(url, undefined), /not an absolute URL/);
  }
});

test("nonsense and length are refused", () => {
  assert.throws(() => parseTarget("http://", undefined), /invalid URL/);
  assert.throws(() => parseTarget("http://a b:c", undefined), /invalid URL/);
  assert.throws(() => parseTarget("http://a.example/" + "x".repeat(8000), undefined), /^Error: URI too long$/);
  assert.equal(parseTarget("http://a/" + "x".repeat(7991), undefined).namespace.length, 7992);
});

test("the port is named unless it goes without saying", () => {
  assert.equal(authority(parseTarget("https://a.example:443", undefined)), "a.example");
  assert.equal(authority(parseTarget("http://a.example:443", undefined)), "a.example:443");
});
