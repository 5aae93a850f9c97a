/* What of the host a box with `read: host` may see. Everything else of it does not exist inside:
 * no /home, /root, /var, /run, /boot, /srv, /mnt, /sys, and of /etc only this. */
#include "boundary/hostview.h"

const char *const hostview_trees[] = { "/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32", NULL };

const char *const hostview_etc[] = {
	"/etc/ld.so.cache",     /* the loader's index */
	"/etc/alternatives",    /* cc, awk, java: links in /usr/bin point here */
	"/etc/localtime", NULL,
};

const struct hostview_file hostview_files[] = {
	{ "/etc/passwd", "root:x:0:0:root:/:/bin/false\nbox:x:1000:1000:box:/work:/bin/sh\n"
			 "nobody:x:65534:65534:nobody:/:/bin/false\n" },
	{ "/etc/group", "root:x:0:\nbox:x:1000:\nnogroup:x:65534:\n" },
	{ "/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n" },
	{ "/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n" },
	{ 0 },
};
