#!/bin/busybox sh
# The first program of a test's guest: mounts what every Linux has, loads the modules it was given,
# brings the network up, then runs the scripts that come over the second serial port.
# A script comes as a line with its length and as many bytes; the answer is "done STATUS COUNT" and
# COUNT bytes of output.
/bin/busybox mkdir -p /proc /sys /dev /tmp /run /mnt
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
/bin/busybox --install -s
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
mkdir -p /dev/shm /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t devpts devpts /dev/pts
ln -sf /proc/self/fd /dev/fd
ln -sf /proc/self/mounts /etc/mtab

while read -r module; do
  insmod "$module" || echo "$module is not loaded"
done </etc/modules

. /etc/guest.conf
ip link set lo up
ip addr add "$address" dev eth0
ip link set eth0 up
[ -z "$gateway" ] || ip route add default via "$gateway"
echo "guest: Linux $(uname -r) is up at $address"

# Bytes as they are: no echo, no line editing, no translation.
stty raw -echo </dev/ttyS1
exec 3<>/dev/ttyS1
echo ready >&3
while read -r count <&3; do
  dd bs=1 count="$count" of=/run/script <&3 2>/dev/null
  sh /run/script >/run/output 2>&1 3>&- </dev/null
  status=$?
  echo "done $status $(wc -c </run/output)" >&3
  cat /run/output >&3
done
poweroff -f
