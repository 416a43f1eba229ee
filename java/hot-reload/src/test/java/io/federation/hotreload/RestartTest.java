package io.federation.hotreload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RestartTest {

    private final Harness harness = new Harness();
    private final List<String> events = Collections.synchronizedList(new ArrayList<>());
    private final CountDownLatch testEnds = new CountDownLatch(1);

    @AfterEach
    void close() {
        testEnds.countDown();
        harness.close();
    }

    @Test
    void closesInReverseOrderAndStartsAgain() {
        harness.run(context -> {
            events.add("start " + context.generation() + " " + context.args());
            context.onClose("first", () -> events.add("close first"));
            context.onClose("second", () -> events.add("close second"));
        }, "one", "two words");
        harness.awaitState("running", 1);
        harness.restart();
        harness.awaitState("running", 2);
        assertEquals(
                List.of("start 1 [one, two words]", "close second", "close first", "start 2 [one, two words]"), events);
    }

    @Test
    void closesInReverseOrderOnStop() {
        harness.run(context -> {
            context.onClose("first", () -> events.add("close first"));
            context.onClose("second", () -> events.add("close second"));
        });
        harness.awaitState("running", 1);
        harness.close();
        assertEquals(List.of("close second", "close first"), events);
        assertEquals(List.of(), harness.exits);
    }

    @Test
    void continuesWhenACloseFails() {
        harness.run(context -> {
            context.onClose("first", () -> events.add("close first"));
            context.onClose("second", () -> {
                throw new IllegalStateException("no\nway");
            });
        });
        harness.awaitState("running", 1);
        harness.restart();
        harness.awaitState("running", 2);
        assertEquals(List.of("close first"), events);
        assertTrue(harness.logged("closing second failed: IllegalStateException: no way"), harness.log.toString());
    }

    @Test
    void abandonsACloseThatHangsAndTakesANewProcess() {
        harness.set("close.timeout", "0.5").run(context -> {
            context.onClose("first", () -> events.add("close first"));
            context.onClose("the stubborn one", this::hang);
        });
        harness.awaitState("running", 1);
        harness.restart();
        harness.awaitEnd();
        assertEquals(List.of("close first"), events);
        assertTrue(harness.logged("closing the stubborn one takes longer than 500 ms"), harness.log.toString());
        assertTrue(harness.logged("RestartTest.hang"), "its stack is shown: " + harness.log);
        assertEquals(List.of(true), harness.successors, "the successor waits for the end of what is held");
        assertEquals(List.of(0), harness.exits);
    }

    @Test
    void staysInTheJvmAfterACloseThatHangsInModeJvm() {
        harness.set("close.timeout", "0.5").set("mode", "jvm").run(context -> context.onClose("stubborn", this::hang));
        harness.awaitState("running", 1);
        harness.restart();
        harness.awaitState("running", 2);
    }

    @Test
    void namesTheThreadsThatAreLeftBehind() {
        harness.set("close.timeout", "0.5").run(context -> {
            if (context.generation() == 1) {
                new Thread(this::hang, "a forgotten thread").start();
            }
        });
        harness.awaitState("running", 1);
        harness.restart();
        harness.awaitState("running", 2);
        assertTrue(harness.logged("generation 1 leaves 1 threads behind: a forgotten thread at"), harness.log.toString());
    }

    @Test
    void retriesUntilAStartSucceeds() {
        AtomicInteger attempts = new AtomicInteger();
        harness.run(context -> {
            context.onClose("what was opened before it failed", () -> events.add("closed"));
            if (attempts.incrementAndGet() < 4) {
                throw new IllegalStateException("no luck");
            }
        });
        harness.awaitState("running", 1);
        assertEquals(4, attempts.get());
        assertEquals(List.of("closed", "closed", "closed"), events);
        assertTrue(harness.logged("the next attempt is in 40 ms"), "the pause doubles: " + harness.log);
    }

    @Test
    void reportsWhyAStartFailedAndRetriesAtOnceOnRequest() {
        AtomicInteger attempts = new AtomicInteger();
        harness.set("backoff.first", "3600").set("backoff.max", "3600").run(context -> {
            if (attempts.incrementAndGet() < 2) {
                throw new NoClassDefFoundError("io/federation/Absent");
            }
        });
        harness.awaitState("failed", 1);
        assertTrue(harness.status().contains("NoClassDefFoundError: io/federation/Absent"), harness.status());
        harness.restart();
        harness.awaitState("running", 1);
        assertFalse(harness.status().contains("Absent"), harness.status());
    }

    @Test
    void abandonsAStartThatTakesTooLong() {
        AtomicInteger attempts = new AtomicInteger();
        harness.set("start.timeout", "2").run(context -> {
            if (attempts.incrementAndGet() == 1) {
                hangUntilInterrupted();
            }
        });
        harness.awaitState("running", 1);
        assertTrue(harness.logged("the start takes longer than 2000 ms"), harness.log.toString());
        assertTrue(harness.logged("RestartTest.hangUntilInterrupted"), harness.log.toString());
    }

    @Test
    void stopsWhileAStartHangs() {
        CountDownLatch starting = new CountDownLatch(1);
        harness.run(context -> {
            context.onClose("what it had", () -> events.add("closed"));
            starting.countDown();
            hangUntilInterrupted();
        });
        Waiting.until("it starts", () -> starting.getCount() == 0);
        harness.close();
        assertEquals(List.of("closed"), events);
    }

    @Test
    void combinesRequestsDuringARestartIntoOneMore() {
        Semaphore closing = new Semaphore(0);
        Semaphore mayClose = new Semaphore(0);
        harness.run(context -> {
            int generation = context.generation();
            context.onClose("gate", () -> {
                if (generation == 1) {
                    closing.release();
                    mayClose.acquire();
                }
            });
        });
        harness.awaitState("running", 1);
        harness.restart();
        closing.acquireUninterruptibly();
        for (int i = 0; i < 10; i++) {
            harness.restart();
        }
        mayClose.release();
        harness.awaitState("running", 3);
        // No request is pending: the next generation comes from this request.
        harness.restart();
        harness.awaitState("running", 4);
        assertEquals(3, harness.log.stream().filter(line -> line.startsWith("restart of generation")).count());
    }

    @Test
    void restartsAndStopsWhenTheProgramAsksForIt() {
        harness.run(context -> {
            if (context.generation() < 3) {
                context.restart("generation " + context.generation() + " is bored");
            } else {
                context.stop("that is enough");
            }
        });
        harness.awaitEnd();
        assertTrue(harness.logged("restart of generation 2: generation 2 is bored"), harness.log.toString());
    }

    @Test
    void aRequestWithoutAReasonCounts() {
        harness.run(context -> {
            if (context.generation() == 1) {
                context.restart(null);
            } else {
                context.stop(null);
            }
        });
        harness.awaitEnd();
        assertTrue(harness.logged("restart of generation 1: no reason given"), harness.log.toString());
    }

    @Test
    void startsNoGenerationAfterAStopDuringAClose() {
        harness.run(context -> {
            events.add("start " + context.generation());
            context.onClose("what hears it", harness::requestStop);
        });
        harness.awaitState("running", 1);
        harness.restart();
        harness.awaitEnd();
        assertEquals(List.of("start 1"), events);
        assertEquals(List.of(), harness.exits);
    }

    @Test
    void aPoolInAStaticFieldThatWasIdleWorksInTheNextGeneration() {
        AtomicReference<ThreadPoolExecutor> pool = new AtomicReference<>();
        harness.run(context -> {
            // Like a static field: created by its first user, in that thread group.
            pool.compareAndSet(null, new ThreadPoolExecutor(0, 8, 10, TimeUnit.MILLISECONDS, new SynchronousQueue<>()));
            assertEquals("done", pool.get().submit(() -> "done").get());
        });
        harness.awaitState("running", 1);
        Waiting.until("the pool is idle", () -> pool.get().getPoolSize() == 0);
        harness.restart();
        harness.awaitState("running", 2);
        pool.get().shutdown();
    }

    @Test
    void aBrokenLogNeitherStopsNorDelaysAnything() {
        harness.logFails = true;
        harness.run(context -> context.onClose("it", () -> events.add("closed")));
        harness.awaitState("running", 1);
        harness.restart();
        harness.awaitState("running", 2);
        harness.close();
        assertEquals(List.of("closed", "closed"), events);
    }

    @Test
    void aSuccessorOfAFailedStartContinuesWithItsPause() {
        harness.restartable = false;
        harness.run(context -> {
            throw new IllegalStateException("no");
        });
        harness.awaitEnd();
        assertEquals(List.of(Duration.ofMillis(20)), harness.pauses, "twice the first pause, of 10 ms");
    }

    @Test
    void anOldGenerationHasNoEffect() {
        List<Context> contexts = Collections.synchronizedList(new ArrayList<>());
        harness.run(context -> {
            contexts.add(context);
            context.loaded(List.of("http://generation-" + context.generation()));
        });
        harness.awaitState("running", 1);
        harness.restart();
        harness.awaitState("running", 2);
        contexts.get(0).restart("late");
        contexts.get(0).stop("late");
        contexts.get(0).loaded(List.of("http://late"));
        contexts.get(0).onClose("late resource", () -> events.add("closed at once"));
        assertEquals(List.of("closed at once"), events);
        harness.restart();
        harness.awaitState("running", 3);
        assertTrue(harness.status().contains("[\"http://generation-3\"]"), harness.status());
        assertFalse(harness.logged("restart of generation 2: late"), harness.log.toString());
    }

    @Test
    void exitsUnderASupervisorWhereTheProgramCannotRestart() {
        harness.restartable = false;
        harness.launch = Launch.SYSTEMD;
        harness.run(context -> context.onClose("it", () -> events.add("closed")));
        harness.awaitState("running", 1);
        harness.restart();
        harness.awaitEnd();
        assertEquals(List.of("closed"), events);
        assertEquals(List.of(75), harness.exits);
        assertEquals(List.of(), harness.successors);
    }

    @Test
    void staysInTheJvmWhereNoSuccessorCanBeStarted() {
        harness.successorsFail = true;
        harness.set("mode", "exec").run(context -> { });
        harness.awaitState("running", 1);
        harness.restart();
        harness.awaitState("running", 2);
        assertTrue(harness.logged("no successor could be started: IOException: no such program"), harness.log.toString());
    }

    @Test
    void retriesASuccessorWhereTheProgramCannotRestart() {
        harness.successorsFail = true;
        harness.restartable = false;
        harness.run(context -> { });
        harness.awaitState("running", 1);
        harness.restart();
        Waiting.until("several attempts", () -> harness.successors.size() > 2);
        assertEquals(List.of(), harness.exits);
        harness.successorsFail = false;
        harness.awaitEnd();
        assertEquals(List.of(0), harness.exits);
    }

    private void hang() {
        boolean over = false;
        while (!over) {
            try {
                testEnds.await();
                over = true;
            } catch (InterruptedException ignored) {
                // Ignores the interruption.
            }
        }
    }

    private void hangUntilInterrupted() throws InterruptedException {
        testEnds.await();
    }
}
