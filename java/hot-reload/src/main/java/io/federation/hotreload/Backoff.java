package io.federation.hotreload;

import java.time.Duration;

/** Pauses that double. */
final class Backoff {

    private final Duration first;
    private final Duration max;
    private Duration next;

    Backoff(Duration first, Duration max) {
        this(first, max, first);
    }

    /** A backoff that continues with {@code next}. */
    Backoff(Duration first, Duration max, Duration next) {
        this.first = first;
        this.max = max;
        this.next = next;
    }

    /** The pause that {@link #next} would return if the last start failed; zero if it did not. */
    Duration grown() {
        return next.equals(first) ? Duration.ZERO : next;
    }

    Duration next() {
        Duration pause = next.compareTo(max) < 0 ? next : max;
        next = pause.multipliedBy(2);
        return pause;
    }

    void reset() {
        next = first;
    }
}
