/** Ignores SIGTERM: its shutdown hook never returns. */
final class Stubborn {

    public static void main(String[] arguments) throws InterruptedException {
        Runtime.getRuntime().addShutdownHook(new Thread(Stubborn::hang, "hangs-while-shutting-down"));
        System.out.println("up");
        Thread.sleep(Long.MAX_VALUE);
    }

    private static void hang() {
        try {
            Thread.sleep(Long.MAX_VALUE);
        } catch (InterruptedException ignored) {
            Thread.currentThread().interrupt();
        }
    }
}
