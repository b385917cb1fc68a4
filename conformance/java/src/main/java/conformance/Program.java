// SPDX-License-Identifier: MIT
package conformance;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A running server program, whose stdout carries one line, "listening PORT". */
final class Program {
    private static final long PATIENCE = 60;

    // Below the ports that systems assign by themselves: no program gets one of these by chance while a server is
    // down. Each process has some of its own.
    private static int ports;

    final int port;
    private final Process process;
    private final File said;
    private boolean killed;

    /** Starts the command that SERVER_CMD names; env is name, value, name, value. */
    Program(String... env) throws Exception {
        said = File.createTempFile("testserver", ".log");
        said.deleteOnExit();
        ProcessBuilder builder = new ProcessBuilder(System.getenv("SERVER_CMD").split(" ")).redirectError(said);
        builder.environment().put("PORT", "0");
        builder.environment().put("WITH_PARENT", "1"); // it ends when its input does
        builder.environment().put("GORACE", "atexit_sleep_ms=10");
        for (int i = 0; i < env.length; i += 2) builder.environment().put(env[i], env[i + 1]);
        process = builder.start();
        String line = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8)).readLine();
        Matcher match = Pattern.compile("listening (\\d+)").matcher(String.valueOf(line));
        if (!match.matches()) throw new AssertionError("first line of stdout is " + line);
        port = Integer.parseInt(match.group(1));
    }

    static String freePort() {
        while (true) {
            int port = 10000 + (int) ((ProcessHandle.current().pid() * 40 + ports++ % 40) % 22000);
            try (ServerSocket probe = new ServerSocket(port, 1, InetAddress.getByName("127.0.0.1"))) {
                return String.valueOf(probe.getLocalPort());
            } catch (IOException taken) {
                // the next one
            }
        }
    }

    String url() {
        return "http://127.0.0.1:" + port;
    }

    /** Ends the program at once, as a crash would. */
    void kill() throws Exception {
        killed = true;
        process.destroyForcibly().waitFor(PATIENCE, TimeUnit.SECONDS);
    }

    /** Ends the program as an operator would, and fails if it ended badly. */
    void stop() throws Exception {
        if (killed) return;
        process.destroy();
        if (!process.waitFor(PATIENCE, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError("the server did not end after SIGTERM");
        }
        String log = Files.readString(said.toPath());
        if (process.exitValue() != 0 || log.contains("DATA RACE") || log.contains("panic")) {
            throw new AssertionError("the server ended with " + process.exitValue() + ": " + log);
        }
    }
}
