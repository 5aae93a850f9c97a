/* From a filter in libseccomp to instructions. Loads nothing into the kernel. */
#include "format/scmp.h"

#include <errno.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "model/filter.h"

void scmp_done(struct scmp *scmp)
{
	if (scmp->ctx)
		seccomp_release(scmp->ctx);
	scmp->ctx = NULL;
}

int scmp_init(struct scmp *scmp, uint32_t action, struct err *e)
{
	/* All actions, whatever this kernel has: the filter is judged, not loaded. */
	(void)seccomp_api_set(6);
	scmp->ctx = seccomp_init(action);
	if (scmp->ctx)
		return 0;
	errno = EINVAL;
	return err_sys(e, "libseccomp refuses the default action 0x%x", action);
}

int scmp_add_filter(const struct scmp *scmp, const char *name, struct subject *out, struct err *e)
{
	OWN_FD int fd = memfd_create("ward-filter", MFD_CLOEXEC);
	OWN_MEM char *bytes = NULL;
	size_t len, n;
	int rc;

	if (fd < 0)
		return err_sys(e, "memfd_create");
	rc = seccomp_export_bpf(scmp->ctx, fd);
	if (rc < 0) {
		errno = -rc;
		return err_sys(e, "libseccomp cannot compile %.60s", name);
	}
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(e, "lseek");
	/* Twice the kernel's limit: filter_check() tells what is too long. */
	if (fd_read_file(fd, name, 2 * BPF_MAXINSNS * sizeof(struct sock_filter), &bytes, &len, e) < 0)
		return -1;
	n = len / sizeof(struct sock_filter);
	if (filter_check((const struct sock_filter *)(const void *)bytes, n, e) < 0)
		return err_add(e, "the program libseccomp makes of %.60s", name);
	subject_add_filter(out, name, (const struct sock_filter *)(const void *)bytes, n);
	return 0;
}
