package io.federation.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class NodeServerTest {

    private static final int SECONDS = 60;

    private final CountDownLatch asked = new CountDownLatch(1);
    private final CountDownLatch mayAnswer = new CountDownLatch(1);
    private int port;
    private NodeServer server;

    @BeforeEach
    void listen() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
        }
        server = new NodeServer("127.0.0.1", port, this::slowly, () -> "");
    }

    @AfterEach
    void end() throws InterruptedException {
        mayAnswer.countDown();
        server.close();
    }

    private JsonObject slowly() {
        asked.countDown();
        try {
            mayAnswer.await();
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
        return new JsonObject();
    }

    private CompletableFuture<HttpResponse<String>> ask() throws InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/")).build();
        CompletableFuture<HttpResponse<String>> answer =
                HttpClient.newHttpClient().sendAsync(request, BodyHandlers.ofString());
        assertTrue(asked.await(SECONDS, TimeUnit.SECONDS));
        return answer;
    }

    private Thread close() {
        Thread closer = new Thread(() -> {
            try {
                server.close();
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
        });
        closer.start();
        return closer;
    }

    private static void awaitWaiting(Thread thread) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
        while (thread.getState() != Thread.State.TIMED_WAITING) {
            assertTrue(System.nanoTime() < end, "it never waits: " + thread.getState());
            Thread.onSpinWait();
        }
    }

    @Test
    void aRequestInProgressIsAnsweredBeforeTheClose() throws Exception {
        CompletableFuture<HttpResponse<String>> answer = ask();
        Thread closer = close();
        awaitWaiting(closer);

        mayAnswer.countDown();

        HttpResponse<String> whole = answer.get(SECONDS, TimeUnit.SECONDS);
        assertEquals(200, whole.statusCode());
        assertEquals("{}\n", whole.body());
        closer.join(TimeUnit.SECONDS.toMillis(SECONDS));
        assertFalse(closer.isAlive());
    }

    @Test
    void anAnswerThatNeverComesDoesNotDelayTheEnd() throws Exception {
        CompletableFuture<HttpResponse<String>> answer = ask();

        Thread closer = close();
        closer.join(TimeUnit.SECONDS.toMillis(SECONDS));

        assertFalse(closer.isAlive());
        assertThrows(ExecutionException.class, () -> answer.get(SECONDS, TimeUnit.SECONDS));
    }
}
