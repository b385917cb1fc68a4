// SPDX-License-Identifier: MIT

// This file declares what the build sets.

/** Whether the bundle prints what it does when it is asked to: see debug.ts. */
declare const DEBUG: boolean;
