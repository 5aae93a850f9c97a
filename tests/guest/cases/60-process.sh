# The process boundary, with and without a cgroup.
# as: root user
# cgroup: delegated none

ward_run -b process -p default -- true
is it_runs "$status" 0
ward_run -b process -p default -- cat /proc/self/status
is every_capability_set_is_empty "$(grep -c '^Cap.*[[:space:]]0000000000000000$' "$out")" 5
has no_new_privs_is_set "$out" '^NoNewPrivs:[[:space:]]1'
has a_seccomp_filter_is_on "$out" '^Seccomp:[[:space:]]2'
lacks it_is_not_root "$out" '^[UG]id:.*[[:space:]]0([[:space:]]|$)'
ward_run -b process -p default -- \
	sh -c 'cat /root/secret /home/user/secret /var/lib/secret /etc/shadow'
lacks no_secret_of_the_host_is_read "$out" marker
ward_run -b process -p default -- sh -c 'echo x >/var/tmp/written'
check nothing_is_written_outside test ! -e /var/tmp/written
ward_run -b process -p default -- unshare -Ur true
check a_user_namespace_is_refused test "$status" != 0
ward_run -b process -p default --wall 2s -- sleep 25
ended sleeping_too_long_is_limit_wall 124 limit.wall
ward_run -b process -p default --mem 64M --wall 20s -- python3 -S -I -c "$hog"
check a_2_gb_allocation_fails test "$status" != 0 -a "$status" != 125
lacks it_never_had_the_memory "$out" "had it all"
