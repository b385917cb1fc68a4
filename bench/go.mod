module socketio/bench

go 1.26

require (
	github.com/lxzan/gws v1.8.9
	socketio v0.0.0
)

require (
	github.com/dolthub/maphash v0.1.0 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
)

replace socketio => ..
