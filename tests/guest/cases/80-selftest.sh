# Ward's own attack on its boxes.
# as: root user
# cgroup: delegated
# time: 120

for boundary in container process; do
	timeout -k 3 55 ward selftest -b $boundary >"$out" 2>"$err" </dev/null
	status=$?
	if [ $status = 0 ]; then
		ok "selftest_of_${boundary}"
	else
		not_ok "selftest_of_${boundary}" \
			"$(grep -Ei 'allowed|BROKEN|fail|not ok' "$out" | head -n 5 | tr '\n' ';')"
	fi
done
