// SPDX-License-Identifier: MIT

// This file exports what the tests need.

package clusterhost

// Remains is remains.
var Remains = remains
