// SPDX-License-Identifier: MIT

// Package pgadapter connects servers by PostgreSQL.
package pgadapter
