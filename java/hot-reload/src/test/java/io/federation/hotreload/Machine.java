package io.federation.hotreload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** Real probes in JVMs of their own: started, queried, signalled, and always ended. */
final class Machine implements AutoCloseable {

    final Path folder;
    final int port;
    final Path out;
    final Path err;
    final ProcessBuilder builder;
    private final String mark = "-Dprobe.mark=" + UUID.randomUUID();
    private Process process;

    Machine(Path folder) throws IOException {
        this.folder = folder;
        port = freePort();
        out = folder.resolve("out");
        err = folder.resolve("err");
        builder = new ProcessBuilder().directory(folder.toFile()).redirectOutput(out.toFile()).redirectError(err.toFile());
        builder.environment().keySet().removeIf(name -> name.startsWith("HOT_RELOAD_") || name.equals("INVOCATION_ID")
                || name.equals("NOTIFY_SOCKET") || name.equals("KUBERNETES_SERVICE_HOST") || name.equals("container")
                || name.equals("JAVA_TOOL_OPTIONS") || name.equals("JDK_JAVA_OPTIONS"));
    }

    static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    static String java() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }

    /** The options of a JVM that runs a probe, without the program and the main class. */
    List<String> options(String... more) {
        List<String> options = new ArrayList<>(List.of("-Xmx64m", "-Dprobe.port=" + port, mark,
                "-Dhotreload.backoff.first=0.05"));
        options.addAll(List.of(more));
        return options;
    }

    List<String> java(List<String> options, String... args) {
        List<String> words = new ArrayList<>(List.of(java()));
        words.addAll(options);
        words.addAll(List.of("-cp", System.getProperty("java.class.path"), Probe.class.getName()));
        words.addAll(List.of(args));
        return words;
    }

    Process start(List<String> words) throws IOException {
        process = builder.command(words).start();
        awaitServing();
        return process;
    }

    long awaitServing() {
        Waiting.until("the probe serves", () -> this, () -> !ask("/pid").isEmpty());
        return Long.parseLong(askNow("/pid"));
    }

    /** Restarts the probe by SIGHUP, and waits for its successor; returns that one's pid. */
    long restartInANewProcess() throws IOException, InterruptedException {
        long before = awaitServing();
        List<byte[]> words = proc().arguments(before);
        signal(before, "HUP");
        Waiting.until("another process serves", () -> this, () -> Long.parseLong(ask("/pid")) != before);
        Waiting.until("the old process is gone", () -> !alive().contains(before));
        long after = awaitServing();
        assertNotEquals(before, after);
        assertEquals(texts(words), texts(proc().arguments(after)), "the command line is the same, to the byte");
        return after;
    }

    void signal(long pid, String name) throws IOException, InterruptedException {
        assertEquals(0, new ProcessBuilder("kill", "-" + name, Long.toString(pid)).start().waitFor());
    }

    int exitCode() throws InterruptedException {
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            throw new AssertionError("what was launched does not end; " + this);
        }
        return process.exitValue();
    }

    String ask(String path) throws IOException {
        HttpURLConnection connection =
                (HttpURLConnection) new URL("http", "127.0.0.1", port, path).openConnection();
        connection.setConnectTimeout(5_000);
        connection.setReadTimeout(30_000);
        try (InputStream in = connection.getInputStream()) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } finally {
            connection.disconnect();
        }
    }

    String askNow(String path) {
        try {
            return ask(path);
        } catch (IOException failure) {
            throw new AssertionError(path + " is not answered; " + this, failure);
        }
    }

    /** The pids of the running probes, without zombies. */
    List<Long> alive() {
        return ProcessHandle.allProcesses().map(ProcessHandle::pid)
                .filter(pid -> texts(proc().arguments(pid)).contains(mark)).collect(Collectors.toList());
    }

    String output() throws IOException {
        return Files.readString(out);
    }

    static Proc proc() {
        return new Proc(Path.of("/"));
    }

    // One char for each byte, because the bytes are compared.
    static List<String> texts(List<byte[]> words) {
        return words.stream().map(word -> new String(word, StandardCharsets.ISO_8859_1)).collect(Collectors.toList());
    }

    @Override
    public void close() {
        Waiting.until("every probe is gone", () -> {
            alive().forEach(pid -> ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly));
            return alive().isEmpty();
        });
        if (process != null) {
            process.destroyForcibly();
        }
    }

    @Override
    public String toString() {
        try {
            return "alive: " + alive() + ", out: " + Files.readString(out) + ", err: " + Files.readString(err);
        } catch (IOException unreadable) {
            return unreadable.toString();
        }
    }
}
