package io.federation.hotreload;

import com.sun.net.httpserver.HttpServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;

/** A program for tests that reports on itself at the port {@code probe.port}. Runs in a JVM of its own. */
public final class Probe implements Application {

    private final boolean restartable = !Boolean.getBoolean("probe.unrestartable");
    private final BufferedReader in = new BufferedReader(new InputStreamReader(System.in));

    private Probe() {}

    public static void main(String[] args) {
        HotReload.run(args, new Probe());
        System.out.println("probe: run returned");
    }

    @Override
    public void start(Context context) throws IOException {
        int port = Integer.getInteger("probe.port");
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 16);
        serve(server, "/pid", () -> Long.toString(ProcessHandle.current().pid()));
        serve(server, "/generation", () -> Integer.toString(context.generation()));
        serve(server, "/args", () -> String.join("|", context.args()));
        serve(server, "/property", () -> System.getProperty("probe.text", ""));
        serve(server, "/variable", () -> System.getenv("PROBE_TEXT") + "");
        serve(server, "/counted", () -> System.getenv("PROBE_COUNTED") + "");
        serve(server, "/stdin", in::readLine);
        context.onClose("server", () -> server.stop(0));
        context.onClose("goodbye", () -> System.out.println("probe: closes " + ProcessHandle.current().pid()));
        server.start();
        System.out.println("probe: serves " + ProcessHandle.current().pid());
        System.err.println("probe: on stderr " + ProcessHandle.current().pid());
    }

    @Override
    public boolean restartable() {
        return restartable;
    }

    private interface Answer {
        String get() throws IOException;
    }

    private static void serve(HttpServer server, String path, Answer answer) {
        server.createContext(path, exchange -> {
            byte[] body = answer.get().getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, body.length == 0 ? -1 : body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
    }
}
