package io.federation.examples;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URL;
import java.nio.file.Path;

/**
 * Asks the node on this machine whether it is healthy: 0 or 1, for a HEALTHCHECK in an image that has nothing but Java.
 * Its argument is the node's configuration file: it asks the file's Port, or HTTP_PORT if there is none.
 */
public final class Health {

    private static final int MILLIS = 3_000;

    private Health() {}

    public static void main(String[] args) {
        try {
            int code = ask(port(Path.of(args.length > 0 ? args[0] : "federated.json")));
            System.out.println("health: " + code);
            System.exit(code == 200 ? 0 : 1);
        } catch (IOException unhealthy) {
            System.out.println("health: " + unhealthy.getMessage());
            System.exit(1);
        }
    }

    private static int port(Path file) throws IOException {
        boolean federated = file.getFileName().toString().equals("federated.json");
        return federated ? NodeFile.read(file).port() : Variables.number("HTTP_PORT", 8080, 65535);
    }

    static int ask(int port) throws IOException {
        HttpURLConnection connection = (HttpURLConnection) new URL(
                "http", Variables.text("LISTEN_HOST", "127.0.0.1"), port, "/health").openConnection();
        connection.setConnectTimeout(MILLIS);
        connection.setReadTimeout(MILLIS);
        try {
            return connection.getResponseCode();
        } finally {
            connection.disconnect();
        }
    }
}
