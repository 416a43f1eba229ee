package io.federation.examples;

import java.io.IOException;

/** Variables of the environment, checked. */
public final class Variables {

    private Variables() {}

    public static String text(String name, String otherwise) {
        String value = System.getenv(name);
        return value == null || value.isBlank() ? otherwise : value.trim();
    }

    /** A number from 0 to {@code most}. */
    public static int number(String name, int otherwise, int most) throws IOException {
        String text = text(name, Integer.toString(otherwise));
        try {
            int value = Integer.parseInt(text);
            if (value >= 0 && value <= most) {
                return value;
            }
        } catch (NumberFormatException notOne) {
            throw new IOException("the variable " + name + " is \"" + text + "\"; it must be a number", notOne);
        }
        throw new IOException("the variable " + name + " is " + text + "; it must be from 0 to " + most);
    }
}
