# What crosses the boundary of a running box, with its limits read from cgroup v2.
# as: root user
# cgroup: delegated
# time: 60

timeout -k 3 40 ward run -p default --wall 30s -- sleep 4285.25 >"$out" 2>"$err" </dev/null &
ward=$!
check starts appears 4285.25
timeout -k 3 20 ward surface --all --pid "$pid" >"$out" 2>"$err"
has names_the_worst "$out" "^worst: the host's kernel \(high\): [0-9]+ of [0-9]+ system calls|nobody knows"
has memory_is_limited "$out" 'closed +resource +memory: at most 512 MiB'
has processes_are_limited "$out" 'closed +resource +processes: at most 65'
has swap_is_limited "$out" 'closed +resource +swap: none at all'
has processors_are_not "$out" 'low +resource +processor share: no limit'
has network_is_its_own "$out" 'closed +network +interfaces of the host'
has files_are_listed "$out" 'low +file +/usr: read-only, exec'
kill $ward
wait $ward
timeout -k 3 20 ward surface --svg >"$out" 2>"$err"
status=$?
is draws 0 $status
has drawing_ends "$out" '</svg>'
