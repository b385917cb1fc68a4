// SPDX-License-Identifier: MIT
package conformance;

import static conformance.Peer.equal;

import io.socket.client.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.json.JSONArray;
import org.json.JSONObject;

/** The scenarios by name, in the order they run. */
final class Scenarios {
    interface Body {
        void run(Stage stage) throws Exception;
    }

    static final Map<String, Body> ALL = new LinkedHashMap<>();
    private static final String TEXT = "àéîõü Ελληνικά 中文 😀👩‍👩‍👧‍👦 \u2028\u001e \"\\ ends";

    static {
        ALL.put("connect", Scenarios::connect);
        ALL.put("the transport is the one asked for", Scenarios::transport);
        ALL.put("auth reaches the server", Scenarios::auth);
        ALL.put("echo of every JSON type", Scenarios::values);
        ALL.put("echo of unicode", Scenarios::unicode);
        ALL.put("binary echo at every depth", Scenarios::binary);
        ALL.put("the server sends binary", Scenarios::gift);
        ALL.put("several arguments, and none", Scenarios::arguments);
        ALL.put("the server asks and the client answers", Scenarios::asks);
        ALL.put("two hundred acknowledgements in flight", Scenarios::inFlight);
        ALL.put("a thousand emits keep their order", Scenarios::order);
        ALL.put("several namespaces on one connection", Scenarios::namespaces);
        ALL.put("an unknown namespace is refused", Scenarios::unknown);
        ALL.put("middleware refuses with data", Scenarios::denied);
        ALL.put("token auth: refused, then let in", Scenarios::token);
        ALL.put("to everyone, and to everyone but the sender", Scenarios::broadcast);
        ALL.put("rooms: join, to, leave", Scenarios::rooms);
        ALL.put("the client disconnects", Scenarios::leaves);
        ALL.put("the server disconnects, last words first", Scenarios::ended);
        ALL.put("the server is killed and starts again on its port", Scenarios::restart);
        ALL.put("a large message", Scenarios::large);
        ALL.put("pings keep an idle connection", Scenarios::pings);
        ALL.put("twenty clients at once", Scenarios::crowd);
    }

    private static JSONObject map(Object... pairs) throws Exception {
        JSONObject map = new JSONObject();
        for (int i = 0; i < pairs.length; i += 2) map.put((String) pairs[i], pairs[i + 1]);
        return map;
    }

    private static JSONArray list(Object... values) {
        JSONArray list = new JSONArray();
        for (Object value : values) list.put(value);
        return list;
    }

    private static JSONObject box() throws Exception {
        JSONObject inner = map("inner", "é".getBytes(StandardCharsets.UTF_8));
        JSONObject deep = map("list", list(new byte[] {1, 2, 3}, inner), "none", JSONObject.NULL);
        return map("deep", deep, "empty", new byte[0]);
    }

    private static void connect(Stage stage) throws Exception {
        Peer peer = stage.join(stage.peer("/", null).listen("auth"));
        if (peer.socket.id().length() < 16) throw new AssertionError("short id " + peer.socket.id());
        equal(peer.next("auth"), new Object[] {new JSONObject()});
        equal(peer.ask("rooms"), list(peer.socket.id()));
    }

    private static void transport(Stage stage) throws Exception {
        Peer peer = stage.connect();
        if (!stage.transport.equals("upgrade")) {
            equal(peer.ask("transport"), stage.transport);
            return;
        }
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(Peer.PATIENCE);
        while (!"websocket".equals(peer.ask("transport"))) {
            if (System.nanoTime() > end) throw new AssertionError("no upgrade");
        }
    }

    private static void auth(Stage stage) throws Exception {
        Peer peer = stage.join(stage.peer("/", Map.of("token", "é😀 a+b&c=d")));
        JSONObject handshake = (JSONObject) peer.ask("handshake");
        equal(handshake.get("auth"), map("token", "é😀 a+b&c=d"));
        equal(handshake.getJSONObject("query").get("EIO"), "4");
    }

    private static void values(Stage stage) throws Exception {
        Peer peer = stage.connect().listen("echo-event");
        Object[] values = {
            JSONObject.NULL, true, false, 0, -42, (1L << 53) - 1, 0.1, 1e21, "", "x", list(), map(),
            list(list(1, list(2, map("a", JSONObject.NULL)))), map("", map("b", list(true))),
        };
        for (Object value : values) {
            equal(peer.call("echo", value), new Object[] {value});
            equal(peer.call("echo-raw", value), new Object[] {value});
            peer.socket.emit("echo-event", value);
            equal(peer.next("echo-event"), new Object[] {value});
        }
    }

