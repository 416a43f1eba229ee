package io.federation.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The runnable jars and their scripts, as delivered. */
class NodesTest {

    private static final int SECONDS = 60;

    @TempDir
    Path folder;

    private final HttpClient client = HttpClient.newHttpClient();
    private final List<Process> processes = new ArrayList<>();
    private int federatedPort;
    private int databasePort;
    private int endpoint;

    @BeforeEach
    void choosePorts() throws IOException {
        federatedPort = freePort();
        databasePort = freePort();
        endpoint = freePort();
        federated("fed-1");
        Files.writeString(folder.resolve("config.json"), "{\"NodeID\": \"db-1\", \"FederatedServers\": [" + url() + "]}");
    }

    @AfterEach
    void endThem() throws InterruptedException {
        for (Process process : processes) {
            process.destroyForcibly().waitFor();
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private String url() {
        return "\"http://localhost:" + federatedPort + "\"";
    }

    private void federated(String nodeId) throws IOException {
        Path aside = Files.writeString(folder.resolve("aside"), "{\"Port\": " + federatedPort + ", \"NodeID\": \"" + nodeId
                + "\", \"FederatedServers\": [" + url() + "]}");
        Files.move(aside, folder.resolve("federated.json"), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    }

    private Process start(String... words) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(words).directory(folder.toFile());
        builder.redirectErrorStream(true).redirectOutput(folder.resolve("log-" + processes.size()).toFile());
        builder.environment().put("JAVA", java());
        builder.environment().put("JAVA_OPTS", "-Xmx64m");
        builder.environment().put("HTTP_PORT", Integer.toString(databasePort));
        builder.environment().put("HOT_RELOAD_TOKEN_FILE", "token");
        builder.environment().put("HOT_RELOAD_LISTEN", "127.0.0.1:" + endpoint);
        builder.environment().put("HOT_RELOAD_BACKOFF_FIRST", "0.05");
        Process process = builder.start();
        processes.add(process);
        return process;
    }

    private static String java() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }

    private static String example(String path) {
        return Path.of("..").toAbsolutePath().normalize().resolve(path).toString();
    }

    private String get(int port, String path) throws IOException, InterruptedException {
        return client.send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path)).build(),
                BodyHandlers.ofString()).body();
    }

    private int reload() throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + endpoint + "/hot-reload"))
                .header("Authorization", "Bearer " + Files.readString(folder.resolve("token")).trim())
                .POST(HttpRequest.BodyPublishers.noBody()).build();
        return client.send(request, BodyHandlers.discarding()).statusCode();
    }

    private void until(String what, Callable<Boolean> condition) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
        while (System.nanoTime() < end) {
            try {
                if (condition.call()) {
                    return;
                }
            } catch (IOException notYet) {
                // It is not listening yet.
            }
            Thread.sleep(20);
        }
        StringBuilder logs = new StringBuilder();
        for (int i = 0; i < processes.size(); i++) {
            logs.append(Files.readString(folder.resolve("log-" + i)));
        }
        fail("not within " + SECONDS + " s: " + what + "\n" + logs);
    }

    @Test
    void aFederatedServerRereadsItsFileAtEveryRestart() throws Exception {
        Process process = start(example("federated-server/run.sh"), "federated.json");
        until("it serves", () -> get(federatedPort, "/").contains("\"NodeID\":\"fed-1\",\"Role\":\"federated\""));
        assertTrue(get(federatedPort, "/").contains("\"generation\":1,\"pid\":" + process.pid()), "the script became Java");
        assertEquals("{\"healthy\":true}\n", get(federatedPort, "/health"));

        federated("fed-1b");
        assertEquals(202, reload());
        until("it read its file", () -> get(federatedPort, "/").contains("\"NodeID\":\"fed-1b\""));
        assertTrue(get(federatedPort, "/").contains("\"generation\":2,\"pid\":" + process.pid()));

        Files.writeString(folder.resolve("federated.json"), "{");
        assertEquals(202, reload());
        until("it says why it does not start", () -> log().contains("federated.json is not JSON"));
        federated("fed-1c");
        until("it starts when its file is whole", () -> get(federatedPort, "/").contains("\"NodeID\":\"fed-1c\""));

        process.destroy();
        assertTrue(process.waitFor(SECONDS, TimeUnit.SECONDS));
        assertEquals(143, process.exitValue());
        assertTrue(log().contains("fed-1 listens on " + federatedPort + ", generation 1, servers [http://localhost:"), log());
        assertTrue(log().contains("fed-1c closes, generation 3"), log());
    }

    private String log() throws IOException {
        return Files.readString(folder.resolve("log-0"));
    }

    @Test
    void aDatabaseNodeShowsWhichServersAnswer() throws Exception {
        start(java(), "-jar", example("database-node/target/database-node.jar"));
        until("it asked", () -> get(databasePort, "/").contains("\"Answers\":{" + url() + ":false}"));
        assertEquals("{\"healthy\":true}\n", get(databasePort, "/health"), "healthy though no server answers");
        endpoint = freePort();
        Process server = start(java(), "-jar", example("federated-server/target/federated-server.jar"));
        until("it sees the server", () -> get(databasePort, "/").contains("\"Answers\":{" + url() + ":true}"));
        server.destroyForcibly();
        until("it misses the server", () -> get(databasePort, "/").contains("\"Answers\":{" + url() + ":false}"));
    }

    @Test
    void theJarAloneChecksTheHealth() throws Exception {
        String jar = example("database-node/target/database-node.jar");
        assertEquals(1, start(java(), "-cp", jar, "io.federation.examples.Health", "config.json").waitFor());
        start(java(), "-jar", jar);
        until("it serves", () -> get(databasePort, "/health").contains("true"));
        assertEquals(0, start(java(), "-cp", jar, "io.federation.examples.Health", "config.json").waitFor());
    }
}
