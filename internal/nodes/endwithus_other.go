// SPDX-License-Identifier: MIT

//go:build !linux

// This file is for systems on which programs do not end with the one that has started them.

package nodes

import "syscall"

// EndWithUs is for Linux only.
func EndWithUs() *syscall.SysProcAttr { return nil }
