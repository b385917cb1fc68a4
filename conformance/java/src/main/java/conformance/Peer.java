// SPDX-License-Identifier: MIT
package conformance;

import io.socket.client.Ack;
import io.socket.client.Socket;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.json.JSONArray;
import org.json.JSONException;
import org.json.JSONObject;

/** A socket whose events go into one queue for each name, and whose acknowledgements can be waited for. */
final class Peer {
    static final long PATIENCE = 60;

    final Socket socket;
    private final Map<String, BlockingQueue<Object[]>> queues = new ConcurrentHashMap<>();

    Peer(Socket socket) {
        this.socket = socket;
    }

    /** Keeps the received events of these names. */
    Peer listen(String... names) {
        for (String name : names) {
            BlockingQueue<Object[]> queue = new LinkedBlockingQueue<>();
            queues.put(name, queue);
            socket.on(name, queue::add);
        }
        return this;
    }

    /** Acknowledges the event "question" with these values; its arguments are kept. */
    Peer answer(Object... values) {
        BlockingQueue<Object[]> queue = new LinkedBlockingQueue<>();
        queues.put("question", queue);
        socket.on("question", args -> {
            queue.add(Arrays.copyOf(args, args.length - 1));
            ((Ack) args[args.length - 1]).call(values);
        });
        return this;
    }

    /** The arguments of the next such event. */
    Object[] next(String name) throws InterruptedException {
        Object[] args = queues.get(name).poll(PATIENCE, TimeUnit.SECONDS);
        if (args == null) throw new AssertionError("event " + name + " did not come within " + PATIENCE + " s");
        return args;
    }

    /** The number of such events that were received and not taken. */
    int waiting(String name) {
        return queues.get(name).size();
    }

    /** The acknowledgement of one emit, not yet waited for. */
    CompletableFuture<Object[]> send(String name, Object... args) {
        CompletableFuture<Object[]> answer = new CompletableFuture<>();
        socket.emit(name, args, (Ack) answer::complete);
        return answer;
    }

    Object[] call(String name, Object... args) throws Exception {
        return send(name, args).get(PATIENCE, TimeUnit.SECONDS);
    }

    Object ask(String name, Object... args) throws Exception {
        return call(name, args)[0];
    }

    /** Fails unless both have the same text. */
    static void equal(Object got, Object want) {
        if (!text(got).equals(text(want))) throw new AssertionError("got " + text(got) + ", want " + text(want));
    }

    /** A value as text: keys in order, binary in hexadecimal, numbers as their double value. */
    static String text(Object value) {
        try {
            if (value instanceof byte[] bytes) {
                StringBuilder hex = new StringBuilder("<");
                for (byte b : bytes) hex.append(String.format("%02x", b));
                return hex.append(">").toString();
            }
            if (value instanceof Object[] list) return text(new JSONArray(Arrays.asList(list)));
            if (value instanceof JSONArray list) {
                StringBuilder all = new StringBuilder("[");
                for (int i = 0; i < list.length(); i++) all.append(i == 0 ? "" : ",").append(text(list.opt(i)));
                return all.append("]").toString();
            }
            if (value instanceof JSONObject map) {
                TreeMap<String, String> sorted = new TreeMap<>();
                for (var keys = map.keys(); keys.hasNext(); ) {
                    String key = String.valueOf(keys.next());
                    sorted.put(key, text(map.get(key)));
                }
                return sorted.toString();
            }
            if (value instanceof Number number) return String.valueOf(number.doubleValue());
            if (value instanceof String string) return JSONObject.quote(string);
            return String.valueOf(value);
        } catch (JSONException e) {
            throw new AssertionError(e);
        }
    }
}
