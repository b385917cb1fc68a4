module socketio/adapter/diskstore

go 1.26.0

require (
	go.etcd.io/bbolt v1.5.0
	golang.org/x/sys v0.45.0
	socketio v0.0.0
)

require github.com/klauspost/compress v1.20.3 // indirect

replace socketio => ../..
