package io.federation.hotreload;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** The loopback endpoint: a client with the token may read the status and restart. Outlives the generations. */
final class Endpoint implements AutoCloseable {

    static final String PATH = "/hot-reload";

    /** The bytes of a request's body that are read; more are of no use. */
    private static final int BODY = 4096;

    private final Token token;
    private final Status status;
    private final Requests requests;
    private final Log log;
    private final HttpServer server;
    private final ThreadPoolExecutor workers;

    Endpoint(InetSocketAddress address, Token token, Status status, Requests requests, Log log) throws IOException {
        this.token = token;
        this.status = status;
        this.requests = requests;
        this.log = log;
        server = HttpServer.create(address, 16);
        workers = new ThreadPoolExecutor(4, 4, 10, TimeUnit.SECONDS, new LinkedBlockingQueue<>(64), run -> {
            Thread thread = new Thread(run, "hot-reload endpoint");
            thread.setDaemon(true);
            return thread;
        });
        workers.allowCoreThreadTimeOut(true);
        server.setExecutor(workers);
        server.createContext("/", this::handle);
        startAsDaemon();
    }

    InetSocketAddress address() {
        return server.getAddress();
    }

    @Override
    public void close() {
        server.stop(0);
        workers.shutdownNow();
    }

    // The server's own thread is a daemon where the thread that starts it is one.
    private void startAsDaemon() throws IOException {
        Thread starter = new Thread(server::start, "hot-reload endpoint start");
        starter.setDaemon(true);
        starter.start();
        try {
            starter.join();
        } catch (InterruptedException stopped) {
            close();
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while the endpoint started", stopped);
        }
    }

    private void handle(HttpExchange exchange) throws IOException {
        boolean restart;
        try {
            restart = answer(exchange);
        } finally {
            exchange.close();
        }
        // After the answer was written: a restart may end this process.
        if (restart) {
            requests.restart("the endpoint was called");
        }
    }

    // Whether a restart was requested. A client without the token learns nothing, not even the paths.
    private boolean answer(HttpExchange exchange) throws IOException {
        if (!authorized(exchange)) {
            exchange.getResponseHeaders().set("WWW-Authenticate", "Bearer");
            send(exchange, 401, error("the token is missing or wrong: send Authorization: Bearer TOKEN"));
            return false;
        }
        if (!exchange.getRequestURI().getPath().equals(PATH)) {
            send(exchange, 404, error("there is only " + PATH));
            return false;
        }
        switch (exchange.getRequestMethod()) {
            case "GET":
                send(exchange, 200, status.json());
                return false;
            case "POST":
                return restart(exchange);
            default:
                exchange.getResponseHeaders().set("Allow", "GET, POST");
                send(exchange, 405, error("GET returns the status, POST restarts"));
                return false;
        }
    }

    private boolean restart(HttpExchange exchange) throws IOException {
        if (exchange.getRequestBody().readNBytes(BODY + 1).length > BODY) {
            send(exchange, 413, error("the body must be empty"));
            return false;
        }
        try {
            send(exchange, 202, status.json());
        } catch (IOException gone) {
            log.warn("the caller of the endpoint did not wait for the answer; the restart follows");
        }
        return true;
    }

    private boolean authorized(HttpExchange exchange) {
        String header = exchange.getRequestHeaders().getFirst("Authorization");
        if (header == null || !header.regionMatches(true, 0, "Bearer ", 0, 7)) {
            return false;
        }
        try {
            return token.matches(header.substring(7).trim());
        } catch (IOException unreadable) {
            log.warn("the endpoint refuses every request: " + Log.reason(unreadable));
            return false;
        }
    }

    private static String error(String text) {
        return "{\"error\": \"" + text + "\"}";
    }

    private static void send(HttpExchange exchange, int code, String json) throws IOException {
        byte[] body = (json + "\n").getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        if (code >= 400) {
            // The unread rest of a body must not be taken for the next request.
            exchange.getResponseHeaders().set("Connection", "close");
        }
        boolean head = exchange.getRequestMethod().equals("HEAD");
        exchange.sendResponseHeaders(code, head ? -1 : body.length);
        if (!head) {
            exchange.getResponseBody().write(body);
        }
    }
}
