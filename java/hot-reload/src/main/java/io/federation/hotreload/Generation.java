package io.federation.hotreload;

import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;

/** One run of the application, from its start to the last close. */
final class Generation implements Context {

    private final int number;
    private final List<String> args;
    private final Requests requests;
    private final Status status;
    private final Log log;
    private final Threads threads;
    private final Closers closers;

    private volatile boolean over;
    private volatile boolean returned;
    private volatile Throwable failure;

    Generation(int number, List<String> args, Requests requests, Status status, Log log) {
        this.number = number;
        this.args = args;
        this.requests = requests;
        this.status = status;
        this.log = log;
        threads = new Threads("generation-" + number);
        closers = new Closers(log);
    }

    /** Starts the application; returns "" once it serves, or the reason why it does not. */
    String start(Application application, Duration limit) throws InterruptedException {
        Thread thread = threads.start("start-" + number, () -> startLogged(application));
        if (!requests.awaitUnlessStopped(() -> returned, limit)) {
            String where = Threads.stack(thread);
            thread.interrupt();
            return requests.stopping()
                    ? "it was stopped while it started"
                    : "the start takes longer than " + limit.toMillis() + " ms; it stands at" + where;
        }
        return failure == null ? "" : Log.reason(failure);
    }

    private void startLogged(Application application) {
        try {
            application.start(this);
        } catch (Throwable thrown) {
            failure = thrown;
        } finally {
            returned = true;
            requests.wake();
        }
    }

    /** Closes everything in reverse order; returns false if a close had to be abandoned. */
    boolean close(Duration each) throws InterruptedException {
        over = true;
        List<String> abandoned = closers.close(each);
        // A close that hung keeps its threads, too: those are not waited for a second time.
        List<Thread> left = threads.awaitEnd(abandoned.isEmpty() ? each : Duration.ofMillis(100));
        if (!left.isEmpty()) {
            log.warn("generation " + number + " leaves " + left.size() + " threads behind: "
                    + left.stream().map(thread -> thread.getName() + " at" + top(thread)).collect(Collectors.joining("; ")));
        }
        return abandoned.isEmpty();
    }

    private static String top(Thread thread) {
        StackTraceElement[] stack = thread.getStackTrace();
        return stack.length == 0 ? " (no Java frames)" : " " + stack[0];
    }

    @Override
    public List<String> args() {
        return args;
    }

    @Override
    public int generation() {
        return number;
    }

    @Override
    public void onClose(String name, AutoCloseable resource) {
        if (!closers.add(name, resource)) {
            log.warn(name + " was opened when generation " + number + " had ended, and is closed at once");
            closers.closeLogged(name, resource);
        }
    }

    @Override
    public void loaded(List<String> federatedServers) {
        if (!over) {
            status.loaded(federatedServers);
        }
    }

    @Override
    public void restart(String reason) {
        // A late thread of an old generation must not affect the next one.
        if (!over) {
            requests.restart(reason);
        }
    }

    @Override
    public void stop(String reason) {
        if (!over) {
            requests.stop(reason);
        }
    }
}
