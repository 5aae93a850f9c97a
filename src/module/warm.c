/* A module of ward's own, run before anybody else's. */
#include "module/module.h"

/* What a first instance makes ready: wrappers of calls, maps of objects. Its _start() calls fd_write() for a number that
 * stands for nothing. */
static const uint8_t warm_module[] = {
	0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00,
	/* types: four words to one, none to none */
	0x01, 0x0c, 0x02, 0x60, 0x04, 0x7f, 0x7f, 0x7f, 0x7f, 0x01, 0x7f, 0x60, 0x00, 0x00,
	/* imports: wasi_snapshot_preview1.fd_write */
	0x02, 0x23, 0x01, 0x16, 'w', 'a', 's', 'i', '_', 's', 'n', 'a', 'p', 's', 'h', 'o', 't', '_', 'p', 'r', 'e', 'v',
	'i', 'e', 'w', '1', 0x08, 'f', 'd', '_', 'w', 'r', 'i', 't', 'e', 0x00, 0x00,
	/* one function, a page of memory, both exported */
	0x03, 0x02, 0x01, 0x01, 0x05, 0x03, 0x01, 0x00, 0x01,
	0x07, 0x13, 0x02, 0x06, 'm', 'e', 'm', 'o', 'r', 'y', 0x02, 0x00, 0x06, '_', 's', 't', 'a', 'r', 't', 0x00, 0x01,
	/* fd_write(255, 0, 0, 0), dropped */
	0x0a, 0x10, 0x01, 0x0e, 0x00, 0x41, 0xff, 0x01, 0x41, 0x00, 0x41, 0x00, 0x41, 0x00, 0x10, 0x00, 0x1a, 0x0b,
};

bool module_touch(struct engine *engine, struct engine_why *why)
{
	return engine_renew(engine, why) && engine_call(engine, "_start", NULL, 0, NULL, why);
}

bool module_warm(struct module *module, struct engine *engine, struct engine_why *why)
{
	const struct engine_host host = module_host(module);

	return engine_compile(engine, warm_module, sizeof(warm_module), &host, why) && module_touch(engine, why) &&
	       module_touch(engine, why);
}
