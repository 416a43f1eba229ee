package io.federation.examples;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.federation.hotreload.Context;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** What a federated server and a database node have in common: one generation of a node that serves. */
public final class Node {

    private final Context context;
    private final String nodeId;
    private final String role;
    private final List<String> servers;
    private final long startedAt = System.currentTimeMillis();

    public Node(Context context, String nodeId, String role, List<String> servers) {
        this.context = context;
        this.nodeId = nodeId;
        this.role = role;
        this.servers = servers;
    }

    /** The configuration file: the first argument, else {@code otherwise} in the working directory. */
    public static Path file(Context context, String otherwise) throws IOException {
        if (context.args().size() > 1) {
            throw new IOException("expected one argument, the configuration file, but got " + context.args().size());
        }
        return Path.of(context.args().isEmpty() ? otherwise : context.args().get(0));
    }

    /**
     * Serves on {@code port} until the generation ends.
     *
     * @param more adds to what {@code GET /} reports
     * @param trouble why it is not healthy; empty if it is
     */
    public void serve(int port, Consumer<JsonObject> more, Supplier<String> trouble) throws Exception {
        // For tests and demonstrations: a node that takes its time.
        Thread.sleep(Variables.number("BOOT_MILLIS", 0, 600_000));
        NodeServer server = new NodeServer(Variables.text("LISTEN_HOST", ""), port, () -> description(more), trouble);
        context.onClose("the HTTP server", server);
        context.onClose("the health check", server::drain);
        context.loaded(servers);
        say("listens on " + port + ", generation " + context.generation() + ", servers " + servers);
        context.onClose("the goodbye", () -> say("closes, generation " + context.generation()));
    }

    private void say(String event) {
        System.out.println(nodeId + " " + event);
    }

    private JsonObject description(Consumer<JsonObject> more) {
        JsonObject json = new JsonObject();
        json.addProperty("NodeID", nodeId);
        json.addProperty("Role", role);
        JsonArray list = new JsonArray();
        servers.forEach(list::add);
        json.add("FederatedServers", list);
        json.addProperty("generation", context.generation());
        json.addProperty("pid", ProcessHandle.current().pid());
        json.addProperty("startedAt", startedAt);
        more.accept(json);
        return json;
    }
}
