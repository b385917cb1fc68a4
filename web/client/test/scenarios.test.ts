// SPDX-License-Identifier: MIT

// This file runs the scenarios against the server of the environment, by default the reference.

import { scenarios } from "./scenarios.ts";

scenarios();
