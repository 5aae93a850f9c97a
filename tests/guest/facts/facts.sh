# Prints what this kernel has, as root and as an ordinary user with and without a delegated cgroup.
# as: root user
# cgroup: delegated none

who=$AS
[ "$CGROUP" = none ] && who=$AS-none
[ "$AS" = root ] && modprobe brd # a block device for io.max
/guest/facts "$who"
