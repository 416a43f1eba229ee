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

// index names every file and its size; it is written last, so that none of them is younger.
const index = "INDEX"

// extract unpacks payload into a new folder in place, under a name that sweep does not know while it is being written
// by this process (it holds no lock yet), and returns its path.
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

// damage names the files of an unpacked folder that are gone, of another size, or written to since: what cleaners of
// /tmp and full disks leave. It looks at each file and reads none: about two milliseconds.
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

// repair puts the damaged files back, each at one stroke, also under a sidecar that runs from the folder.
func repair(found home, place string, damaged []string, payload []byte) error {
	fresh, err := extract(place, payload)
	if err != nil {
		return err
	}
	defer os.RemoveAll(fresh)
	if damaged[0] == index { // what else is missing is not known
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
	// The index last, as it is the youngest.
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
