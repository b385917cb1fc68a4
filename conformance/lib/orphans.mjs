// SPDX-License-Identifier: MIT
// Programs that end when the process that started them does, however that ends.
import { spawn } from "node:child_process";

// A shell that reads "+ PID" and "- PID". When its input ends, this process has ended: what is
// left is asked to end, and killed after 5 s.
const SCRIPT = `
trap '' HUP INT TERM
pids=' '
while read -r sign pid; do
  case $sign in
  +) pids="$pids$pid " ;;
  -) pids="\${pids%% $pid *} \${pids#* $pid }" ;;
  esac
done
for pid in $pids; do kill "$pid" && left="$left $pid"; done
for _ in 1 2 3 4 5; do
  [ -n "$left" ] || exit 0
  sleep 1
  still=
  for pid in $left; do kill -0 "$pid" && still="$still $pid"; done
  left=$still
done
for pid in $left; do kill -KILL "$pid"; done
`;

let shell;

// Ends a child process with this one.
export function endWithUs(child) {
  if (child.pid === undefined) return child; // it did not start
  if (!shell) {
    shell = spawn("/bin/sh", ["-c", SCRIPT], { stdio: ["pipe", "ignore", "ignore"], detached: true });
    shell.stdin.on("error", () => {});
    shell.unref();
    shell.stdin.unref();
  }
  shell.stdin.write(`+ ${child.pid}\n`);
  child.once("exit", () => shell.stdin.write(`- ${child.pid}\n`));
  return child;
}
