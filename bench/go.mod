module socketio/bench

go 1.26.0

require (
	github.com/coder/websocket v1.8.15
	github.com/jackc/pgx/v5 v5.13.0
	github.com/lxzan/gws v1.8.9
	github.com/redis/rueidis v1.0.79
	socketio v0.0.0
	socketio/adapter/diskstore v0.0.0
	socketio/adapter/pgadapter v0.0.0
	socketio/adapter/redisadapter v0.0.0
)

require (
	github.com/dolthub/maphash v0.1.0 // indirect
	github.com/jackc/pgpassfile v1.0.0 // indirect
	github.com/jackc/pgservicefile v0.0.0-20240606120523-5a60cdf6a761 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	go.etcd.io/bbolt v1.5.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
	golang.org/x/text v0.41.0 // indirect
)

replace (
	socketio => ..
	socketio/adapter/diskstore => ../adapter/diskstore
	socketio/adapter/pgadapter => ../adapter/pgadapter
	socketio/adapter/redisadapter => ../adapter/redisadapter
)
