package io.federation.hotreload;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Base64;

/** The secret in a file that both sides can read. It is read for each request, so it can change at any time. */
final class Token {

    private static final int LONGEST = 4096;

    private final Path file;

    private Token(Path file) {
        this.file = file;
    }

    /** The token in {@code file}, which is created if it does not exist: 0600, 256 random bits. */
    static Token in(Path file) throws IOException {
        if (!Files.exists(file)) {
            make(file);
        }
        Token token = new Token(file);
        token.read();
        return token;
    }

    /** Whether {@code offered} is the token. Takes the same time whatever is wrong with it. */
    boolean matches(String offered) throws IOException {
        return MessageDigest.isEqual(digest(offered), digest(read()));
    }

    private String read() throws IOException {
        byte[] start;
        try (var in = Files.newInputStream(file)) {
            start = in.readNBytes(LONGEST);
        }
        String token = new String(start, StandardCharsets.UTF_8).split("\\R", 2)[0].trim();
        if (token.isEmpty()) {
            throw new IOException("the token file " + file + " is empty: write a token into its first line, or remove it");
        }
        return token;
    }

    // Written aside and linked into place: no reader sees half of it, and of two writers at once one wins.
    private static void make(Path file) throws IOException {
        byte[] random = new byte[32];
        new SecureRandom().nextBytes(random);
        String token = Base64.getUrlEncoder().withoutPadding().encodeToString(random);
        Path folder = file.toAbsolutePath().getParent();
        if (!Files.isDirectory(folder)) {
            throw new IOException("the token file " + file + " can't be created: there is no folder " + folder);
        }
        // Java creates its temporary files with mode 0600.
        Path aside = Files.createTempFile(folder, ".token", "");
        try {
            Files.writeString(aside, token + "\n");
            place(aside, file);
        } catch (FileAlreadyExistsException another) {
            return;
        } finally {
            Files.deleteIfExists(aside);
        }
    }

    private static void place(Path aside, Path file) throws IOException {
        try {
            Files.createLink(file, aside);
        } catch (FileAlreadyExistsException another) {
            throw another;
        } catch (FileSystemException | UnsupportedOperationException noLinks) {
            // If two do this at once, the last one wins, which does no harm: requests read the file again.
            Files.move(aside, file);
        }
    }

    private static byte[] digest(String text) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException("every Java has SHA-256", impossible);
        }
    }
}
