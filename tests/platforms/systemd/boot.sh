#!/usr/bin/env bash
# Boots the systemd of this machine as PID 1 of new namespaces; tools/test-systemd calls it through unshare.
# Its root is that of this machine under an overlay in memory, which is discarded with everything that the tests write. The
# project's folder is the real one. It has only loopback, and starts none of this machine's services.
set -euo pipefail
project=$1

mount --make-rprivate /
# Any folder will do: the mount is visible only in this namespace.
stage=/mnt
mount -t tmpfs -o mode=755 stage "$stage"
cd "$stage"
mkdir upper work root
mount -t overlay -o "lowerdir=/,upperdir=$stage/upper,workdir=$stage/work" overlay root
cd root

mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 dev dev
for device in null zero full random urandom tty; do
  touch "dev/$device"
  mount --bind "/dev/$device" "dev/$device"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts dev/pts
mount -t tmpfs -o mode=1777 shm dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for stream in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${stream%:*}" "dev/${stream#*:}"; done
mount -t tmpfs -o mode=755 run run
mount -t tmpfs -o mode=1777 tmp tmp
# Again, in case the checkout lies below one of the new mounts.
mkdir -p ".$project"
mount --rbind "$project" ".$project"

: > etc/machine-id
cat > etc/systemd/system/tests.target << 'END'
[Unit]
Requires=basic.target dbus.socket
After=basic.target dbus.socket
END

ip link set lo up
mkdir .old
pivot_root . .old
umount -l /.old
exec env -i container=tests PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --unit=tests.target
