// SPDX-License-Identifier: MIT

// This file declares the constants that the build sets.

/** Whether the bundle contains debug output: see debug.ts. */
declare const DEBUG: boolean;
