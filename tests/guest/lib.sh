# Shared by the cases: one line a result, running ward within a time limit, reading its result.
# main sets: CASE (prefix of every name), AS (root or user), CGROUP (delegated or none), TMPDIR.

out=$TMPDIR/out err=$TMPDIR/err result=$TMPDIR/result.json status=-

ok() { echo "ok $CASE/$1"; }
skip() { echo "skip $CASE/$1: $2"; }
not_ok()
{
	echo "not ok $CASE/$1: $2 (status $status, verdict '$(field verdict)'," \
		"$(tail -n 2 "$err" 2>/dev/null | tr '\n' ' '))"
}
finish() { exit 0; }

# check NAME CONDITION...: the condition is a command
check()
{
	name=$1
	shift
	if "$@" >/dev/null 2>&1; then ok "$name"; else not_ok "$name" "false: $*"; fi
}

is() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got '$2', want '$3'"; fi; }

# has NAME FILE PATTERN: an extended regular expression, letter case ignored
has()
{
	if grep -Eiq -- "$3" "$2" 2>/dev/null; then
		ok "$1"
	else
		not_ok "$1" "no '$3' in: $(head -c 300 "$2" 2>/dev/null | tr '\n' ' ')"
	fi
}

lacks()
{
	if grep -Eiq -- "$3" "$2" 2>/dev/null; then
		not_ok "$1" "'$3' in: $(grep -Ei -m 1 -- "$3" "$2")"
	else
		ok "$1"
	fi
}

# ward_run ARGS...: sets status; stdout, stderr and the result go to $out, $err, $result
ward_run()
{
	rm -f "$result"
	timeout -k 3 "${within:-30}" ward run --result "$result" "$@" >"$out" 2>"$err" </dev/null
	status=$?
}

# field KEY: the value of a member of the result whose value is a string, a number or a bool
field()
{
	sed -n "s/.*\"$1\"[[:space:]]*:[[:space:]]*\"\{0,1\}\([^\",}]*\).*/\1/p" "$result" 2>/dev/null |
		head -n 1
}

# ended NAME STATUS VERDICT: how the last ward_run ended, by exit status and by result
ended()
{
	if [ "$status" = "$2" ] && [ "$(field verdict)" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1" "want status $2, verdict $3"
	fi
}

# pid_of SECONDS: the pid, seen from outside, of a box's `sleep SECONDS`; empty if there is none
pid_of()
{
	for found in $(grep -lszFx -- "$1" /proc/[0-9]*/cmdline); do
		found=${found%/cmdline}
		[ "$(cat "$found/comm" 2>/dev/null)" = sleep ] && echo "${found#/proc/}" && return
	done
}

# appears SECONDS, disappears SECONDS: waits some seconds for such a program; sets pid
appears()
{
	for try in 1 2 3 4 5 6 7 8 9 10 11 12; do
		pid=$(pid_of "$1")
		[ -z "$pid" ] || return 0
		sleep 0.5
	done
	return 1
}

disappears()
{
	for try in 1 2 3 4 5 6 7 8 9 10; do
		[ -n "$(pid_of "$1")" ] || return 0
		sleep 0.5
	done
	return 1
}

# delegate DIR: hands a cgroup to the ordinary user, as systemd does
delegate()
{
	chown user:user "$1"
	for file in $(cat /sys/kernel/cgroup/delegate); do
		[ ! -e "$1/$file" ] || chown user:user "$1/$file"
	done
}

# Programs that misbehave, for python3 -S -I -c
hog='import time
kept = []
for i in range(2048): kept.append(b"x" * (1 << 20))
print("had it all")'
bomb='import os, time
while True:
    try: os.fork()
    except OSError: time.sleep(0.05)'