    private static void unicode(Stage stage) throws Exception {
        Peer peer = stage.connect();
        Object[] sent = {TEXT, map(TEXT, TEXT)};
        equal(peer.call("echo", sent), sent);
        equal(peer.call("echo-raw", sent), sent);
    }

    private static void binary(Stage stage) throws Exception {
        Peer peer = stage.connect();
        Object[] values = {new byte[] {0, 1, -2, -1}, new byte[0], list(list(new byte[] {7})), box()};
        for (Object value : values) equal(peer.ask("echo", value), value);
        Object[] many = new Object[10];
        for (int i = 0; i < many.length; i++) many[i] = new byte[i * 100];
        equal(peer.call("echo", many), many);
    }

    private static void gift(Stage stage) throws Exception {
        Peer peer = stage.connect().listen("gift");
        equal(peer.call("gift"), new Object[] {new byte[] {9, 8, 7}, box()});
        equal(peer.next("gift"), new Object[] {"before", box(), new byte[] {-1, 0}, "after"});
    }

    private static void arguments(Stage stage) throws Exception {
        Peer peer = stage.connect().listen("message-back");
        Object[] many = {1, "2", list(3), map("four", 4), JSONObject.NULL, true, new byte[] {5}};
        equal(peer.call("echo", many), many);
        equal(peer.call("echo"), new Object[0]);
        peer.socket.emit("message", many);
        equal(peer.next("message-back"), many);
    }

    private static void asks(Stage stage) throws Exception {
        Peer peer = stage.connect().answer(map("a", 1), "second", new byte[] {1});
        Object got = peer.ask("ask", 60000, "question", 1, new byte[] {2});
        equal(got, map("ok", true, "reply", list(map("a", 1), "second", new byte[] {1})));
        equal(peer.next("question"), new Object[] {1, new byte[] {2}});
    }

    private static void inFlight(Stage stage) throws Exception {
        Peer peer = stage.connect();
        List<CompletableFuture<Object[]>> answers = new ArrayList<>();
        for (int i = 0; i < 200; i++) answers.add(peer.send("echo", i, new byte[] {(byte) i}));
        for (int i = 0; i < 200; i++) {
            equal(answers.get(i).get(Peer.PATIENCE, TimeUnit.SECONDS), new Object[] {i, new byte[] {(byte) i}});
        }
    }

    private static void order(Stage stage) throws Exception {
        Peer peer = stage.connect().listen("burst");
        JSONArray want = new JSONArray();
        for (int i = 0; i < 1000; i++) {
            peer.socket.emit("collect", i);
            want.put(i);
        }
        equal(peer.ask("collected"), want);
        peer.call("burst", 1000);
        for (int i = 0; i < 1000; i++) equal(peer.next("burst"), new Object[] {i});
    }

    private static void namespaces(Stage stage) throws Exception {
        Peer root = stage.connect();
        Peer custom = stage.join(stage.beside(root, "/custom"));
        if (root.socket.id().equals(custom.socket.id())) throw new AssertionError("one id for two namespaces");
        equal(root.ask("echo", "root"), "root");
        equal(custom.call("echo", "custom", new byte[] {1}), new Object[] {"custom", new byte[] {1}});
        JSONObject stats = (JSONObject) root.ask("stats");
        equal(stats.getJSONObject("sockets").get("/custom"), 1);
        custom.socket.disconnect();
        equal(root.ask("echo", "still"), "still");
    }

    private static JSONObject refusal(Peer peer) throws Exception {
        peer.socket.connect();
        return (JSONObject) peer.next(Socket.EVENT_CONNECT_ERROR)[0];
    }

    private static void unknown(Stage stage) throws Exception {
        equal(refusal(stage.peer("/unknown", null)), map("message", "Invalid namespace"));
    }

    private static void denied(Stage stage) throws Exception {
        JSONObject data = map("code", 42, "nested", map("list", list(1, "two", JSONObject.NULL)));
        equal(refusal(stage.peer("/denied", null)), map("message", "denied", "data", data));
    }

    private static void token(Stage stage) throws Exception {
        Map<String, String> auth = new LinkedHashMap<>(Map.of("token", "wrong"));
        Peer peer = stage.peer("/token", auth);
        equal(refusal(peer), map("message", "not authorized", "data", map("hint", "token")));
        // The client keeps the map it was given and sends it again.
        auth.put("token", "secret");
        stage.join(peer);
        equal(peer.ask("echo", "in"), "in");
    }

