#!/bin/sh
# enter.sh ROOT WRITABLE USER -- COMMAND ARG...: becomes COMMAND in the root file system ROOT, which only /tmp and /data of are
# writable. Called through `unshare --mount` by the tests: the mounts are gone with it. WRITABLE holds `tmp` and `data`.
set -eu
root=$1 writable=$2 user=$3
shift 4
mount --make-rprivate /
mount --bind "$root" "$root"
for folder in tmp data; do mount --bind "$writable/$folder" "$root/$folder"; done
mount --bind "$SIDECAR_BINARY" "$root/sidecar"
mount -t proc proc "$root/proc"
for device in null urandom; do mount --bind "/dev/$device" "$root/dev/$device"; done
mount -o remount,ro,bind "$root"
if [ -n "${TMP_OPTIONS:-}" ]; then mount -o "remount,bind,$TMP_OPTIONS" "$root/tmp"; fi
unset SIDECAR_BINARY TMP_OPTIONS
exec chroot --userspec="$user" "$root" "$@"
