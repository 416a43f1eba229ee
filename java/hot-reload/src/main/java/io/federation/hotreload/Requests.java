package io.federation.hotreload;

import java.time.Duration;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/**
 * What was asked for and not yet done: at most one restart, and the end. Any number of requests that come while
 * a restart runs are one request.
 */
final class Requests {

    private String restart;
    private String stop;

    synchronized void restart(String reason) {
        restart = restart == null ? said(reason) : restart;
        notifyAll();
    }

    synchronized void stop(String reason) {
        stop = stop == null ? said(reason) : stop;
        notifyAll();
    }

    // An exception's message is often null; the wish counts all the same.
    private static String said(String reason) {
        return reason == null ? "no reason given" : reason;
    }

    /** Lets {@link #awaitUnlessStopped} look at its condition again. */
    synchronized void wake() {
        notifyAll();
    }

    /** Takes what was asked for: the reason of a restart. Waits for it; empty once the end was asked for. */
    synchronized Optional<String> take() throws InterruptedException {
        while (stop == null && restart == null) {
            wait();
        }
        return taken();
    }

    /** The same, but not for longer than {@code limit}: a restart then has the reason {@code otherwise}. */
    synchronized Optional<String> take(Duration limit, String otherwise) throws InterruptedException {
        await(() -> stop != null || restart != null, limit);
        if (stop == null && restart == null) {
            return Optional.of(otherwise);
        }
        return taken();
    }

    /** Waits for {@code done}, for the end being asked for, or for {@code limit}; returns what {@code done} says then. */
    synchronized boolean awaitUnlessStopped(BooleanSupplier done, Duration limit) throws InterruptedException {
        await(() -> stop != null || done.getAsBoolean(), limit);
        return done.getAsBoolean();
    }

    synchronized boolean stopping() {
        return stop != null;
    }

    private Optional<String> taken() {
        if (stop != null) {
            return Optional.empty();
        }
        String reason = restart;
        restart = null;
        return Optional.of(reason);
    }

    private void await(BooleanSupplier condition, Duration limit) throws InterruptedException {
        long end = System.nanoTime() + limit.toNanos();
        while (!condition.getAsBoolean()) {
            long left = end - System.nanoTime();
            if (left <= 0) {
                return;
            }
            // Rounded up: wait(0) would wait for ever.
            wait(left / 1_000_000 + 1);
        }
    }
}
