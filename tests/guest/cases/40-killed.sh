# Ward killed without a chance to tidy up: main's check for leftovers is the test.
# as: root user
# cgroup: delegated
# time: 90

for boundary in container process; do
	ward run -b $boundary -p default --wall 30s -- \
		sh -c 'sleep 4260.25 & (setsid sleep 4261.25 &) ; sleep 4262.25' >"$out" 2>"$err" </dev/null &
	ward=$!
	check "${boundary}_starts" appears 4262.25
	kill -KILL $ward
	wait $ward
	check "${boundary}_dies_with_ward" disappears 4262.25
	check "${boundary}_background_job_dies_with_ward" disappears 4260.25
	check "${boundary}_daemon_dies_with_ward" disappears 4261.25
done
