package io.federation.examples;

import com.google.gson.JsonObject;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Phaser;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/** A node's HTTP side: {@code GET /} reports what it is, {@code GET /health} whether it serves. */
public final class NodeServer implements AutoCloseable {

    private static final int PATIENCE = 2; // seconds

    private final HttpServer server;
    private final ExecutorService workers = Executors.newFixedThreadPool(4);
    private final Supplier<JsonObject> description;
    private final Supplier<String> trouble;
    /** The server itself, and each request that is being answered. */
    private final Phaser busy = new Phaser(1);

    private volatile boolean closing;

    /**
     * Listens at once.
     *
     * @param host the address to listen on; empty means every address
     * @param trouble why the node is not healthy; empty if it is
     */
    public NodeServer(String host, int port, Supplier<JsonObject> description, Supplier<String> trouble)
            throws IOException {
        this.description = description;
        this.trouble = trouble;
        try {
            InetSocketAddress address =
                    host.isEmpty() ? new InetSocketAddress(port) : new InetSocketAddress(host, port);
            server = HttpServer.create(address, 64);
        } catch (IOException taken) {
            workers.shutdown();
            throw new IOException("port " + port + " can't be listened on: " + taken.getMessage(), taken);
        }
        server.setExecutor(workers);
        server.createContext("/", this::handle);
        server.start();
    }

    /** Answers 503 from now on, so that clients send no more work. */
    public void drain() {
        closing = true;
    }

    @Override
    public void close() throws InterruptedException {
        awaitAnswers();
        server.stop(0);
        workers.shutdown();
        if (!workers.awaitTermination(PATIENCE, TimeUnit.SECONDS)) {
            workers.shutdownNow();
        }
    }

    /** Lets running requests finish: a stop would cut them off, and its own delay is fixed, even with no request. */
    private void awaitAnswers() throws InterruptedException {
        try {
            busy.awaitAdvanceInterruptibly(busy.arriveAndDeregister(), PATIENCE, TimeUnit.SECONDS);
        } catch (TimeoutException cutOff) {
            // Requests that are still running are cut off.
        }
    }

    private void handle(HttpExchange exchange) throws IOException {
        busy.register();
        try {
            String path = exchange.getRequestURI().getPath();
            if (!exchange.getRequestMethod().equals("GET")) {
                exchange.getResponseHeaders().set("Allow", "GET");
                send(exchange, 405, problem("only GET is served"));
            } else if (path.equals("/")) {
                send(exchange, 200, description.get());
            } else if (path.equals("/health")) {
                String reason = closing ? "it is closing" : trouble.get();
                send(exchange, reason.isEmpty() ? 200 : 503, reason.isEmpty() ? healthy() : problem(reason));
            } else {
                send(exchange, 404, problem("there is / and /health"));
            }
        } finally {
            exchange.close();
            busy.arriveAndDeregister();
        }
    }

    private static JsonObject healthy() {
        JsonObject json = new JsonObject();
        json.addProperty("healthy", true);
        return json;
    }

    private static JsonObject problem(String reason) {
        JsonObject json = new JsonObject();
        json.addProperty("healthy", false);
        json.addProperty("reason", reason);
        return json;
    }

    private static void send(HttpExchange exchange, int code, JsonObject json) throws IOException {
        byte[] body = (json + "\n").getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(code, body.length);
        exchange.getResponseBody().write(body);
    }
}
