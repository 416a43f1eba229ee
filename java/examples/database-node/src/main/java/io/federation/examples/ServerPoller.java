package io.federation.examples;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URL;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** Asks each federated server once a second whether it serves, several at a time, each with a timeout of a second. */
final class ServerPoller implements AutoCloseable {

    private static final int MAX_THREADS = 8;
    private static final int MILLIS = 1_000;

    private final List<String> servers;
    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor();
    private final ExecutorService askers;
    private volatile Map<String, Boolean> answers = Map.of();
    private volatile boolean asked;

    // HttpURLConnection, as HttpClient has no close before Java 21: its thread would outlive the generation.
    ServerPoller(List<String> servers) {
        this.servers = servers;
        askers = Executors.newFixedThreadPool(Math.max(1, Math.min(MAX_THREADS, servers.size())));
        clock.scheduleWithFixedDelay(this::round, 0, MILLIS, TimeUnit.MILLISECONDS);
    }

    /** Whether each server answered in the last round, in the order of the list. */
    Map<String, Boolean> answers() {
        return answers;
    }

    /** Not healthy until the first round of questions is done. A node that reaches no server is healthy. */
    String trouble() {
        return asked ? "" : "the federated servers have not been asked yet";
    }

    @Override
    public void close() throws InterruptedException {
        clock.shutdownNow();
        askers.shutdownNow();
        clock.awaitTermination(2, TimeUnit.SECONDS);
        askers.awaitTermination(2, TimeUnit.SECONDS);
    }

    private void round() {
        List<Callable<Boolean>> questions = new ArrayList<>();
        servers.forEach(server -> questions.add(() -> serves(server)));
        try {
            List<Future<Boolean>> results = askers.invokeAll(questions);
            Map<String, Boolean> found = new LinkedHashMap<>();
            for (int i = 0; i < servers.size(); i++) {
                found.put(servers.get(i), results.get(i).get());
            }
            answers = found;
            asked = true;
        } catch (InterruptedException closing) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException impossible) {
            throw new IllegalStateException("a poll throws nothing", impossible);
        }
    }

    private static boolean serves(String server) {
        try {
            String base = server.endsWith("/") ? server : server + "/";
            HttpURLConnection connection = (HttpURLConnection) new URL(base + "health").openConnection();
            connection.setConnectTimeout(MILLIS);
            connection.setReadTimeout(MILLIS);
            connection.setInstanceFollowRedirects(false);
            try {
                return connection.getResponseCode() == 200;
            } finally {
                connection.disconnect();
            }
        } catch (IOException | RuntimeException noAnswer) {
            return false;
        }
    }
}
