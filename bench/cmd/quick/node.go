// SPDX-License-Identifier: MIT

//go:build linux

// This file asks which Node is compared.

package main

import (
	"os/exec"
	"strings"
)

func nodeVersion() string {
	out, err := exec.Command("node", "--version").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}
