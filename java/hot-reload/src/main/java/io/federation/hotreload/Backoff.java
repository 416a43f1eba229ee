package io.federation.hotreload;

import java.time.Duration;

/** Pauses that double. */
final class Backoff {

    private final Duration first;
    private final Duration max;
    private Duration next;

    Backoff(Duration first, Duration max) {
        this.first = first;
        this.max = max;
        next = first;
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
