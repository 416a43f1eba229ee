package io.federation.hotreload;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The threads of one generation: those in its thread group, which every thread hands on to those it starts. The group
 * is never destroyed: a pool in a static field makes its threads in the group of the generation that made the pool,
 * also when it was idle at the restart. Up to Java 18 some 200 bytes stay of each.
 */
final class Threads {

    private final ThreadGroup group;

    Threads(String name) {
        group = new ThreadGroup(name);
    }

    Thread start(String name, Runnable run) {
        Thread thread = new Thread(group, run, name);
        // A JVM whose main thread has ended must be able to exit while a start hangs.
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

    private List<Thread> alive() {
        // The group may grow between counting and listing, and threads that do not fit are left out: ask with room.
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
