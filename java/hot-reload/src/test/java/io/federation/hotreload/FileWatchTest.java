package io.federation.hotreload;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileWatchTest {

    @TempDir
    Path folder;

    private final AtomicInteger changes = new AtomicInteger();
    private Path file;
    private FileWatch watch;

    @BeforeEach
    void watchAFile() throws IOException {
        file = Files.writeString(folder.resolve("federated.json"), "one");
        watch = watch(file);
    }

    @AfterEach
    void close() throws IOException {
        watch.close();
    }

    private FileWatch watch(Path path) throws IOException {
        return new FileWatch(path, changes::incrementAndGet, new Log(new Quiet()));
    }

    private static final class Quiet implements Application {
        @Override
        public void start(Context context) {
            // Never started: only its log is used.
        }

        @Override
        public void log(System.Logger.Level level, String message) {
            // The log of the watch does not matter here.
        }
    }

    private void awaitChanges(int count) {
        Waiting.until(count + " changes", () -> changes.get() == count);
    }

    @Test
    void seesAWrite() throws IOException {
        Files.writeString(file, "two");
        awaitChanges(1);
        Files.writeString(file, "three");
        awaitChanges(2);
    }

    @Test
    void seesAReplacement() throws IOException {
        Path aside = Files.writeString(folder.resolve("aside"), "two");
        Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE);
        awaitChanges(1);
    }

    @Test
    void seesALinkThatTurns() throws IOException {
        // The way in which a kubelet replaces the files of a ConfigMap.
        watch.close();
        Files.createDirectories(folder.resolve("..v1"));
        Files.createDirectories(folder.resolve("..v2"));
        Files.writeString(folder.resolve("..v1/config.json"), "one");
        Files.writeString(folder.resolve("..v2/config.json"), "two");
        Files.createSymbolicLink(folder.resolve("..data"), Path.of("..v1"));
        Files.createSymbolicLink(folder.resolve("config.json"), Path.of("..data/config.json"));
        watch = watch(folder.resolve("config.json"));
        Files.createSymbolicLink(folder.resolve("..data_tmp"), Path.of("..v2"));
        Files.move(folder.resolve("..data_tmp"), folder.resolve("..data"), StandardCopyOption.ATOMIC_MOVE);
        awaitChanges(1);
    }

    @Test
    void ignoresATouchAndTheSameContent() throws IOException {
        Files.setLastModifiedTime(file, FileTime.fromMillis(0));
        watch.look();
        Files.writeString(file, "one");
        watch.look();
        assertEquals(0, changes.get());
        Files.writeString(file, "two");
        awaitChanges(1);
    }

    @Test
    void ignoresAMissingFileUntilItIsBack() throws IOException {
        Files.delete(file);
        watch.look();
        assertEquals(0, changes.get());
        Files.writeString(file, "one");
        watch.look();
        assertEquals(0, changes.get());
        Files.delete(file);
        Files.writeString(file, "two");
        awaitChanges(1);
    }

    @Test
    void ignoresTheContentThatTheApplicationIsAboutToRead() throws IOException {
        // Held, so that the watch's own thread can't check in between.
        synchronized (watch) {
            Files.writeString(file, "two");
            watch.remember();
        }
        watch.look();
        assertEquals(0, changes.get());
    }

    @Test
    void restartsTheApplication() throws IOException {
        try (Harness harness = new Harness()) {
            harness.set("watch", file.toString()).run(context -> context.onClose("nothing", () -> { }));
            harness.awaitState("running", 1);
            Files.writeString(file, "two");
            harness.awaitState("running", 2);
            harness.awaitLog("restart of generation 1: " + file + " changed");
        }
    }
}
