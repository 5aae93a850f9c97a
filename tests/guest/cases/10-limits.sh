# A container's limits on cgroup v2: in the kernel as asked, and reached in earnest.
# as: root user
# cgroup: delegated
# time: 120

ward_run -b container -p default --mem 64M --wall 20s -- python3 -S -I -c "$hog"
ended a_2_gb_allocation_in_64m_is_limit_memory 137 limit.memory
lacks it_never_had_the_memory "$out" "had it all"
has the_result_says_oom "$result" '"oom" *: *true'
check the_result_is_json python3 -S -I -c "import json; json.load(open('$result'))"

ward_run -b container -p default --pids 16 --wall 20s -- \
	sh -c 'i=0; while [ $i -lt 40 ]; do sleep 8 & i=$((i + 1)); done; echo started all'
lacks forty_children_under_16_pids_are_refused "$out" "started all"
is the_verdict_is_limit_pids "$(field verdict)" limit.pids

timeout -k 3 40 ward run -b container -p default --pids 24 --widen --cpu 60s --wall 10s --result "$result" -- \
	python3 -S -I -c "$bomb" >"$out" 2>"$err" </dev/null &
ward=$!
# The most that were ever seen: how far it gets depends on what else the host does.
forked=0
for _ in $(seq 16); do
	sleep 0.5
	now=$(grep -lsE 'os[.]fork' /proc/[0-9]*/cmdline | wc -l)
	[ "$now" -le "$forked" ] || forked=$now
done
wait $ward
status=$?
check a_fork_bomb_stays_below_its_limit test "$forked" -gt 10 -a "$forked" -le 32
has a_fork_bomb_ends_by_a_limit "$result" '"verdict" *: *"limit[.](pids|wall|cpu)"'
is no_process_of_the_bomb_survives "$(grep -lsE 'os[.]fork' /proc/[0-9]*/cmdline | wc -l)" 0

ward_run -b container -p default --cpu 1s --wall 25s -- sh -c 'while :; do :; done'
ended a_busy_loop_is_limit_cpu 124 limit.cpu
ward_run -b container -p default --wall 2s -- sleep 25
ended sleeping_too_long_is_limit_wall 124 limit.wall
ward_run -b container -p default --out-max 64K --wall 20s -- yes
ended endless_output_is_limit_output 124 limit.output

ward run -b container -p default --mem 64M --pids 24 --cpus 0.5 --wall 30s -- sleep 4242.25 \
	>"$out" 2>"$err" </dev/null &
ward=$!
appears 4242.25
cgroup=/sys/fs/cgroup$(cut -d: -f3 "/proc/$pid/cgroup" 2>/dev/null)
is memory_max_is_in_the_kernel "$(cat "$cgroup/memory.max")" 67108864
is swap_max_is_in_the_kernel "$(cat "$cgroup/memory.swap.max")" 0
has pids_max_is_in_the_kernel "$cgroup/pids.max" '^2[4-6]$'
check half_a_cpu_is_in_the_kernel awk '{ exit $1 * 2 != $2 }' "$cgroup/cpu.max"
kill -TERM $ward
wait $ward
status=$?
check sigterm_ends_the_box disappears 4242.25
