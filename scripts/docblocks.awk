# SPDX-License-Identifier: MIT
#
# Writes the Go blocks of a Markdown file as packages below the directory OUT, which
# may import the module MODULE: a block that begins with "package" as it stands, any
# other as the body of a function that has a server and a socket. A block marked
# otherwise, such as "```go before", is left out. Prints how many there were.

/^```go$/ { on = 1; n++; text = ""; next }

/^```$/ && on {
	on = 0
	dir = OUT "/" n
	system("mkdir -p " dir)
	file = dir "/main.go"
	if (text ~ /^package /) {
		printf "%s", text > file
	} else {
		split("context errors log net net/http net/netip os os/signal regexp sync syscall time " MODULE " " MODULE "/engineio", names, " ")
		print "package main\n\nimport (" > file
		for (i = 1; i in names; i++) printf "\t\"%s\"\n", names[i] > file
		print ")\n" > file
		print "var (\n\t_ context.Context\n\t_ = errors.New\n\t_ = log.Print\n\t_ net.Conn\n\t_ http.Handler\n\t_ netip.Addr\n\t_ os.Signal\n\t_ = signal.Stop\n\t_ *regexp.Regexp\n\t_ sync.Mutex\n\t_ syscall.Signal\n\t_ time.Duration\n\t_ engineio.Driver\n)\n" > file
		printf "func main() {}\n\nfunc _(io *socketio.Server, s *socketio.Socket) {\n{\n%s}\n}\n", text > file
	}
	close(file)
	next
}

on { text = text $0 "\n" }

END { print n + 0 }
