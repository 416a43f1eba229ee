package io.federation.hotreload;

import static org.junit.jupiter.api.Assertions.fail;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.function.Supplier;

/** Waiting for a condition, with a deadline. */
final class Waiting {

    /** Far more than anything here takes: on a busy machine a test is slow, and does not fail. */
    private static final Duration DEADLINE = Duration.ofSeconds(60);

    private Waiting() {}

    static void until(String message, Callable<Boolean> condition) {
        until(message, () -> "", condition);
    }

    /** Waits; {@code details} are read only on a timeout. */
    static void until(String message, Supplier<Object> details, Callable<Boolean> condition) {
        long end = System.nanoTime() + DEADLINE.toNanos();
        Exception last = null;
        try {
            while (System.nanoTime() < end) {
                try {
                    if (condition.call()) {
                        return;
                    }
                } catch (InterruptedException stopped) {
                    throw stopped;
                } catch (Exception notYet) {
                    last = notYet;
                }
                Thread.sleep(10);
            }
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
        fail("not within " + DEADLINE.toSeconds() + " s: " + message + (last == null ? "" : " (last: " + last + ")"));
    }
}
