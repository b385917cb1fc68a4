// SPDX-License-Identifier: MIT

//go:build !linux

// This file is for systems on which programs do not end with the one that has started them.

package conformserver

import "syscall"

func endWithUs() *syscall.SysProcAttr { return nil }
