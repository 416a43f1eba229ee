package io.federation.hotreload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A hundred restarts of a program with a real server leave nothing behind. */
class LeakTest {

    private static final int WARM_UP = 10;
    private static final int RESTARTS = 100;

    /** Bytes by which the heap may grow: a generation holds 1 MiB, so that a single one that is kept is noticed. */
    private static final long HEAP = 900 * 1024;

    // The client's own threads and connections would be counted with the application's.
    static {
        System.setProperty("http.keepAlive", "false");
    }

    @TempDir
    Path folder;

    private final List<WeakReference<Served>> generations = Collections.synchronizedList(new ArrayList<>());
    private volatile int port;

    /** The resources of one generation. */
    private static final class Served {
        final byte[] ballast = new byte[1024 * 1024];
        final HttpServer server;
        final ExecutorService workers = Executors.newFixedThreadPool(4);
        final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor();

        Served(int port) throws IOException {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 16);
            server.setExecutor(workers);
            server.createContext("/", exchange -> {
                exchange.sendResponseHeaders(200, -1);
                exchange.close();
            });
            clock.scheduleAtFixedRate(() -> ballast[0]++, 0, 5, TimeUnit.MILLISECONDS);
            server.start();
        }
    }

    private void start(Context context) throws Exception {
        Served served = new Served(port);
        port = served.server.getAddress().getPort();
        generations.add(new WeakReference<>(served));
        context.onClose("clock", served.clock::shutdownNow);
        context.onClose("workers", served.workers::shutdown);
        context.onClose("server", () -> served.server.stop(0));
        context.loaded(List.of("http://localhost:" + port));
    }

    @Test
    void nothingIsLeftOfAHundredRestarts() throws Exception {
        try (Harness harness = new Harness()) {
            harness.set("signal", "HUP").set("watch", folder.resolve("federated.json").toString())
                    .set("listen", "127.0.0.1:0").set("token.file", folder.resolve("token").toString());
            harness.run(this::start);
            harness.awaitState("running", 1);
            int firstPort = port;
            restart(harness, 2, WARM_UP);
            Measure before = new Measure();
            restart(harness, WARM_UP + 2, RESTARTS);
            awaitCollected(1);
            Measure after = new Measure();
            System.out.println("leak test: " + RESTARTS + " restarts; before " + before + "; after " + after);
            assertEquals(firstPort, port);
            assertEquals(before.threads, after.threads, () -> "threads: " + Thread.getAllStackTraces().keySet());
            assertEquals(before.files, after.files, "open files");
            assertTrue(after.heap - before.heap < HEAP, "the heap grew by " + (after.heap - before.heap));
        }
        awaitCollected(0);
    }

    private void restart(Harness harness, int first, int count) throws IOException {
        for (int generation = first; generation < first + count; generation++) {
            ask();
            harness.restart();
            harness.awaitState("running", generation);
            assertTrue(harness.log.stream().noneMatch(line -> line.contains("leaves") || line.contains("abandoned")),
                    harness.log.toString());
            harness.log.clear();
        }
        ask();
    }

    private void ask() throws IOException {
        HttpURLConnection connection =
                (HttpURLConnection) new URL("http", "127.0.0.1", port, "/").openConnection();
        assertEquals(200, connection.getResponseCode());
        connection.disconnect();
    }

    private void awaitCollected(int alive) {
        Waiting.until("all generations but " + alive + " are collected", () -> {
            System.gc();
            return generations.stream().filter(generation -> generation.get() != null).count() <= alive;
        });
    }

    /** The memory in use once this JVM is quiet. */
    private final class Measure {
        final int threads;
        final int files;
        final long heap;

        Measure() {
            awaitCollected(1);
            // A server's workers come and go with the requests; the count is stable once two counts agree.
            threads = settled("threads", () -> Thread.getAllStackTraces().size());
            files = settled("open files", this::openFiles);
            heap = Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
        }

        private int settled(String what, IntSupplier count) {
            int[] last = {-1};
            Waiting.until("the number of " + what + " stays", () -> {
                int now = count.getAsInt();
                boolean same = now == last[0];
                last[0] = now;
                return same;
            });
            return last[0];
        }

        private int openFiles() {
            try (Stream<Path> entries = Files.list(Path.of("/proc/self/fd"))) {
                return (int) entries.count();
            } catch (IOException unreadable) {
                throw new IllegalStateException(unreadable);
            }
        }

        @Override
        public String toString() {
            return threads + " threads, " + files + " files, " + heap / 1024 + " KiB";
        }
    }
}
