# The doctor says what this kernel has and what it lacks.
# as: root user
# cgroup: delegated none

timeout -k 3 40 ward doctor >"$out" 2>&1
status=$?
check it_ends_well test "$status" = 0
has it_reports_landlock_abi_2 "$out" 'landlock.*2'
has it_reports_cgroup_v2 "$out" 'cgroup.*v2'
has it_reports_core_scheduling_as_missing "$out" 'core.?sched.*(no|missing|lacks|CONFIG_SCHED_CORE)'
has it_reports_mdwe_as_missing "$out" 'mdwe.*(no|missing|lacks|unavailable|6\.3)'
[ "$CGROUP" != none ] || has it_names_the_fix_for_cgroups "$out" 'delegat|systemd-run'
timeout -k 3 30 ward check -p default >"$out" 2>"$err"
status=$?
is the_default_policy_fits_this_host "$status" 0
timeout -k 3 30 ward check -p strict >"$out" 2>&1
status=$?
if [ "$CGROUP" = none ]; then
	check strict_does_not_fit_this_host test "$status" != 0
else
	# 6.1 has no PR_SET_MDWE, which strict asks for by name
	has strict_fits_or_says_what_6_1_lacks "$out" 'fits this host|mdwe'
fi
