// SPDX-License-Identifier: MIT
package conformance;

import java.util.Map;

/**
 * Runs every scenario with the Java client over polling, WebSocket and the upgrade, against the program that
 * SERVER_CMD names. Prints a line for each and, last, the sum. ONLY=text keeps scenarios by name.
 */
public final class Main {
    public static void main(String[] args) throws Exception {
        String only = System.getenv().getOrDefault("ONLY", "");
        int passed = 0;
        int failed = 0;
        for (String transport : new String[] {"polling", "websocket", "upgrade"}) {
            Program program = new Program();
            for (Map.Entry<String, Scenarios.Body> scenario : Scenarios.ALL.entrySet()) {
                if (!scenario.getKey().contains(only)) continue;
                String title = "java, " + transport + ": " + scenario.getKey();
                Throwable why = attempt(scenario.getValue(), new Stage(transport, program));
                if (why == null) {
                    passed++;
                    System.out.println("ok " + title);
                } else {
                    failed++;
                    System.out.println("FAIL " + title + ": " + why + " at " + place(why));
                }
            }
            program.stop();
        }
        System.out.println(passed + " passed, " + failed + " failed");
        // The client's HTTP threads linger for a minute.
        System.exit(failed == 0 ? 0 : 1);
    }

    private static Throwable attempt(Scenarios.Body body, Stage stage) {
        Throwable why = null;
        try {
            body.run(stage);
        } catch (Throwable e) {
            why = e;
        }
        try {
            stage.clear();
        } catch (Throwable e) {
            why = why == null ? e : why;
        }
        return why;
    }

    private static StackTraceElement place(Throwable why) {
        for (StackTraceElement each : why.getStackTrace()) {
            if (each.getClassName().equals(Scenarios.class.getName())) return each;
        }
        return why.getStackTrace()[0];
    }

    private Main() {}
}
