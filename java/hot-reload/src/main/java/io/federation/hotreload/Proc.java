package io.federation.hotreload;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** The processes of this machine as Linux shows them under {@code /proc}. What can't be read is empty. */
final class Proc {

    private final Path root;

    Proc(Path root) {
        this.root = root;
    }

    /** The arguments a process was started with, to the byte: /proc cuts nothing off, unlike ProcessHandle. */
    List<byte[]> arguments(long pid) {
        return strings(pid, "cmdline");
    }

    /** The environment a process was started with, as NAME=VALUE. */
    List<byte[]> environment(long pid) {
        return strings(pid, "environ");
    }

    /** The file a process runs; empty if it is unknown, or if the file was replaced since. */
    Optional<Path> executable(long pid) {
        return link(pid, "exe").filter(Files::isExecutable);
    }

    Optional<Path> directory(long pid) {
        return link(pid, "cwd").filter(Files::isDirectory);
    }

    /** The process's short name, such as "systemd". */
    String name(long pid) {
        String stat = stat(pid);
        int open = stat.indexOf('(');
        int close = stat.lastIndexOf(')');
        return open < 0 || close < open ? "" : stat.substring(open + 1, close);
    }

    /** The parent's pid; 0 if it is unknown, or outside this PID namespace. */
    long parent(long pid) {
        return field(pid, 1);
    }

    long session(long pid) {
        return field(pid, 3);
    }

    Set<Long> children(long pid) {
        Set<Long> found = new HashSet<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(root.resolve("proc"), "[1-9]*")) {
            for (Path entry : entries) {
                long child = Long.parseLong(entry.getFileName().toString());
                if (parent(child) == pid) {
                    found.add(child);
                }
            }
        } catch (IOException | NumberFormatException unreadable) {
            return Set.of();
        }
        return found;
    }

    /** Whether this very process has loaded a library of that name. */
    boolean hasLoaded(String library) {
        try (Stream<String> maps = Files.lines(root.resolve("proc/self/maps"), StandardCharsets.ISO_8859_1)) {
            return maps.anyMatch(line -> line.contains(library));
        } catch (IOException | UncheckedIOException unreadable) {
            return false;
        }
    }

    private Optional<Path> link(long pid, String name) {
        try {
            return Optional.of(Files.readSymbolicLink(file(pid, name)));
        } catch (IOException | UnsupportedOperationException unreadable) {
            return Optional.empty();
        }
    }

    private List<byte[]> strings(long pid, String name) {
        List<byte[]> parts = new ArrayList<>();
        byte[] all;
        try {
            all = Files.readAllBytes(file(pid, name));
        } catch (IOException unreadable) {
            return parts;
        }
        int start = 0;
        for (int i = 0; i < all.length; i++) {
            if (all[i] == 0) {
                parts.add(Arrays.copyOfRange(all, start, i));
                start = i + 1;
            }
        }
        return parts;
    }

    // proc_pid_stat(5): pid (comm) state ppid pgrp session; comm may hold spaces and brackets.
    private long field(long pid, int index) {
        String stat = stat(pid);
        String[] fields = stat.substring(stat.lastIndexOf(')') + 1).trim().split(" ");
        try {
            return Long.parseLong(fields[index]);
        } catch (NumberFormatException | ArrayIndexOutOfBoundsException notThere) {
            return 0;
        }
    }

    private String stat(long pid) {
        try {
            return new String(Files.readAllBytes(file(pid, "stat")), StandardCharsets.ISO_8859_1);
        } catch (IOException unreadable) {
            return "";
        }
    }

    private Path file(long pid, String name) {
        return root.resolve("proc").resolve(Long.toString(pid)).resolve(name);
    }
}
