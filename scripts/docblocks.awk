# SPDX-License-Identifier: MIT
#
# Writes the Go blocks of a Markdown file as packages below the directory OUT, which
# may import the module MODULE: a block that begins with "package" as it stands, any
# other as the body of a function that has a server, a socket, and what else the page
# takes as given; the variables that it declares need not be used. KIND chooses the
# blocks: with "redisadapter" those marked "```go redisadapter", which may import that
# module, at PATH; without it those marked "```go". Prints how many there were.

BEGIN {
	mark = "```go" (KIND ? " " KIND : "")
	imports = "context errors log net net/http net/netip os os/signal regexp sync syscall time " MODULE " " \
		MODULE "/adapter/cluster " MODULE "/engineio " MODULE "/engineio/forward"
	given = "bus cluster.LogBus, opts socketio.Options, secret []byte, order any"
	if (KIND) imports = imports " " MODULE "/" PATH
	if (KIND == "redisadapter") { imports = imports " github.com/redis/rueidis"; given = given ", client rueidis.Client, redis rueidis.ClientOption, node *forward.Node" }
	if (KIND == "pgadapter") imports = imports " github.com/jackc/pgx/v5"
	if (KIND == "webtransport") { imports = imports " crypto/tls github.com/quic-go/quic-go/http3"; given = given ", tlsConfig *tls.Config" }
	uses = "context.Context errors.ErrUnsupported log.Logger net.Conn http.Handler netip.Addr os.Signal signal.Stop " \
		"regexp.Regexp sync.Mutex syscall.Signal time.Duration cluster.Bus engineio.Driver forward.Options"
}

$0 == mark { on = 1; n++; text = unused = ""; next }

/^```$/ && on {
	on = 0
	dir = OUT "/" n
	system("mkdir -p " dir)
	file = dir "/main.go"
	if (text ~ /^package /) {
		printf "%s", text > file
	} else {
		split(imports, names, " ")
		print "package main\n\nimport (" > file
		for (i = 1; i in names; i++) printf "\t\"%s\"\n", names[i] > file
		print ")\n" > file
		split(uses, names, " ")
		for (i = 1; i in names; i++) print (names[i] ~ /errors|Stop/ ? "var _ = " : "var _ *") names[i] > file
		printf "\nfunc main() {}\n\nfunc _(io *socketio.Server, s *socketio.Socket, %s) {\n{\n%s%s}\n}\n", given, text, unused > file
	}
	close(file)
	next
}

on {
	text = text $0 "\n"
	if (match($0, /^[a-z][A-Za-z0-9]*(, [a-z][A-Za-z0-9]*)* := /)) {
		split(substr($0, 1, RLENGTH - 4), names, ", *")
		for (i = 1; i in names; i++) unused = unused "_ = " names[i] "\n"
	}
}

END { print n + 0 }
