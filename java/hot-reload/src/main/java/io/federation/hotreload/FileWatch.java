package io.federation.hotreload;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;

/**
 * Detects a change of a file's content: written in place, replaced by a rename, or behind a symbolic link that turned,
 * as in a ConfigMap. The folder is watched, and the content decides.
 */
final class FileWatch implements AutoCloseable {

    /** Milliseconds of silence after which a write counts as complete, and the longest wait for them. */
    private static final int QUIET = 200;

    private static final int PATIENCE = 2_000;

    /** Milliseconds between two checks without an event: a network file system sends none. */
    private static final int LOOK = 5_000;

    private static final byte[] ABSENT = {};

    private final Path file;
    private final Runnable changed;
    private final Log log;
    private final WatchService service;
    private byte[] known;
    private boolean missing;

    FileWatch(Path file, Runnable changed, Log log) throws IOException {
        this.file = file.toAbsolutePath();
        this.changed = changed;
        this.log = log;
        remember();
        service = FileSystems.getDefault().newWatchService();
        Thread thread = new Thread(this::watch, "hot-reload watch");
        thread.setDaemon(true);
        thread.start();
    }

    /** Takes the current content for the one that the application is about to read. */
    final synchronized void remember() {
        known = digest();
    }

    @Override
    public void close() throws IOException {
        service.close();
    }

    private void watch() {
        WatchKey folder = null;
        try {
            while (true) {
                if (folder == null || !folder.isValid()) {
                    folder = register();
                }
                WatchKey key = service.poll(LOOK, TimeUnit.MILLISECONDS);
                settle(key);
                look();
            }
        } catch (InterruptedException | ClosedWatchServiceException closed) {
            // The end of the watch.
        }
    }

    // Null if there is no such folder: the next check may find one.
    private WatchKey register() {
        try {
            return file.getParent().register(service, StandardWatchEventKinds.ENTRY_CREATE,
                    StandardWatchEventKinds.ENTRY_MODIFY, StandardWatchEventKinds.ENTRY_DELETE);
        } catch (IOException notThere) {
            return null;
        }
    }

    private void settle(WatchKey first) throws InterruptedException {
        long end = System.nanoTime() + PATIENCE * 1_000_000L;
        WatchKey key = first;
        while (key != null) {
            key.pollEvents();
            key.reset();
            key = System.nanoTime() < end ? service.poll(QUIET, TimeUnit.MILLISECONDS) : null;
        }
    }

    /** Compares the content with the known one. */
    synchronized void look() {
        byte[] present = digest();
        boolean gone = present.length == 0;
        if (gone && !missing) {
            log.warn(file + " is missing or can't be read; nothing is restarted");
        }
        missing = gone;
        if (!gone && !Arrays.equals(present, known)) {
            known = present;
            changed.run();
        }
    }

    private byte[] digest() {
        try (InputStream in = Files.newInputStream(file)) {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            byte[] buffer = new byte[8192];
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                digest.update(buffer, 0, count);
            }
            return digest.digest();
        } catch (IOException notThere) {
            return ABSENT;
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException("every Java has SHA-256", impossible);
        }
    }
}
