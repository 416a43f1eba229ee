package io.federation.hotreload;

import java.util.List;
import java.util.stream.Collectors;

/** The status that the endpoint reports. One thread writes the state, the application its list; any thread reads. */
final class Status {

    private String state = "restarting";
    private int generation = 1;
    private long startedAt = System.currentTimeMillis();
    private String reason = "";
    private List<String> servers = List.of();

    /** A restart runs; the reported generation stays the old one until the next one starts. */
    synchronized void restarting(String why) {
        state = "restarting";
        reason = why;
    }

    synchronized void starting(int number) {
        state = "restarting";
        generation = number;
        startedAt = System.currentTimeMillis();
        servers = List.of();
    }

    synchronized void running() {
        state = "running";
        reason = "";
    }

    synchronized void failed(String why) {
        state = "failed";
        reason = why;
    }

    synchronized void loaded(List<String> federatedServers) {
        servers = List.copyOf(federatedServers);
    }

    synchronized String json() {
        return "{\"state\": " + quoted(state)
                + ", \"generation\": " + generation
                + ", \"pid\": " + ProcessHandle.current().pid()
                + ", \"startedAt\": " + startedAt
                + ", \"reason\": " + quoted(reason)
                + ", \"FederatedServers\": "
                + servers.stream().map(Status::quoted).collect(Collectors.joining(", ", "[", "]"))
                + "}";
    }

    private static String quoted(String text) {
        StringBuilder json = new StringBuilder("\"");
        for (char next : text.toCharArray()) {
            if (next == '"' || next == '\\') {
                json.append('\\').append(next);
            } else if (next < ' ' || Character.isSurrogate(next)) {
                // A surrogate as an escape: half of a pair would not survive as UTF-8.
                json.append(String.format("\\u%04x", (int) next));
            } else {
                json.append(next);
            }
        }
        return json.append('"').toString();
    }
}
