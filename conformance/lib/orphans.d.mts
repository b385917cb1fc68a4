// SPDX-License-Identifier: MIT
import type { ChildProcess } from "node:child_process";

export function endWithUs<C extends ChildProcess>(child: C): C;
