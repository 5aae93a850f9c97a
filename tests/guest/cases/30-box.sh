# What a program sees, and cannot do, from inside a container.
# as: root user
# cgroup: delegated
# time: 90

sleep 4250.25 &
bystander=$!

ward_run -b container -p default -- sh -c 'cat /proc/self/status
	sed "s/^/mount /" /proc/self/mountinfo
	for file in /proc/[0-9]*/cmdline; do echo "process $(tr "\0" " " <$file)"; done'
caps=$(grep -c '^Cap.*[[:space:]]0000000000000000$' "$out")
is every_capability_set_is_empty "$caps" 5
has no_new_privs_is_set "$out" '^NoNewPrivs:[[:space:]]1'
has a_seccomp_filter_is_on "$out" '^Seccomp:[[:space:]]2'
has its_ids_are_listed "$out" '^Uid:[[:space:]]+[0-9]'
lacks it_is_not_root_inside "$out" '^[UG]id:.*[[:space:]]0([[:space:]]|$)'
has its_own_processes_are_listed "$out" '^process .*sh'
lacks no_process_of_the_host_is_listed "$out" '^process .*4250'
check few_processes_are_listed test "$(grep -c '^process' "$out")" -lt 8
lacks no_cgroupfs_inside "$out" '^mount .* - cgroup'
lacks no_sysfs_inside "$out" '^mount .* - sysfs'
# Landlock of 6.1 knows files and renames only (ABI 2); ward runs with that, and says what is on
for layer in userns mountns pidns netns rootfs caps no-new-privs identity seccomp landlock rlimits \
	cgroup-memory cgroup-pids; do
	has "the_result_lists_$layer" "$result" "\"$layer\""
done

ward_run -b container -p default -- sh -c "kill -9 $bystander; "'
	cat /etc/shadow /root/secret /home/user/secret /var/lib/secret
	for dir in / /usr /usr/bin /etc /proc; do (: >$dir/written) && echo wrote $dir; done
	unshare -Ur true && echo made a user namespace
	mount -t tmpfs x /tmp && echo mounted
	echo the end'
has it_tried_everything "$out" '^the end$'
check a_process_of_the_host_cannot_be_killed kill -0 $bystander
lacks no_secret_of_the_host_is_read "$out" marker
lacks the_root_is_read_only "$out" wrote
lacks a_user_namespace_inside_is_refused "$out" '^made'
lacks a_mount_inside_is_refused "$out" '^mounted'

ward run -b container -p default --wall 30s -- sleep 4251.25 >"$out" 2>"$err" </dev/null &
ward=$!
check it_is_seen_from_outside appears 4251.25
lacks it_is_not_root_outside "/proc/$pid/status" '^[UG]id:.*[[:space:]]0([[:space:]]|$)'
lacks the_host_root_is_not_mapped "/proc/$pid/uid_map" '^ *[0-9]+ +0 '
for kind in user pid mnt net ipc uts cgroup time; do
	theirs=$(readlink "/proc/$pid/ns/$kind")
	ours=$(readlink /proc/self/ns/$kind)
	check "its_${kind}_namespace_is_its_own" test "${theirs:-$ours}" != "$ours"
done
kill -TERM $ward
wait $ward
kill $bystander
