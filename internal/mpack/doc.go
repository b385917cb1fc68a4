// SPDX-License-Identifier: MIT

// Package mpack reads and writes the bytes of MessagePack values, in the dialect of
// notepack.io and @msgpack/msgpack: numbers are those of JavaScript, extension type 0 is
// undefined, a Date or an ArrayBuffer, by its size. It knows neither packets nor adapters;
// values that hold others are followed by its users.
//
// Reading order: head.go, append.go.
package mpack
