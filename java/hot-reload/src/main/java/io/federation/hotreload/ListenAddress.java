package io.federation.hotreload;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;

/** The endpoint's address as it is written: {@code 127.0.0.1:9100}, {@code [::1]:9100}, {@code localhost:0}. */
final class ListenAddress {

    private ListenAddress() {}

    static InetSocketAddress parse(String text) {
        int colon = text.lastIndexOf(':');
        int port = colon < 0 ? -1 : port(text.substring(colon + 1));
        if (colon < 1 || port < 0 || port > 65535) {
            throw bad(text, "it must be HOST:PORT, such as 127.0.0.1:9100, or off");
        }
        String host = text.substring(0, colon);
        try {
            InetAddress address = InetAddress.getByName(host);
            if (!address.isLoopbackAddress()) {
                throw bad(text, "only a loopback address is accepted, such as 127.0.0.1:" + port);
            }
            return new InetSocketAddress(address, port);
        } catch (UnknownHostException unknown) {
            throw bad(text, "the host is unknown; write 127.0.0.1:" + port);
        }
    }

    private static int port(String text) {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException notOne) {
            return -1;
        }
    }

    private static HotReloadException bad(String text, String rule) {
        return new HotReloadException("hotreload.listen is \"" + text + "\": " + rule);
    }
}
