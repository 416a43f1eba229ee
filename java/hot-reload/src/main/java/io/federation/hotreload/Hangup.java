package io.federation.hotreload;

import sun.misc.Signal;
import sun.misc.SignalHandler;

/**
 * SIGHUP. The only class that names {@code sun.misc.Signal}: in an image or a runtime without {@code jdk.unsupported}
 * loading it fails, and the caller continues without it.
 */
final class Hangup implements AutoCloseable {

    private static final Signal HUP = new Signal("HUP");

    private final SignalHandler before;

    private Hangup(SignalHandler before) {
        this.before = before;
    }

    /**
     * Listens for SIGHUP.
     *
     * @throws IllegalArgumentException if the JVM may not (-Xrs), or the system has no such signal
     */
    static Hangup listen(Runnable received) {
        Hangup hangup = new Hangup(Signal.handle(HUP, signal -> received.run()));
        if (hangup.before == SignalHandler.SIG_IGN) {
            throw new IllegalArgumentException("it was ignored before the start, as under nohup");
        }
        return hangup;
    }

    @Override
    public void close() {
        Signal.handle(HUP, before);
    }
}
