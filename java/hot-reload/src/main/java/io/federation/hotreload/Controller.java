package io.federation.hotreload;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.function.IntConsumer;

/** Runs one generation after the other, on the calling thread, until the end is requested. */
final class Controller {

    /** Starts the process that takes over, and returns its pid; its backoff continues with {@code pause}. */
    interface HandOver {
        long start(boolean afterThisOne, Duration pause) throws IOException;
    }

    // Loaded early: a jar that is overwritten in place can't provide them any more.
    private static final List<Class<?>> FOR_THE_HAND_OVER =
            List.of(Action.class, CommandLine.class, Script.class, Successor.class, Bytes.class, Proc.class);

    private final Settings settings;
    private final Application application;
    private final List<String> args;
    private final Launch launch;
    private final HandOver handOver;
    private final IntConsumer exit;

    private final Log log;
    private final Requests requests = new Requests();
    private final Status status = new Status();
    private final Triggers triggers;
    private final Backoff backoff;
    private final CountDownLatch finished = new CountDownLatch(1);
    private int number = 1;

    Controller(Settings settings, Application application, List<String> args, Launch launch,
            Optional<Duration> pauseLeft, HandOver handOver, IntConsumer exit) {
        this.settings = settings;
        this.application = application;
        this.args = args;
        this.launch = launch;
        this.handOver = handOver;
        this.exit = exit;
        log = new Log(application);
        triggers = new Triggers(settings, status, requests, log);
        backoff = new Backoff(settings.backoffFirst, settings.backoffMax, pauseLeft.orElse(settings.backoffFirst));
    }

    static HandOver processes(Settings settings) {
        return (afterThisOne, pause) -> {
            Proc proc = new Proc(Path.of("/"));
            CommandLine command = CommandLine.find(settings.repeat, ProcessHandle.current().pid(), proc);
            return Successor.start(command, afterThisOne || Successor.holdsPorts(command, proc), pause, proc);
        };
    }

    Requests requests() {
        return requests;
    }

    Status status() {
        return status;
    }

    /** Requests the end, and waits until everything is closed. */
    void stopAndWait(String reason) {
        requests.stop(reason);
        try {
            finished.await();
        } catch (InterruptedException impatient) {
            Thread.currentThread().interrupt();
        }
    }

    /** Runs the application until a stop is requested. Also returns if {@code exit} returns. */
    void run() throws InterruptedException {
        boolean again = true;
        try {
            triggers.open();
            while (again) {
                again = live();
            }
        } finally {
            triggers.close();
            finished.countDown();
        }
    }

    // Runs one generation; returns whether another one follows in this process.
    private boolean live() throws InterruptedException {
        status.starting(number);
        triggers.aboutToStart();
        Generation generation = new Generation(number, args, requests, status, log);
        String failure = generation.start(application, settings.startTimeout);
        Optional<String> asked;
        boolean clean;
        if (failure.isEmpty()) {
            status.running();
            backoff.reset();
            asked = requests.take();
            asked.ifPresent(reason -> log.info("restart of generation " + number + ": " + reason));
            status.restarting(asked.orElse("stopping"));
            clean = generation.close(settings.closeTimeout);
            number++;
        } else {
            clean = generation.close(settings.closeTimeout);
            asked = afterFailure("generation " + number + " did not start: " + failure);
        }
        // The end may have been requested while everything was closed.
        return asked.isPresent() && !requests.stopping() && follow(clean);
    }

    private Optional<String> afterFailure(String failure) throws InterruptedException {
        if (requests.stopping()) {
            return Optional.empty();
        }
        status.failed(failure);
        Duration pause = backoff.next();
        log.warn(failure + "; the next attempt is in " + pause.toMillis() + " ms");
        return requests.take(pause, "the last start failed");
    }

    private boolean follow(boolean clean) throws InterruptedException {
        // No switch: it would need a class of its own, which a jar that was overwritten can't provide any more.
        Action action = Action.choose(settings.mode, application.restartable(), clean, launch);
        if (action == Action.EXIT) {
            log.info("everything is closed; exit with " + settings.exitCode + ", to be started again by "
                    + launch.words());
            leave(settings.exitCode);
            return false;
        }
        return action == Action.JVM || startSuccessor(clean);
    }

    // Whether this process continues, as it does if no successor can be started.
    private boolean startSuccessor(boolean clean) throws InterruptedException {
        while (!requests.stopping()) {
            triggers.rest();
            System.out.flush();
            System.err.flush();
            try {
                long successor = handOver.start(!clean, backoff.grown());
                log.info("process " + successor + " takes over");
                leave(0);
                return false;
            } catch (IOException | RuntimeException | LinkageError cannot) {
                String failure = "no successor could be started: " + Log.reason(cannot);
                triggers.open();
                if (application.restartable()) {
                    log.warn(failure + "; the restart continues in this JVM");
                    return true;
                }
                if (afterFailure(failure).isEmpty()) {
                    return false;
                }
            }
        }
        return false;
    }

    // Everything is closed: a caller that waits for the end need not wait for the shutdown hooks.
    private void leave(int code) {
        triggers.rest();
        finished.countDown();
        exit.accept(code);
    }
}
