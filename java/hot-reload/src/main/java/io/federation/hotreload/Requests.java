package io.federation.hotreload;

import java.time.Duration;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/**
 * The pending requests: at most one restart, and the end. Any number of requests that come while
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

    // An exception's message is often null; the request counts all the same.
    private static String said(String reason) {
        return reason == null ? "no reason given" : reason;
    }

    /** Lets {@link #awaitUnlessStopped} check its condition again. */
    synchronized void wake() {
        notifyAll();
    }

    /** Waits for a request; returns the reason of a restart, or empty once the end is requested. */
    synchronized Optional<String> take() throws InterruptedException {
        while (stop == null && restart == null) {
            wait();
        }
        return taken();
    }

    /** The same, for at most {@code limit}: after that, a restart has the reason {@code otherwise}. */
    synchronized Optional<String> take(Duration limit, String otherwise) throws InterruptedException {
        await(() -> stop != null || restart != null, limit);
        if (stop == null && restart == null) {
            return Optional.of(otherwise);
        }
        return taken();
    }

    /** Waits for {@code done}, for a request to end, or for {@code limit}; returns {@code done}'s last value. */
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
            // Rounded up: wait(0) would wait forever.
            wait(left / 1_000_000 + 1);
        }
    }
}