    private static void broadcast(Stage stage) throws Exception {
        List<Peer> crowd = stage.crowd(3, "news");
        Peer ann = crowd.get(0);
        ann.call("send", map("via", "io"), "news", "all", box());
        for (Peer peer : crowd) equal(peer.next("news"), new Object[] {"all", box()});
        ann.call("send", map("via", "socket"), "news", "others");
        for (Peer peer : crowd.subList(1, 3)) equal(peer.next("news"), new Object[] {"others"});
        ann.call("echo", "in order");
        equal(ann.waiting("news"), 0);
    }

    private static void rooms(Stage stage) throws Exception {
        List<Peer> crowd = stage.crowd(3, "news");
        Peer ann = crowd.get(0);
        Peer ben = crowd.get(1);
        Peer cat = crowd.get(2);
        ann.call("join", "kitchen");
        ben.call("join", "kitchen", "garden");
        equal(((JSONArray) ben.ask("rooms")).length(), 3);
        cat.call("send", map("via", "io", "to", list("kitchen", "garden")), "news", "once");
        equal(ann.next("news"), new Object[] {"once"});
        equal(ben.next("news"), new Object[] {"once"});
        ben.call("leave", "kitchen");
        cat.call("send", map("via", "io", "to", list("kitchen")), "news", "left");
        equal(ann.next("news"), new Object[] {"left"});
        ben.call("echo", "in order");
        equal(ben.waiting("news") + cat.waiting("news"), 0);
    }

    private static void leaves(Stage stage) throws Exception {
        Peer watcher = stage.connect().listen("gone");
        Peer peer = stage.connect();
        String id = peer.socket.id();
        watcher.call("watch", id);
        peer.socket.disconnect();
        equal(peer.next(Socket.EVENT_DISCONNECT), new Object[] {"io client disconnect"});
        JSONObject gone = (JSONObject) watcher.next("gone")[0];
        equal(gone.get("id"), id);
        equal(gone.get("reason"), "client namespace disconnect");
    }

    private static void ended(Stage stage) throws Exception {
        for (boolean close : new boolean[] {false, true}) {
            Peer peer = stage.connect().listen("bye");
            peer.socket.emit("farewell", 20, close);
            for (int i = 0; i < 20; i++) equal(peer.next("bye"), new Object[] {i});
            equal(peer.next(Socket.EVENT_DISCONNECT), new Object[] {"io server disconnect"});
        }
    }

    private static void restart(Stage stage) throws Exception {
        Program program = stage.ownServer("PORT", Program.freePort());
        Peer peer = stage.join(stage.peer("/", Map.of("who", "me")));
        String old = peer.socket.id();
        peer.call("join", "a room of the old server");
        program.kill();
        String reason = (String) peer.next(Socket.EVENT_DISCONNECT)[0];
        if (!reason.equals("transport error") && !reason.equals("transport close")) throw new AssertionError(reason);
        stage.ownServer("PORT", String.valueOf(program.port));
        peer.next(Socket.EVENT_CONNECT);
        if (old.equals(peer.socket.id())) throw new AssertionError("the old id");
        equal(peer.ask("rooms"), list(peer.socket.id()));
        equal(((JSONObject) peer.ask("handshake")).get("auth"), map("who", "me"));
    }

    private static void large(Stage stage) throws Exception {
        Peer peer = stage.connect();
        String text = "0123456789".repeat(60000);
        equal(peer.ask("echo", text), text);
        byte[] bytes = new byte[300 * 1024];
        for (int i = 0; i < bytes.length; i++) bytes[i] = (byte) (i * 31);
        equal(peer.ask("echo", list(bytes)), list(bytes));
    }

    private static void pings(Stage stage) throws Exception {
        stage.ownServer("PING_INTERVAL", "500ms", "PING_TIMEOUT", "3s");
        Peer peer = stage.connect();
        Thread.sleep(4000);
        equal(peer.waiting(Socket.EVENT_DISCONNECT), 0);
        equal(peer.ask("echo", "alive"), "alive");
    }

    private static void crowd(Stage stage) throws Exception {
        List<Peer> crowd = stage.crowd(20, "chat message");
        crowd.get(0).socket.emit("chat message", "hello");
        for (Peer peer : crowd) equal(peer.next("chat message"), new Object[] {"hello"});
        List<CompletableFuture<Object[]>> answers = new ArrayList<>();
        for (Peer peer : crowd) answers.add(peer.send("echo", peer.socket.id()));
        for (int i = 0; i < crowd.size(); i++) {
            equal(answers.get(i).get(Peer.PATIENCE, TimeUnit.SECONDS), new Object[] {crowd.get(i).socket.id()});
        }
    }

    private Scenarios() {}
}
