# The process boundary, with and without a cgroup.
# as: root user
# cgroup: delegated none

# It has no /proc of its own and may not read the host's, so this looks from outside
ward run -b process -p default --wall 20s -- sleep 4270.25 >"$out" 2>"$err" </dev/null &
ward=$!
check it_is_seen_from_outside appears 4270.25
cp "/proc/$pid/status" "$TMPDIR/status"
kill -TERM $ward
wait $ward
sets="Inh Prm Eff Amb"
[ "$AS" = user ] || sets="$sets Bnd" # the bounding set can be emptied only with CAP_SETPCAP
for set in $sets; do
	has "its_capabilities_are_empty_$set" "$TMPDIR/status" "^Cap$set:[[:space:]]0000000000000000"
done
has no_new_privs_is_set "$TMPDIR/status" '^NoNewPrivs:[[:space:]]1'
has a_seccomp_filter_is_on "$TMPDIR/status" '^Seccomp:[[:space:]]2'
lacks it_is_not_root "$TMPDIR/status" '^[UG]id:.*[[:space:]]0([[:space:]]|$)'
ward_run -b process -p default -- sh -c '
	cat /root/secret /home/user/secret /var/lib/secret /etc/shadow
	(echo x >/var/tmp/written)
	unshare -Ur true && echo made a user namespace
	echo the end'
has it_tried_everything "$out" '^the end$'
lacks no_secret_of_the_host_is_read "$out" marker
check nothing_is_written_outside test ! -e /var/tmp/written
lacks a_user_namespace_is_refused "$out" '^made'
ward_run -b process -p default --wall 2s -- sleep 25
ended sleeping_too_long_is_limit_wall 124 limit.wall
ward_run -b process -p default --mem 64M --wall 20s -- python3 -S -I -c "$hog"
check a_2_gb_allocation_fails test "$status" != 0 -a "$status" != 125
lacks it_never_had_the_memory "$out" "had it all"
