package io.federation.hotreload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SettingsTest {

    private static Settings of(String name, String value) {
        Properties properties = new Properties();
        properties.setProperty(name, value);
        properties.setProperty("hotreload.token.file", "token");
        return Settings.of(properties, Map.of());
    }

    @Test
    void haveTheseDefaults() {
        Settings settings = Settings.of(new Properties(), Map.of());
        assertEquals(Mode.AUTO, settings.mode);
        assertEquals(75, settings.exitCode);
        assertTrue(settings.listen.isEmpty());
        assertTrue(settings.hangup);
        assertEquals(Duration.ofSeconds(5), settings.closeTimeout);
    }

    @Test
    void comeFromTheEnvironmentAndThePropertyWins() {
        Properties properties = new Properties();
        properties.setProperty("hotreload.mode", "exec");
        Settings settings = Settings.of(properties, Map.of(
                "HOT_RELOAD_MODE", "exit", "HOT_RELOAD_EXIT_CODE", "3", "HOT_RELOAD_CLOSE_TIMEOUT", "0.25",
                "HOT_RELOAD_LISTEN", "[::1]:9100", "HOT_RELOAD_TOKEN_FILE", "/run/token"));
        assertEquals(Mode.EXEC, settings.mode);
        assertEquals(3, settings.exitCode);
        assertEquals(Duration.ofMillis(250), settings.closeTimeout);
        assertEquals(9100, settings.listen.orElseThrow().getPort());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "hotreload.mode | fast | hotreload.mode is \"fast\": it must be one of auto, jvm, exec, exit",
        "hotreload.exit.code | 0 | hotreload.exit.code is \"0\": it must be a number from 1 to 255",
        "hotreload.exit.code | x | hotreload.exit.code is \"x\": it must be a number from 1 to 255",
        "hotreload.close.timeout | soon | hotreload.close.timeout is \"soon\": it must be a number of seconds",
        "hotreload.close.timeout | NaN | hotreload.close.timeout is \"NaN\": it must be a number of seconds, from 0.001 to 86400",
        "hotreload.signal | USR1 | hotreload.signal is \"USR1\": it must be HUP or off",
        "hotreload.listen | 9100 | hotreload.listen is \"9100\": it must be HOST:PORT, such as 127.0.0.1:9100, or off",
        "hotreload.listen | 0.0.0.0:9100 | hotreload.listen is \"0.0.0.0:9100\": only a loopback address is accepted, such as 127.0.0.1:9100",
        "hotreload.listen | 192.0.2.1:9100 | hotreload.listen is \"192.0.2.1:9100\": only a loopback address is accepted, such as 127.0.0.1:9100",
        "hotreload.listen | 127.0.0.1:70000 | hotreload.listen is \"127.0.0.1:70000\": it must be HOST:PORT, such as 127.0.0.1:9100, or off",
    })
    void sayWhatIsWrong(String name, String value, String message) {
        assertEquals(message, assertThrows(HotReloadException.class, () -> of(name, value)).getMessage());
    }

    @Test
    void refuseAnUnknownProperty() {
        String message = assertThrows(HotReloadException.class, () -> of("hotreload.tokenfile", "x")).getMessage();
        assertTrue(message.startsWith("hotreload.tokenfile is not a setting; the settings are: hotreload.backoff.first, "), message);
    }

    @Test
    void refuseAnEndpointWithoutAToken() {
        Properties properties = new Properties();
        properties.setProperty("hotreload.listen", "127.0.0.1:0");
        String message =
                assertThrows(HotReloadException.class, () -> Settings.of(properties, Map.of())).getMessage();
        assertTrue(message.contains("hotreload.token.file is not"), message);
    }
}
