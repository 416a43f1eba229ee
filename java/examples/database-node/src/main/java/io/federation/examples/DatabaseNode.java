package io.federation.examples;

import com.google.gson.JsonObject;
import io.federation.hotreload.Context;
import io.federation.hotreload.HotReload;
import java.util.List;

/** A database node: reads {@code config.json} at every start, and asks the federated servers in it whether they serve. */
public final class DatabaseNode {

    private DatabaseNode() {}

    public static void main(String[] args) {
        HotReload.run(args, DatabaseNode::start);
    }

    static void start(Context context) throws Exception {
        NodeFile file = NodeFile.read(Node.file(context, "config.json"));
        List<String> servers = file.federatedServers();
        String nodeId = file.nodeId().orElse(Variables.text("NODE_ID", "database"));
        ServerPoller poller = new ServerPoller(servers);
        context.onClose("the poller of the federated servers", poller);
        Node node = new Node(context, nodeId, "database", servers);
        node.serve(Variables.number("HTTP_PORT", 8080, 65535), json -> answers(json, poller), poller::trouble);
    }

    private static void answers(JsonObject json, ServerPoller poller) {
        JsonObject answers = new JsonObject();
        poller.answers().forEach(answers::addProperty);
        json.add("Answers", answers);
    }
}
