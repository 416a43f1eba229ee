// The standalone sidecar: unpacks its interpreter once, and executes it.
//
// It stays one process: exec(2) keeps the pid, the children and the descriptors, which service managers and a sidecar
// that re-executes itself in place rely on.
package main

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

//go:embed payload.tar.gz
var payload []byte

// Set by tools/build-binary.
var (
	digest string // of the payload; part of the folder's name
	python string // such as python3.11
)

const (
	executableVariable = "SIDECAR_EXECUTABLE"
	lockVariable       = "_SIDECAR_UNPACKED_FD"
	// EX_CANTCREAT and EX_OSERR of sysexits.h.
	cannotUnpack = 73
	cannotStart  = 71
)

func main() {
	home, err := unpacked(candidates(os.Getenv), digest, payload)
	if err != nil {
		fmt.Fprintf(os.Stderr, "sidecar: %v\n", err)
		os.Exit(cannotUnpack)
	}
	program := filepath.Join(home.path, "bin", python)
	loader := filepath.Join(home.path, "lib", "ld-linux-x86-64.so.2")
	argv := append([]string{
		loader,
		// The libraries of the machine belong to a different C library.
		"--inhibit-cache", "--library-path", filepath.Join(home.path, "lib"),
		"--argv0", program, program,
		"-I", "-S", "-B", "-X", "utf8", filepath.Join(home.path, "boot.pyc"),
	}, os.Args[1:]...)
	err = syscall.Exec(loader, argv, environment(os.Environ(), executable(os.Args[0]), home.lock))
	fmt.Fprintf(os.Stderr, "sidecar: cannot execute %s: %v\n", loader, err)
	os.Exit(cannotStart)
}

// environment returns the interpreter's environment: the given one, with the path of this file and the lock.
func environment(given []string, executable string, lock int) []string {
	kept := make([]string, 0, len(given)+2)
	for _, pair := range given {
		if !strings.HasPrefix(pair, executableVariable+"=") && !strings.HasPrefix(pair, lockVariable+"=") {
			kept = append(kept, pair)
		}
	}
	if executable != "" {
		kept = append(kept, executableVariable+"="+executable)
	}
	if lock >= 0 {
		kept = append(kept, lockVariable+"="+strconv.Itoa(lock))
	}
	return kept
}

// executable returns the path that started this program, so that a sidecar that re-executes itself runs the file that is
// there at that time. It does not follow links: an upgrade may change the target of the link.
func executable(argv0 string) string {
	running, err := os.Stat("/proc/self/exe")
	path, lookErr := exec.LookPath(argv0)
	if lookErr == nil || errors.Is(lookErr, exec.ErrDot) {
		if path, lookErr = filepath.Abs(path); lookErr == nil {
			found, statErr := os.Stat(path)
			if statErr == nil && (err != nil || os.SameFile(found, running)) {
				return path
			}
		}
	}
	// argv[0] names another file, which the caller is free to do.
	path, err = os.Executable()
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(path, " (deleted)")
}
