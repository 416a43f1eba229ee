package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// index lists every file and its size; it is written last, so that no file is newer.
const index = "INDEX"

// extract unpacks payload into a new folder in place and returns its path. The folder is not locked yet; its temporary
// name keeps sweep away from it.
func extract(place string, payload []byte) (string, error) {
	fresh, err := os.MkdirTemp(place, ".federation-sidecar-")
	if err != nil {
		return "", reason(err)
	}
	if err := fill(fresh, payload); err != nil {
		os.RemoveAll(fresh)
		return "", reason(err)
	}
	return fresh, nil
}

func fill(folder string, payload []byte) error {
	unzipped, err := gzip.NewReader(bytes.NewReader(payload))
	if err != nil {
		return fmt.Errorf("this file is damaged: %w", err)
	}
	var listed strings.Builder
	for entries := tar.NewReader(unzipped); ; {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("this file is damaged: %w", err)
		}
		if !filepath.IsLocal(entry.Name) {
			return fmt.Errorf("this file is damaged: it holds %q", entry.Name)
		}
		path := filepath.Join(folder, entry.Name)
		if entry.Typeflag == tar.TypeDir {
			if err := os.MkdirAll(path, 0o700); err != nil {
				return err
			}
			continue
		}
		if err := write(path, entries, entry.FileInfo().Mode().Perm()); err != nil {
			return err
		}
		fmt.Fprintf(&listed, "%d %s\n", entry.Size, filepath.Clean(entry.Name))
	}
	return os.WriteFile(filepath.Join(folder, index), []byte(listed.String()), 0o600)
}

func write(path string, content io.Reader, mode os.FileMode) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	if _, err := io.Copy(file, content); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}

// damage returns the files of an unpacked folder that are missing, have another size, or were modified, as after a
// cleanup of /tmp or on a full disk. It checks metadata only, which takes about two milliseconds.
func damage(folder string) []string {
	listed, err := os.ReadFile(filepath.Join(folder, index))
	if err != nil {
		return []string{index}
	}
	written, err := os.Stat(filepath.Join(folder, index))
	if err != nil {
		return []string{index}
	}
	var damaged []string
	for _, line := range strings.Split(strings.TrimSuffix(string(listed), "\n"), "\n") {
		size, name, _ := strings.Cut(line, " ")
		if !intact(filepath.Join(folder, name), size, written.ModTime()) {
			damaged = append(damaged, name)
		}
	}
	return damaged
}

func intact(path, size string, written time.Time) bool {
	found, err := os.Lstat(path)
	return err == nil && found.Mode().IsRegular() && strconv.FormatInt(found.Size(), 10) == size &&
		!found.ModTime().After(written)
}

// repair replaces the damaged files, each atomically, even while a sidecar runs from the folder.
func repair(found home, place string, damaged []string, payload []byte) error {
	fresh, err := extract(place, payload)
	if err != nil {
		return err
	}
	defer os.RemoveAll(fresh)
	if damaged[0] == index { // without the index, every file counts as damaged
		damaged = damaged[:0]
		listed, err := os.ReadFile(filepath.Join(fresh, index))
		if err != nil {
			return err
		}
		for _, line := range strings.Split(strings.TrimSuffix(string(listed), "\n"), "\n") {
			_, name, _ := strings.Cut(line, " ")
			damaged = append(damaged, name)
		}
	}
	// The index comes last, because it must be the newest.
	for _, name := range append(damaged, index) {
		target := filepath.Join(found.path, name)
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			return reason(err)
		}
		if err := os.Rename(filepath.Join(fresh, name), target); err != nil {
			return reason(err)
		}
	}
	return nil
}
