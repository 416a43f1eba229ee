package io.federation.hotreload;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The threads of one generation: those in its thread group, which every thread hands on to those it starts. */
final class Threads {

    private final ThreadGroup group;

    Threads(String name) {
        group = new ThreadGroup(name);
    }

    Thread start(String name, Runnable run) {
        Thread thread = new Thread(group, run, name);
        // A JVM whose main thread ended has to be able to end while a start hangs.
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    /** Waits until they are gone, for {@code limit} altogether; returns those that are not. */
    List<Thread> awaitEnd(Duration limit) throws InterruptedException {
        long end = System.nanoTime() + limit.toNanos();
        List<Thread> alive = alive();
        while (!alive.isEmpty()) {
            long left = (end - System.nanoTime()) / 1_000_000;
            if (left <= 0) {
                return alive;
            }
            alive.get(0).join(left);
            alive = alive();
        }
        return alive;
    }

    /** Lets the group go, once it is empty: up to Java 18 its parent holds it until then. */
    @SuppressWarnings({"deprecation", "removal"})
    void forget() {
        try {
            group.destroy();
        } catch (IllegalThreadStateException | LinkageError heldOrGone) {
            // A thread came up after all, or this Java has no such method any more and needs none.
        }
    }

    private List<Thread> alive() {
        // The group may grow between counting and listing: one that does not fit is not told, so ask with room.
        Thread[] found = new Thread[group.activeCount() + 16];
        int count = group.enumerate(found);
        while (count == found.length) {
            found = new Thread[found.length * 2];
            count = group.enumerate(found);
        }
        return new ArrayList<>(Arrays.asList(found).subList(0, count));
    }

    /** The stack of a thread as the log shows it: one line, the innermost call first. */
    static String stack(Thread thread) {
        StringBuilder text = new StringBuilder();
        for (StackTraceElement element : thread.getStackTrace()) {
            text.append(text.length() == 0 ? " " : " < ").append(element);
        }
        return text.length() == 0 ? " (no Java frames)" : text.toString();
    }
}
