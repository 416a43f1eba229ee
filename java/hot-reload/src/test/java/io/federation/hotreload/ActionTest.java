package io.federation.hotreload;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ActionTest {

    @ParameterizedTest
    @CsvSource({
        // mode, restartable, clean, launch, action
        "AUTO, true,  true,  PLAIN,      JVM",
        "AUTO, true,  true,  PID_1,      JVM",
        "AUTO, true,  true,  CONTAINER,  JVM",
        "AUTO, true,  true,  KUBERNETES, JVM",
        "AUTO, true,  true,  SYSTEMD,    JVM",
        "AUTO, false, true,  PLAIN,      EXEC",
        "AUTO, false, true,  PID_1,      EXIT",
        "AUTO, false, true,  CONTAINER,  EXIT",
        "AUTO, false, true,  KUBERNETES, EXIT",
        "AUTO, false, true,  SYSTEMD,    EXIT",
        "AUTO, true,  false, PLAIN,      EXEC",
        "AUTO, true,  false, SYSTEMD,    EXIT",
        "JVM,  false, false, PID_1,      JVM",
        "EXEC, true,  true,  SYSTEMD,    EXEC",
        "EXIT, true,  true,  PLAIN,      EXIT",
    })
    void isChosenByThisTable(Mode mode, boolean restartable, boolean clean, Launch launch, Action action) {
        assertEquals(action, Action.choose(mode, restartable, clean, launch));
    }
}
