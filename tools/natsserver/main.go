// SPDX-License-Identifier: MIT

// Natsserver is a NATS server for tests. It is a module of its own, so that the users of
// natsadapter do not get the requirements of the server. Its arguments are those of the
// program nats-server.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/nats-io/nats-server/v2/server"
)

func main() {
	flags := flag.NewFlagSet("natsserver", flag.ExitOnError)
	if err := run(flags); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(flags *flag.FlagSet) error {
	opts, err := server.ConfigureOptions(flags, os.Args[1:], func() {}, flags.Usage, func() {})
	if err != nil {
		return err
	}
	s, err := server.NewServer(opts)
	if err != nil {
		return err
	}
	s.ConfigureLogger()
	if err := server.Run(s); err != nil {
		return err
	}
	s.WaitForShutdown()
	return nil
}
