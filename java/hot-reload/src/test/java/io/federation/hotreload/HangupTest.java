package io.federation.hotreload;

import org.junit.jupiter.api.Test;
import sun.misc.Signal;

class HangupTest {

    @Test
    void restartsTheApplication() {
        try (Harness harness = new Harness()) {
            harness.set("signal", "HUP").run(context -> { });
            harness.awaitState("running", 1);
            Signal.raise(new Signal("HUP"));
            harness.awaitState("running", 2);
            harness.awaitLog("restart of generation 1: SIGHUP");
        }
    }
}
