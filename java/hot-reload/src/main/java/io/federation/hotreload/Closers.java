package io.federation.hotreload;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** What a generation opened, closed in reverse order, each within a time limit. */
final class Closers {

    private static final class Named {
        final String name;
        final AutoCloseable resource;

        Named(String name, AutoCloseable resource) {
            this.name = name;
            this.resource = resource;
        }
    }

    private final Deque<Named> open = new ArrayDeque<>();
    private final Log log;
    private boolean closed;

    Closers(Log log) {
        this.log = log;
    }

    /** Registers a resource; returns false if it comes too late, and the caller must close it. */
    synchronized boolean add(String name, AutoCloseable resource) {
        if (!closed) {
            open.push(new Named(name, resource));
        }
        return !closed;
    }

    /** Closes everything and accepts nothing more; returns the names of those not closed within {@code limit}. */
    List<String> close(Duration limit) throws InterruptedException {
        List<String> abandoned = new ArrayList<>();
        for (Named next = take(); next != null; next = take()) {
            if (!close(next, limit)) {
                abandoned.add(next.name);
            }
        }
        return abandoned;
    }

    private synchronized Named take() {
        closed = true;
        return open.poll();
    }

    // On a thread of its own, so that a close that hangs can be abandoned.
    private boolean close(Named named, Duration limit) throws InterruptedException {
        Thread thread = new Thread(() -> closeLogged(named.name, named.resource), "close of " + named.name);
        thread.setDaemon(true);
        thread.start();
        thread.join(limit.toMillis());
        if (!thread.isAlive()) {
            return true;
        }
        log.warn("closing " + named.name + " takes longer than " + limit.toMillis() + " ms and is abandoned; it stands at"
                + Threads.stack(thread));
        thread.interrupt();
        return false;
    }

    /** Closes one resource on this thread; what it throws is logged. */
    void closeLogged(String name, AutoCloseable resource) {
        try {
            resource.close();
        } catch (Throwable failure) {
            log.warn("closing " + name + " failed: " + Log.reason(failure));
        }
    }
}
