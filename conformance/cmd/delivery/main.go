// SPDX-License-Identifier: MIT

// Delivery is what the delivery suite runs beside its clients: a server that records what
// it sends and receives, proxies with faults, and the checker.
//
// This file tells them apart.
package main

import (
	"errors"
	"fmt"
	"log"
	"os"

	"socketio/internal/faultnet"
	"socketio/internal/histcheck"
	"socketio/internal/histserver"
)

const usage = "usage: delivery server | delivery proxy | delivery check FOLDER"

func main() {
	log.SetFlags(0)
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 1 && args[0] == "server":
		return histserver.Serve(nil)
	case len(args) == 1 && args[0] == "proxy":
		return faultnet.Control(os.Stdin, os.Stdout)
	case len(args) == 2 && args[0] == "check":
		return check(args[1])
	}
	return errors.New(usage)
}

// check prints the report on the logs in a folder. Its first line is for programs: the
// number of faults of each class, as JSON.
func check(dir string) error {
	history, err := histcheck.ReadDir(dir)
	if err != nil {
		return err
	}
	report := histcheck.Check(history)
	fmt.Println(summary(report))
	fmt.Println(report)
	if !report.OK() {
		os.Exit(1)
	}
	return nil
}
