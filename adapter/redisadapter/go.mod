module socketio/adapter/redisadapter

go 1.26.0

require socketio v0.0.0

replace socketio => ../..
