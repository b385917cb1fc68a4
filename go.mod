module socketio

go 1.26
