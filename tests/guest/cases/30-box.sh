# What a program sees from inside a container.
# as: root user
# cgroup: delegated

sleep 4250.25 &
bystander=$!

ward_run -b container -p default -- cat /proc/self/status
cp "$out" "$TMPDIR/status"
is every_capability_set_is_empty "$(grep -c '^Cap.*[[:space:]]0000000000000000$' "$TMPDIR/status")" 5
has no_new_privs_is_set "$TMPDIR/status" '^NoNewPrivs:[[:space:]]1'
has a_seccomp_filter_is_on "$TMPDIR/status" '^Seccomp:[[:space:]]2'
lacks it_is_not_root_inside "$TMPDIR/status" '^[UG]id:.*[[:space:]]0([[:space:]]|$)'

ward_run -b container -p default -- \
	sh -c 'cat /proc/[0-9]*/cmdline | tr "\0" " "; echo; echo /proc/[0-9]*'
lacks no_process_of_the_host_is_seen "$out" '4250'
check few_processes_are_seen test "$(tail -n 1 "$out" | wc -w)" -lt 8
ward_run -b container -p default -- sh -c "kill -9 $bystander"
check a_process_of_the_host_cannot_be_killed kill -0 $bystander

ward_run -b container -p default -- \
	sh -c 'cat /etc/shadow /root/secret /home/user/secret /var/lib/secret'
lacks no_secret_of_the_host_is_read "$out" marker
ward_run -b container -p default -- \
	sh -c 'for d in / /usr /usr/bin /etc /proc; do (: >$d/written) && echo wrote $d; done'
lacks the_root_is_read_only "$out" wrote
ward_run -b container -p default -- sh -c 'cat /proc/net/dev; echo; cat /proc/self/mountinfo'
lacks no_cgroupfs_inside "$out" ' - cgroup'
lacks no_sysfs_inside "$out" ' - sysfs'
ward_run -b container -p default -- unshare -Ur true
check a_user_namespace_inside_is_refused test "$status" != 0
ward_run -b container -p default -- mount -t tmpfs x /mnt
check a_mount_inside_is_refused test "$status" != 0
ward_run -b container -p default -- tail -n 2 /proc/self/uid_map
lacks the_host_uid_0_is_not_mapped "$out" '[[:space:]]0[[:space:]]+1$'

ward run -b container -p default --wall 30s -- sleep 4251.25 >"$out" 2>"$err" </dev/null &
ward=$!
appears 4251.25
lacks it_is_not_root_outside "/proc/$pid/status" '^[UG]id:.*[[:space:]]0([[:space:]]|$)'
for kind in user pid mnt net ipc uts cgroup time; do
	check "its_${kind}_namespace_is_its_own" test -e "/proc/$pid/ns/$kind" -a \
		"$(readlink "/proc/$pid/ns/$kind")" != "$(readlink /proc/self/ns/$kind)"
done
kill -TERM $ward
wait $ward
kill $bystander

# Landlock of 6.1 knows files and renames only; ward runs with that and says so
ward_run -b container -p default -- true
for layer in userns mountns pidns netns rootfs caps no-new-privs identity seccomp landlock \
	cgroup-memory cgroup-pids; do
	has "the_result_lists_$layer" "$result" "\"$layer\""
done
