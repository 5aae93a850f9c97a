# as: root user
# cgroup: delegated
# time: 90
ward_run -b container -p default --pids 16 --wall 20s -- \
	sh -c 'i=0; while [ $i -lt 40 ]; do sleep 8 & i=$((i + 1)); done; echo started all'
cat $result $err
ward selftest -b process | grep -B1 -A2 -iE "allowed|control"
[ $AS = root ] || ward selftest -b container | grep -B1 -A2 -iE "allowed|control"
ls -la /proc/self/exe /usr/local/bin
ward run -p strict -- echo hi; echo "strict $?"
ward run -p contest -- echo hi; echo "contest $?"
ward check -p strict; 
