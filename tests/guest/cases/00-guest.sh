# The guest is what the other cases take it for.
# as: root user
# cgroup: delegated none

is one_cgroup_hierarchy_is_mounted "$(grep -c ' - cgroup2\{0,1\} ' /proc/self/mountinfo)" 1
is it_is_version_2 "$(cut -d: -f1,2 /proc/self/cgroup)" 0:
case $AS in
root) is it_runs_as_root "$(id -u)" 0 ;;
user) is it_runs_as_an_ordinary_user "$(id -u) $(sed -n 's/^CapEff:.//p' /proc/self/status)" \
	"1000 0000000000000000" ;;
esac
own=/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)
has the_parent_hands_down_controllers "$own/../cgroup.subtree_control" "memory pids"
if [ "$CGROUP" = none ]; then
	check the_parent_is_not_writable test ! -w "$own/.."
else
	check the_parent_is_writable test -w "$own/.." -a -w "$own/../cgroup.procs"
fi
check ward_is_installed ward version --json
