# Exit codes and verdicts of cli.md section 3.
# as: root user
# cgroup: delegated

ward_run -b container -p default -- true
ended success_is_ok 0 ok
ward_run -b container -p default -- sh -c 'exit 77'
ended a_status_passes_through 77 nonzero
ward_run -b container -p default -- sh -c 'kill -9 $$'
ended a_signal_is_128_and_more 137 signal
lacks a_signal_is_not_an_oom "$result" '"oom" *: *true'
ward_run -b container -p default -- /no/such/program
is a_missing_program_is_127 "$status" 127
ward_run -b container -p default -- /etc/passwd
is a_file_that_is_no_program_is_126 "$status" 126
ward_run --no-such-flag -- true
is bad_usage_is_125 "$status" 125
ward_run -b container -p default -- sh -c 'echo out; echo err >&2'
is stdout_is_the_programs "$(cat "$out")" out
has stderr_is_the_programs "$err" '^err$'
