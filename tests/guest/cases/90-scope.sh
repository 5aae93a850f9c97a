# Ward as the only process of the one cgroup that was delegated, with nothing above it to write to:
# what `systemd-run --scope -p Delegate=yes --uid=user ward run ...` gives. It must first move
# itself to a leaf (cgroup-v2.rst, "No Internal Process Constraint").
# as: root
# cgroup: delegated

scope=/sys/fs/cgroup/user.slice/user-1000.slice/alone-3.scope

# alone ARGS...: as ward_run
alone()
{
	mkdir $scope
	delegate $scope
	rm -f "$result"
	chown user "$TMPDIR"
	(
		echo 0 >$scope/cgroup.procs
		exec setpriv --reuid=user --regid=user --init-groups env HOME=/home/user USER=user \
			ward run --result "$result" --wall 20s "$@"
	) >"$out" 2>"$err" </dev/null
	status=$?
	rmdir $scope
	check the_scope_is_empty_again test ! -e $scope
}

alone -p default -b container --cpus 0.5 --require cgroup-memory -- true
is it_runs "$status" 0
for layer in memory pids cpu; do
	has "the_result_lists_cgroup_$layer" "$result" "cgroup-$layer"
done
alone -p default -b container --mem 32M -- python3 -S -I -c "$hog"
ended a_2_gb_allocation_is_limit_memory 137 limit.memory
