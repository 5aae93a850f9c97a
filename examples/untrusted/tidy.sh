#!/bin/sh
# An untrusted shell script: sorts its input, and helps itself to what it can reach.
#
# Everything it tries is harmless where it succeeds. Each try is one line for examples/contained.py, as in
# words.py; the outcome is the last part of what the command says.

tried() { # WHAT CALL PATH COMMAND...
	what=$1 call=$2 path=$3
	shift 3
	said=$( ("$@") 2>&1 >/dev/null) && said=possible
	echo "tried: $what | $call | $path | ${said##*: }"
}

write_to() { : > "$1"; }
fill() { head -c 200M /dev/zero > "${TMPDIR:-/tmp}/full"; }

echo "work: $(tr -cs 'A-Za-z' '\n' | sort -u | wc -l) different words"

tried "read the password hashes" openat /etc/shadow cat /etc/shadow
tried "read the list of installed packages" openat /var/lib/dpkg/status cat /var/lib/dpkg/status
tried "list the users' homes" openat /home ls /home
tried "replace /bin/sh" openat /bin/sh write_to /bin/sh
tried "write a kernel setting" openat /proc/sys/kernel/core_pattern write_to /proc/sys/kernel/core_pattern
tried "read the environment of process 1" openat /proc/1/environ cat /proc/1/environ
tried "fill the disk with 200 MB" write - fill
(sleep 300 &) # a daemon: examples/contained.py looks whether it survives the box
