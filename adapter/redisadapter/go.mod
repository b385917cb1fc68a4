module socketio/adapter/redisadapter

go 1.26.0

require (
	github.com/redis/rueidis v1.0.79
	socketio v0.0.0
)

require (
	github.com/klauspost/compress v1.20.3 // indirect
	golang.org/x/sys v0.47.0 // indirect
)

replace socketio => ../..
