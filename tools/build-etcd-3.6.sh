#!/usr/bin/env bash
# Builds etcd 3.6 from its Go module into .cache/etcd-3.6, once; with the binary there, it does nothing.
# `go install go.etcd.io/etcd/server/v3@...` refuses, because that module has replace directives: a module of
# our own around it does not care.
set -euo pipefail
cd "$(dirname "$0")/.."

version=v3.6.6
binary=$PWD/.cache/etcd-3.6

if [ -x "$binary" ]; then
  exit 0
fi
if ! command -v go > /dev/null; then
  echo "Go is needed to build etcd 3.6, and is not on PATH; install it, or put an etcd 3.6 at $binary" >&2
  exit 1
fi

mkdir -p .cache
source=$(mktemp -d .cache/etcd-3.6-source.XXXXXX)
trap 'rm -rf "$source"' EXIT
echo "Building etcd $version into $binary ..."
(
  cd "$source"
  cat > go.mod <<< "module etcd36"
  printf '//go:build tools\n\npackage tools\n\nimport _ "go.etcd.io/etcd/server/v3"\n' > tools.go
  go get "go.etcd.io/etcd/server/v3@$version"
  CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o "$binary.new" go.etcd.io/etcd/server/v3
)
# Moved into its place whole, so that a build that was interrupted is not taken for a finished one.
mv "$binary.new" "$binary"
"$binary" --version
