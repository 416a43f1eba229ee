package io.federation.hotreload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.InetAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EndpointTest {

    private static final Pattern URL = Pattern.compile("the endpoint is (http://127\\.0\\.0\\.1:[0-9]+/hot-reload)");

    @TempDir
    Path folder;

    private final Harness harness = new Harness();
    private final HttpClient client = HttpClient.newHttpClient();
    private final Semaphore mayStart = new Semaphore(1);
    private String url;

    @BeforeEach
    void run() throws IOException {
        Files.writeString(folder.resolve("token"), "secret\n");
        harness.set("listen", "127.0.0.1:0").set("token.file", folder.resolve("token").toString());
        harness.run(context -> {
            context.loaded(List.of("http://fed-1:9000", "http://\"fed\\2\":9000"));
            mayStart.acquire();
        });
        harness.awaitState("running", 1);
        url = url();
    }

    @AfterEach
    void close() {
        mayStart.release(100);
        harness.close();
    }

    private String url() {
        harness.awaitLog("the endpoint is");
        Matcher found = URL.matcher(String.join("\n", harness.log));
        assertTrue(found.find(), harness.log.toString());
        return found.group(1);
    }

    private HttpResponse<String> send(String method, String where, String authorization, BodyPublisher body)
            throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(where)).method(method, body);
        if (!authorization.isEmpty()) {
            request.header("Authorization", authorization);
        }
        return client.send(request.build(), BodyHandlers.ofString());
    }

    private HttpResponse<String> send(String method, String authorization) throws Exception {
        return send(method, url, authorization, BodyPublishers.noBody());
    }

    @Test
    void reportsTheStatus() throws Exception {
        HttpResponse<String> answer = send("GET", "Bearer secret");
        assertEquals(200, answer.statusCode());
        assertEquals("application/json", answer.headers().firstValue("Content-Type").orElse(""));
        String start = "{\"state\": \"running\", \"generation\": 1, \"pid\": " + ProcessHandle.current().pid() + ", \"startedAt\": ";
        String end = ", \"reason\": \"\", \"FederatedServers\": [\"http://fed-1:9000\", \"http://\\\"fed\\\\2\\\":9000\"]}\n";
        assertTrue(answer.body().startsWith(start), answer.body());
        assertTrue(answer.body().endsWith(end), answer.body());
    }

    @Test
    void refusesARequestWithoutTheToken() throws Exception {
        for (String authorization : List.of("", "Bearer wrong", "Bearer ", "Bearer secretsecret", "Basic secret", "secret")) {
            for (String method : List.of("GET", "POST", "DELETE")) {
                HttpResponse<String> answer = send(method, authorization);
                assertEquals(401, answer.statusCode(), method + " with " + authorization);
                assertEquals("Bearer", answer.headers().firstValue("WWW-Authenticate").orElse(""));
                assertFalse(answer.body().contains("fed-1"), answer.body());
            }
        }
        assertTrue(harness.is("running", 1), "nothing was restarted");
        assertFalse(harness.log.toString().contains("secret"), "no token is logged");
    }

    @Test
    void refusesAnotherMethodPathOrBody() throws Exception {
        HttpResponse<String> deleted = send("DELETE", "Bearer secret");
        assertEquals(405, deleted.statusCode());
        assertEquals("GET, POST", deleted.headers().firstValue("Allow").orElse(""));
        assertEquals(404, send("GET", url + "/more", "Bearer secret", BodyPublishers.noBody()).statusCode());
        BodyPublisher tooLong = BodyPublishers.ofString("x".repeat(10_000));
        assertEquals(413, send("POST", url, "Bearer secret", tooLong).statusCode());
        assertTrue(harness.is("running", 1), "nothing was restarted");
    }

    @Test
    void restartsAndOutlivesIt() throws Exception {
        HttpResponse<String> answer = send("POST", "bearer secret");
        assertEquals(202, answer.statusCode());
        assertTrue(answer.body().contains("\"generation\": 1"), answer.body());
        Waiting.until("it is seen restarting", () -> {
            String body = send("GET", "Bearer secret").body();
            return body.contains("\"state\": \"restarting\", \"generation\": 2,");
        });
        for (int i = 0; i < 5; i++) {
            assertEquals(202, send("POST", "Bearer secret").statusCode());
        }
        mayStart.release(2);
        harness.awaitState("running", 3);
        assertEquals(2, harness.log.stream().filter(line -> line.contains("the endpoint was called")).count());
        assertTrue(send("GET", "Bearer secret").body().contains("\"state\": \"running\", \"generation\": 3,"));
    }

    @Test
    void opensLaterWhenItsPortIsTaken() throws Exception {
        try (Harness second = new Harness(); ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            second.set("listen", "127.0.0.1:" + taken.getLocalPort()).set("token.file", folder.resolve("token").toString());
            second.run(context -> { });
            second.awaitState("running", 1);
            second.awaitLog("the endpoint can't be opened; the next attempt is in");
            taken.close();
            second.awaitLog("the endpoint is");
        }
    }
}
