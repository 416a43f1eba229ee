package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	variable = "SIDECAR_UNPACK_DIR"
	prefix   = "federation-sidecar-"
	// ST_NOEXEC of statvfs(3).
	noExec = 0x8
)

// home is the folder with the unpacked payload.
type home struct {
	path string
	// A descriptor with a shared flock(2) on the folder, or -1 if the file system has no locks. While it is held,
	// neither systemd-tmpfiles nor a newer sidecar removes the folder.
	lock int
}

// candidates returns the folders to try, in order. A folder named by SIDECAR_UNPACK_DIR is the only candidate.
func candidates(getenv func(string) string) []string {
	if named := getenv(variable); named != "" {
		return []string{named}
	}
	var places []string
	if cache := getenv("XDG_CACHE_HOME"); filepath.IsAbs(cache) {
		places = append(places, cache)
	} else if home := getenv("HOME"); filepath.IsAbs(home) && home != "/" {
		places = append(places, filepath.Join(home, ".cache"))
	}
	return append(places, "/var/tmp", "/tmp", "/dev/shm")
}

// unpacked returns the folder with the payload in the first place that works; it unpacks the payload if needed.
func unpacked(places []string, digest string, payload []byte) (home, error) {
	var reasons []string
	for _, place := range places {
		found, err := unpackedIn(place, digest, payload)
		if err == nil {
			return found, nil
		}
		reasons = append(reasons, fmt.Sprintf("%s: %v", place, err))
	}
	return home{}, fmt.Errorf("no folder to unpack into (%s); name one that is writable and not mounted noexec: %s=FOLDER",
		strings.Join(reasons, "; "), variable)
}

func unpackedIn(place, digest string, payload []byte) (home, error) {
	place, err := filepath.Abs(place)
	if err != nil {
		return home{}, err
	}
	folder := filepath.Join(place, prefix+digest)
	if found, err := open(folder); err == nil {
		if damaged := damage(folder); len(damaged) > 0 {
			err = repair(found, place, damaged, payload)
			if err != nil {
				found.close()
				return home{}, err
			}
		}
		return found, nil
	} else if !errors.Is(err, os.ErrNotExist) {
		return home{}, err
	}
	if err := makePlace(place); err != nil {
		return home{}, err
	}
	fresh, err := extract(place, payload)
	if err != nil {
		return home{}, err
	}
	// The rename is atomic. If several processes start at once, the first one wins and the others use its folder.
	if err := os.Rename(fresh, folder); err != nil {
		os.RemoveAll(fresh)
		if !errors.Is(err, os.ErrExist) && !errors.Is(err, syscall.ENOTEMPTY) {
			return home{}, reason(err)
		}
	}
	found, err := open(folder)
	if err == nil {
		sweep(place, folder)
	}
	return found, err
}

// makePlace creates place if it is missing, and checks that programs can be executed there.
func makePlace(place string) error {
	if err := os.MkdirAll(place, 0o700); err != nil {
		return reason(err)
	}
	return executableThere(place)
}

func executableThere(place string) error {
	var system syscall.Statfs_t
	if err := syscall.Statfs(place, &system); err != nil {
		return reason(err)
	}
	if system.Flags&noExec != 0 {
		return errors.New("mounted noexec")
	}
	return nil
}

// open locks an unpacked folder if only this user can access it: in /tmp, any user may have created it.
func open(folder string) (home, error) {
	fd, err := syscall.Open(folder, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, syscall.ENOENT) {
		return home{}, os.ErrNotExist
	}
	found := home{folder, fd}
	if err != nil {
		return home{}, fmt.Errorf("%s: %w", filepath.Base(folder), err)
	}
	var status syscall.Stat_t
	if err := syscall.Fstat(fd, &status); err != nil {
		found.close()
		return home{}, err
	}
	if int(status.Uid) != os.Geteuid() || status.Mode&0o077 != 0 {
		found.close()
		return home{}, fmt.Errorf("%s belongs to another user, or is open to others; remove it", filepath.Base(folder))
	}
	if err := executableThere(folder); err != nil {
		found.close()
		return home{}, err
	}
	if syscall.Flock(fd, syscall.LOCK_SH) != nil {
		found.close()
		return home{folder, -1}, nil
	}
	// Another process may have removed it before the lock was taken.
	var now syscall.Stat_t
	if syscall.Lstat(folder, &now) != nil || now.Ino != status.Ino || now.Dev != status.Dev {
		found.close()
		return home{}, os.ErrNotExist
	}
	return found, nil
}

func (found home) close() {
	if found.lock >= 0 {
		syscall.Close(found.lock)
	}
}

// sweep removes the folders of other versions in place, except those still in use.
func sweep(place, current string) {
	others, _ := filepath.Glob(filepath.Join(place, prefix+"*"))
	for _, other := range others {
		if other == current {
			continue
		}
		fd, err := syscall.Open(other, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
		if err != nil {
			continue
		}
		var status syscall.Stat_t
		mine := syscall.Fstat(fd, &status) == nil && int(status.Uid) == os.Geteuid()
		if mine && syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			os.RemoveAll(other)
		}
		syscall.Close(fd)
	}
}

// reason returns the error without the path, which the caller adds.
func reason(err error) error {
	var number syscall.Errno
	if errors.As(err, &number) {
		return number
	}
	return err
}
