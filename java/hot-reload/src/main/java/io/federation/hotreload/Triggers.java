package io.federation.hotreload;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** The triggers of a restart from outside: the endpoint, SIGHUP, the file. They outlive the generations. */
final class Triggers implements AutoCloseable {

    private final Settings settings;
    private final Status status;
    private final Requests requests;
    private final Log log;
    private final List<AutoCloseable> open = new ArrayList<>();
    private Hangup hangup;
    private FileWatch watch;
    private ScheduledExecutorService retries;

    Triggers(Settings settings, Status status, Requests requests, Log log) {
        this.settings = settings;
        this.status = status;
        this.requests = requests;
        this.log = log;
    }

    synchronized void open() {
        if (settings.hangup) {
            openHangup();
        }
        if (settings.watch.isPresent()) {
            openWatch();
        }
        if (settings.listen.isPresent()) {
            retries = Executors.newSingleThreadScheduledExecutor(run -> {
                Thread thread = new Thread(run, "hot-reload endpoint retry");
                thread.setDaemon(true);
                return thread;
            });
            openEndpoint(new Backoff(settings.backoffFirst, settings.backoffMax));
        }
    }

    /** The application is about to read its file: the current content is not a change. */
    synchronized void aboutToStart() {
        if (watch != null) {
            watch.remember();
        }
    }

    /** Closes them all, and restores the previous handling of SIGHUP. */
    @Override
    public synchronized void close() {
        rest();
        if (hangup != null) {
            hangup.close();
            hangup = null;
        }
    }

    /** Closes what a successor needs, such as the port. A SIGHUP then has no effect. */
    synchronized void rest() {
        if (retries != null) {
            retries.shutdownNow();
            retries = null;
        }
        watch = null;
        for (AutoCloseable trigger : open) {
            try {
                trigger.close();
            } catch (Exception failure) {
                log.warn("closing a trigger failed: " + Log.reason(failure));
            }
        }
        open.clear();
    }

    private void openHangup() {
        if (hangup != null) {
            return;
        }
        try {
            hangup = Hangup.listen(() -> requests.restart("SIGHUP"));
        } catch (IllegalArgumentException | LinkageError cannot) {
            log.info("SIGHUP restarts nothing here: " + Log.reason(cannot));
        }
    }

    private void openWatch() {
        try {
            watch = new FileWatch(settings.watch.get(), () -> requests.restart(settings.watch.get() + " changed"), log);
            open.add(watch);
        } catch (IOException cannot) {
            log.warn(settings.watch.get() + " can't be watched: " + Log.reason(cannot));
        }
    }

    // A taken port or an unreadable token file does not stop the program: the endpoint is retried.
    private synchronized void openEndpoint(Backoff backoff) {
        if (retries == null) {
            return;
        }
        try {
            Token token = Token.in(settings.tokenFile.get());
            Endpoint endpoint = new Endpoint(settings.listen.get(), token, status, requests, log);
            open.add(endpoint);
            log.info("the endpoint is http://" + endpoint.address().getAddress().getHostAddress() + ":"
                    + endpoint.address().getPort() + Endpoint.PATH);
            retries.shutdown();
        } catch (LinkageError absent) {
            log.warn("the endpoint can't be opened: this Java has no jdk.httpserver: " + Log.reason(absent));
            retries.shutdown();
        } catch (IOException cannot) {
            Duration pause = backoff.next();
            log.warn("the endpoint can't be opened; the next attempt is in " + pause.toMillis() + " ms: "
                    + Log.reason(cannot));
            retries.schedule(() -> openEndpoint(backoff), pause.toMillis(), TimeUnit.MILLISECONDS);
        }
    }
}
