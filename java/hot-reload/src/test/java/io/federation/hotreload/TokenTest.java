package io.federation.hotreload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenTest {

    @TempDir
    Path folder;

    @Test
    void isCreatedForItsOwnerAlone() throws IOException {
        Path file = folder.resolve("token");
        Token token = Token.in(file);
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        String text = Files.readString(file).trim();
        assertTrue(text.matches("[A-Za-z0-9_-]{43}"), "256 bits");
        assertTrue(token.matches(text));
        assertFalse(token.matches(text.substring(1)));
        assertFalse(token.matches(""));
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(List.of(file), files.collect(java.util.stream.Collectors.toList()), "nothing is left aside");
        }
    }

    @Test
    void isTheFirstLineOfItsFileAndMayChange() throws IOException {
        Path file = Files.writeString(folder.resolve("token"), "first \nsecond\n");
        Token token = Token.in(file);
        assertTrue(token.matches("first"));
        assertFalse(token.matches("second"));
        Files.writeString(file, "another");
        assertFalse(token.matches("first"));
        assertTrue(token.matches("another"));
    }

    @Test
    void isNeverEmpty() throws IOException {
        Path file = Files.writeString(folder.resolve("token"), "\nsecond\n");
        assertTrue(assertThrows(IOException.class, () -> Token.in(file)).getMessage().contains("is empty"));
    }

    @Test
    void saysThatItsFolderIsMissing() {
        String message = assertThrows(IOException.class, () -> Token.in(folder.resolve("no/token"))).getMessage();
        assertTrue(message.contains("there is no folder " + folder.resolve("no")), message);
    }

    @Test
    void isOneWhenManyCreateItAtOnce() throws Exception {
        Path file = folder.resolve("token");
        ExecutorService pool = Executors.newFixedThreadPool(8);
        List<Callable<String>> makers = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            makers.add(() -> {
                Token.in(file);
                return Files.readString(file);
            });
        }
        HashSet<String> seen = new HashSet<>();
        for (Future<String> result : pool.invokeAll(makers)) {
            seen.add(result.get());
        }
        pool.shutdown();
        assertEquals(1, seen.size());
    }
}
