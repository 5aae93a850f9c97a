# An ordinary user to whom nobody delegated a cgroup: refused, or the weaker way the policy names.
# as: user
# cgroup: none
# time: 120

ward_run -p strict -- echo ran
is strict_is_refused "$status" 125
lacks nothing_ran "$out" ran
has it_names_a_cause "$err" 'cgroup|mdwe.*6[.]3'
is it_is_one_line "$(grep -c . "$err")" 1
has it_is_wards_line "$err" '^ward: '

ward_run -p default --require cgroup-memory -- echo ran
is a_required_layer_that_is_missing_refuses "$status" 125
has it_names_the_missing_layer "$err" 'cgroup'
has it_names_the_fix "$err" 'delegat|systemd-run'

ward_run -p default -- echo ran
is default_runs "$status" 0
has its_program_ran "$out" '^ran$'
has the_result_lists_rlimits "$result" '"rlimits"'
lacks the_result_claims_no_cgroup "$result" '"cgroup-'
has the_result_names_the_fallback "$result" '"notes" *: *\[[^]]*(each process|no cgroup)'

ward_run -p default --mem 64M --wall 20s -- python3 -S -I -c "$hog"
check a_2_gb_allocation_fails test "$status" != 0 -a "$status" != 125
lacks it_never_had_the_memory "$out" "had it all"
ward_run -p default --pids 16 --wall 20s -- \
	sh -c 'i=0; while [ $i -lt 40 ]; do sleep 8 & i=$((i + 1)); done; echo started all'
lacks forty_children_under_16_pids_are_refused "$out" "started all"
ward_run -p default --wall 2s -- sleep 25
ended sleeping_too_long_is_limit_wall 124 limit.wall
