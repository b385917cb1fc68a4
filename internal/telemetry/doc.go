// SPDX-License-Identifier: MIT

// Package telemetry keeps what watches a server from hurting it: a panic of an
// observer goes no further, and what a log gets can't fake a line of it.
//
// Reading order: observers.go, logger.go, logvalue.go, sampled.go.
package telemetry
