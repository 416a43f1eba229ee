package io.federation.hotreload;

import java.nio.charset.Charset;
import java.nio.charset.IllegalCharsetNameException;
import java.nio.charset.UnsupportedCharsetException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;

/** Bytes of the system as Java strings, only if the conversion back gives the same bytes. */
final class Bytes {

    private Bytes() {}

    /** The text that ProcessBuilder turns into exactly these bytes; empty if this locale has none. */
    static Optional<String> text(byte[] bytes) {
        // Up to Java 17 ProcessBuilder encodes with the default charset, since 18 with the locale's.
        Charset first = Charset.defaultCharset();
        Charset second = locale();
        String text = new String(bytes, first);
        boolean same = Arrays.equals(text.getBytes(first), bytes) && Arrays.equals(text.getBytes(second), bytes);
        return same ? Optional.of(text) : Optional.empty();
    }

    static Optional<Path> path(byte[] bytes) {
        try {
            return text(bytes).map(Path::of);
        } catch (InvalidPathException notOne) {
            return Optional.empty();
        }
    }

    private static Charset locale() {
        try {
            return Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8"));
        } catch (IllegalCharsetNameException | UnsupportedCharsetException unknown) {
            return Charset.defaultCharset();
        }
    }
}
