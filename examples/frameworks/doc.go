// SPDX-License-Identifier: MIT

// Package frameworks mounts a Socket.IO server in web frameworks. Each file is one
// framework, and docs/frameworks.md shows it. The package has a module of its own: users
// of socketio need none of its dependencies.
package frameworks
