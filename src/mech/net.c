/* One ioctl; the socket lives for it alone. */
#include "mech/net.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int net_loopback_up(struct err *e)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int status = 0;

	if (fd < 0)
		return err_sys(e, "socket");
	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		status = err_sys(e, "bring lo up");
	close(fd);
	return status;
}
