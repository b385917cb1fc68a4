module socketio/internal/difftest

go 1.26

require (
	github.com/gobwas/ws v1.5.0
	socketio v0.0.0
)

require (
	github.com/gobwas/httphead v0.1.0 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
)

replace socketio => ../..
