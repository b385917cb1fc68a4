// SPDX-License-Identifier: MIT
// Lists the public members of npm socket.io, from its type declarations, each of which needs a row in
// docs/from-node-to-go.md. Private, protected and internal ones, and those of Node's EventEmitter that are not
// redeclared, are left out; Node's own have a group of their own.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const modules = join(dirname(fileURLToPath(import.meta.url)), "../node_modules");

// The declarations, by the name that the table has for them: [package, file, exported or local name].
const GROUPS = [
  ["Server", "socket.io", "index.d.ts", "Server"],
  ["Server options", "socket.io", "index.d.ts", "ServerOptions"],
  ["Engine options", "engine.io", "server.d.ts", "ServerOptions"],
  ["Attach options", "engine.io", "server.d.ts", "AttachOptions"],
  ["Server events", "socket.io", "namespace.d.ts", "ServerReservedEventsMap"],
  ["Namespace", "socket.io", "namespace.d.ts", "Namespace"],
  ["Namespace events", "socket.io", "namespace.d.ts", "NamespaceReservedEventsMap"],
  ["ParentNamespace", "socket.io", "parent-namespace.d.ts", "ParentNamespace"],
  ["Socket", "socket.io", "socket.d.ts", "Socket"],
  ["Socket events", "socket.io", "socket-types.d.ts", "SocketReservedEventsMap"],
  ["Handshake", "socket.io", "socket-types.d.ts", "Handshake"],
  ["Disconnect reasons", "socket.io", "socket-types.d.ts", "DisconnectReason"],
  ["BroadcastOperator", "socket.io", "broadcast-operator.d.ts", "BroadcastOperator"],
  ["RemoteSocket", "socket.io", "broadcast-operator.d.ts", "RemoteSocket"],
  ["StrictEventEmitter", "socket.io", "typed-events.d.ts", "StrictEventEmitter"],
];

// Members of declarations outside socket.io that are visible to its users: group, package, file, name.
const NODE = ["EventEmitter", "@types/node", "events.d.ts", "EventEmitter"];

// Members that are not declared: the events of `io.engine`, which are only in the documentation.
const UNTYPED = { "Engine events": ["initial_headers", "headers", "connection_error"] };

// The version of the package that is listed.
export function version() {
  return JSON.parse(readFileSync(join(modules, "socket.io/package.json"), "utf8")).version;
}

// Every public member as { group, name }, in the order of the declarations.
export function members() {
  const files = new Map(GROUPS.map(([, name, file]) => [`${name}/${file}`, path(name, file)]));
  const program = ts.createProgram([...new Set(files.values())], {
    module: ts.ModuleKind.CommonJS,
    target: ts.ScriptTarget.ES2022,
    types: ["node"],
    skipLibCheck: true,
  });
  const checker = program.getTypeChecker();
  const found = [];
  for (const [group, name, file, declared] of GROUPS) {
    found.push(...own(program, checker, files.get(`${name}/${file}`), declared).map((member) => ({ group, name: member })));
  }
  found.push(...emitter(checker, program, files).map((name) => ({ group: NODE[0], name })));
  for (const [group, names] of Object.entries(UNTYPED)) found.push(...names.map((name) => ({ group, name })));
  return found;
}

function path(name, file) {
  const folder = { "socket.io": "dist", "engine.io": "build" }[name];
  return join(modules, name, folder, file);
}

// The members that a declaration itself has.
function own(program, checker, file, name) {
  const declaration = find(program.getSourceFile(file), name);
  if (ts.isTypeAliasDeclaration(declaration)) {
    const type = checker.getTypeAtLocation(declaration);
    return (type.isUnion() ? type.types : [type]).map((each) => each.value);
  }
  const names = declaration.members.filter(isPublic).map((member) => member.name.getText().replace(/^"(.*)"$/, "$1"));
  if (names.length === 0) throw new Error(`${name} in ${file} has no members`);
  return [...new Set(names)]; // overloads, and pairs of get and set, are one
}

function find(source, name) {
  const found = source?.statements.find((each) => each.name?.text === name);
  if (!found) throw new Error(`no ${name} in ${source?.fileName}`);
  return found;
}

function isPublic(member) {
  if (!member.name || ts.isConstructorDeclaration(member)) return false;
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
  if (ts.getCombinedModifierFlags(member) & hidden) return false;
  return !ts.getJSDocTags(member).some((tag) => ["private", "internal"].includes(tag.tagName.text));
}

// The members that a Socket has only from Node's EventEmitter.
function emitter(checker, program, files) {
  const type = checker.getTypeAtLocation(find(program.getSourceFile(files.get("socket.io/socket.d.ts")), "Socket"));
  return checker
    .getPropertiesOfType(type)
    .filter((symbol) => symbol.declarations?.every((each) => each.getSourceFile().fileName.includes("/@types/node/")))
    .map((symbol) => symbol.name)
    .filter((name) => !name.startsWith("__@")); // well-known symbols
}
