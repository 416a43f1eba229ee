package io.federation.examples;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.MalformedJsonException;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A node's configuration file: {@code federated.json} or {@code config.json}. An error names the file and the key. */
public final class NodeFile {

    private static final Pattern PLACE = Pattern.compile("line (\\d+) column (\\d+)");

    private final Path file;
    private final JsonObject json;

    private NodeFile(Path file, JsonObject json) {
        this.file = file;
        this.json = json;
    }

    /** Reads the file. An error in it is an {@link IOException} whose message says what to do. */
    public static NodeFile read(Path file) throws IOException {
        String text;
        try {
            text = Files.readString(file);
        } catch (NoSuchFileException absent) {
            throw new IOException("there is no " + file + ": name the file as the first argument", absent);
        }
        JsonReader reader = new JsonReader(new StringReader(text));
        reader.setStrictness(Strictness.STRICT);
        try {
            JsonElement root = JsonParser.parseReader(reader);
            if (!root.isJsonObject() || reader.peek() != JsonToken.END_DOCUMENT) {
                throw new IOException(file + " is not one JSON object");
            }
            return new NodeFile(file, root.getAsJsonObject());
        } catch (JsonParseException | MalformedJsonException | IllegalStateException broken) {
            throw new IOException(file + " is not JSON" + place(broken.getMessage()), broken);
        }
    }

    // Gson's own messages are about Gson.
    private static String place(String message) {
        Matcher found = PLACE.matcher(String.valueOf(message));
        return found.find() ? ": line " + found.group(1) + ", column " + found.group(2) : "";
    }

    /** The URLs of {@code FederatedServers}, in order. */
    public List<String> federatedServers() throws IOException {
        JsonElement value = json.get("FederatedServers");
        if (value == null || !value.isJsonArray()) {
            throw wrong("FederatedServers", "a list of URLs");
        }
        List<String> servers = new ArrayList<>();
        for (JsonElement element : value.getAsJsonArray()) {
            servers.add(string(element).orElseThrow(() -> wrong("FederatedServers", "a list of URLs")));
        }
        return List.copyOf(servers);
    }

    public Optional<String> nodeId() throws IOException {
        JsonElement value = json.get("NodeID");
        if (value == null) {
            return Optional.empty();
        }
        return Optional.of(string(value).orElseThrow(() -> wrong("NodeID", "a name in quotes")));
    }

    public int port() throws IOException {
        JsonElement value = json.get("Port");
        try {
            int port = value == null ? 0 : Integer.parseInt(value.getAsJsonPrimitive().getAsString());
            if (port >= 1 && port <= 65535 && value.getAsJsonPrimitive().isNumber()) {
                return port;
            }
        } catch (NumberFormatException | IllegalStateException notOne) {
            throw wrong("Port", "a number from 1 to 65535");
        }
        throw wrong("Port", "a number from 1 to 65535");
    }

    private static Optional<String> string(JsonElement value) {
        return value.isJsonPrimitive() && value.getAsJsonPrimitive().isString()
                ? Optional.of(value.getAsString())
                : Optional.empty();
    }

    private IOException wrong(String key, String rule) {
        String found = json.has(key) ? json.get(key).toString() : "missing";
        return new IOException(key + " in " + file + " is " + found + "; it must be " + rule);
    }
}
