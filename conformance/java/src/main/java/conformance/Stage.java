// SPDX-License-Identifier: MIT
package conformance;

import io.socket.client.IO;
import io.socket.client.Socket;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import okhttp3.Dispatcher;
import okhttp3.OkHttpClient;

/** The resources of one run of a scenario: peers and server programs, all closed at its end. */
final class Stage {
    private static final OkHttpClient HTTP = http();

    final String transport;
    Program program;
    private final List<Peer> peers = new ArrayList<>();
    private final List<Program> programs = new ArrayList<>();

    Stage(String transport, Program program) {
        this.transport = transport;
        this.program = program;
    }

    Program ownServer(String... env) throws Exception {
        program = new Program(env);
        programs.add(program);
        return program;
    }

    private static OkHttpClient http() {
        Dispatcher dispatcher = new Dispatcher();
        dispatcher.setMaxRequestsPerHost(200);
        dispatcher.setMaxRequests(200);
        return new OkHttpClient.Builder().dispatcher(dispatcher).connectTimeout(1, TimeUnit.MINUTES).readTimeout(2, TimeUnit.MINUTES).build();
    }

    private IO.Options options() {
        IO.Options options = new IO.Options();
        options.transports = switch (transport) {
            case "upgrade" -> new String[] {"polling", "websocket"};
            default -> new String[] {transport};
        };
        options.forceNew = true;
        options.reconnectionDelay = 50;
        options.reconnectionDelayMax = 200;
        options.timeout = TimeUnit.SECONDS.toMillis(Peer.PATIENCE);
        // By default, the HTTP client has five requests to one host in flight, so at most five pollers.
        options.callFactory = HTTP;
        options.webSocketFactory = HTTP;
        return options;
    }

    /** A peer that is not connected yet. Auth may be null. */
    Peer peer(String nsp, Map<String, String> auth) {
        IO.Options options = options();
        options.auth = auth;
        return keep(IO.socket(URI.create(program.url() + nsp), options));
    }

    /** A further namespace on the connection of a peer. */
    Peer beside(Peer peer, String nsp) {
        return keep(peer.socket.io().socket(nsp));
    }

    private Peer keep(Socket socket) {
        Peer peer = new Peer(socket).listen(Socket.EVENT_CONNECT, Socket.EVENT_DISCONNECT, Socket.EVENT_CONNECT_ERROR);
        peers.add(peer);
        return peer;
    }

    Peer join(Peer peer) throws Exception {
        peer.socket.connect();
        peer.next(Socket.EVENT_CONNECT);
        return peer;
    }

    Peer connect() throws Exception {
        return join(peer("/", null));
    }

    /** Connected peers that listen to one event. */
    List<Peer> crowd(int count, String event) throws Exception {
        List<Peer> crowd = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Peer peer = peer("/", null).listen(event);
            peer.socket.connect();
            crowd.add(peer);
        }
        for (Peer peer : crowd) peer.next(Socket.EVENT_CONNECT);
        return crowd;
    }

    void clear() throws Exception {
        for (Peer peer : peers) peer.socket.io().reconnection(false);
        for (Peer peer : peers) peer.socket.disconnect();
        for (Program own : programs) own.stop();
    }
}
