package io.federation.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NodeFileTest {

    @TempDir
    Path folder;

    private NodeFile read(String text) throws IOException {
        return NodeFile.read(Files.writeString(folder.resolve("federated.json"), text));
    }

    @Test
    void readsWhatANodeNeeds() throws IOException {
        NodeFile file = read("{\"Port\": 9000, \"NodeID\": \"fed-1\", \"FederatedServers\": [\"http://a\", \"http://b\"], \"x\": {}}");
        assertEquals(9000, file.port());
        assertEquals(Optional.of("fed-1"), file.nodeId());
        assertEquals(List.of("http://a", "http://b"), file.federatedServers());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "{}                             | is missing; it must be a list of URLs",
        "{'FederatedServers': 'http'}   | is \"http\"; it must be a list of URLs",
        "{'FederatedServers': [1]}      | is [1]; it must be a list of URLs",
        "[]                             | is not one JSON object",
        "{} {}                          | is not JSON",
        "{'FederatedServers': [}        | is not JSON: line 1, column 23",
        "{'FederatedServers': [],}      | is not JSON",
        "{/* no */}                     | is not JSON",
    }, quoteCharacter = '`')
    void saysWhatIsWrongWithTheList(String text, String part) {
        String message = assertThrows(
                IOException.class, () -> read(text.replace('\'', '"')).federatedServers()).getMessage();
        assertTrue(message.contains(part), message);
        assertTrue(message.contains("federated.json"), message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"0", "65536", "9000.5", "'9000'", "null", "[]"}, quoteCharacter = '`')
    void saysWhatIsWrongWithThePort(String port) throws IOException {
        NodeFile file = read(("{'Port': " + port + "}").replace('\'', '"'));
        String message = assertThrows(IOException.class, file::port).getMessage();
        assertTrue(message.contains("it must be a number from 1 to 65535"), message);
    }

    @Test
    void saysThatThereIsNoFile() {
        String message = assertThrows(IOException.class, () -> NodeFile.read(folder.resolve("absent.json"))).getMessage();
        assertTrue(message.startsWith("there is no "), message);
    }
}
