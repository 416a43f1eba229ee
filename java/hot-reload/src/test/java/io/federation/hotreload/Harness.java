package io.federation.hotreload;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;

/** A controller on a thread of its own; its effects on the process are recorded instead of performed. */
final class Harness implements AutoCloseable {

    final List<String> log = Collections.synchronizedList(new ArrayList<>());
    final List<Integer> exits = Collections.synchronizedList(new ArrayList<>());
    final List<Boolean> successors = Collections.synchronizedList(new ArrayList<>());
    final List<Duration> pauses = Collections.synchronizedList(new ArrayList<>());
    volatile boolean successorsFail;
    volatile boolean logFails;
    volatile boolean restartable = true;
    Launch launch = Launch.PLAIN;

    private final Properties properties = new Properties();
    private Controller controller;
    private Thread thread;

    Harness() {
        set("signal", "off");
        set("backoff.first", "0.01");
    }

    Harness set(String name, String value) {
        properties.setProperty("hotreload." + name, value);
        return this;
    }

    Harness run(Application application, String... args) {
        controller = new Controller(Settings.of(properties, Map.of()), logged(application), List.of(args), launch,
                Optional.empty(), this::successor, exits::add);
        thread = new Thread(() -> {
            try {
                controller.run();
            } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
            }
        }, "controller");
        thread.start();
        return this;
    }

    void requestStop() {
        controller.requests().stop("the test asks");
    }

    void restart() {
        controller.requests().restart("the test asks");
    }

    String status() {
        return controller.status().json();
    }

    boolean is(String state, int generation) {
        return status().contains("\"state\": \"" + state + "\", \"generation\": " + generation + ",");
    }

    void awaitState(String state, int generation) {
        Waiting.until(state + " in generation " + generation, () -> is(state, generation));
    }

    void awaitLog(String part) {
        Waiting.until("a line with: " + part, () -> log, () -> logged(part));
    }

    boolean logged(String part) {
        synchronized (log) {
            return log.stream().anyMatch(line -> line.contains(part));
        }
    }

    void awaitEnd() {
        Waiting.until("the controller ends", () -> !thread.isAlive());
    }

    @Override
    public void close() {
        if (controller != null) {
            controller.stopAndWait("the test ends");
            awaitEnd();
        }
    }

    private long successor(boolean afterThisOne, Duration pause) throws IOException {
        successors.add(afterThisOne);
        pauses.add(pause);
        if (successorsFail) {
            throw new IOException("no such program");
        }
        return 4711;
    }

    private Application logged(Application application) {
        return new Application() {
            @Override
            public void start(Context context) throws Exception {
                application.start(context);
            }

            @Override
            public boolean restartable() {
                return restartable;
            }

            @Override
            public void log(System.Logger.Level level, String message) {
                log.add(message);
                if (logFails) {
                    throw new NoClassDefFoundError("the logging library");
                }
            }
        };
    }
}
