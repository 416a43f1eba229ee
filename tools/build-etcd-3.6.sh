#!/usr/bin/env bash
# Builds etcd 3.6 from its Go module into .cache/etcd-3.6, once.
# `go install go.etcd.io/etcd/server/v3@...` refuses a module with replace directives; a module of our own that
# requires it builds.
set -euo pipefail
cd "$(dirname "$0")/.."

version=v3.6.6
binary=$PWD/.cache/etcd-3.6

if [ -x "$binary" ]; then
  exit 0
fi
if ! command -v go > /dev/null; then
  echo "build-etcd-3.6: Go is not on PATH; install it, or put an etcd 3.6 at $binary" >&2
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
# Renamed at the end, so that an interrupted build leaves no binary.
mv "$binary.new" "$binary"
"$binary" --version
