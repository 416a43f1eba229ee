package io.federation.examples;

import io.federation.hotreload.Context;
import io.federation.hotreload.HotReload;
import java.io.IOException;

/** A federated server: reads {@code federated.json} at every start, and serves on its Port. */
public final class FederatedServer {

    private FederatedServer() {}

    public static void main(String[] args) {
        HotReload.run(args, FederatedServer::start);
    }

    static void start(Context context) throws Exception {
        NodeFile file = NodeFile.read(Node.file(context, "federated.json"));
        String nodeId = file.nodeId().orElseThrow(() -> new IOException("federated.json has no NodeID"));
        Node node = new Node(context, nodeId, "federated", file.federatedServers());
        node.serve(file.port(), json -> { }, () -> "");
    }
}
