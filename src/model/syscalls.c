/* Names, numbers and shapes of system calls. Static tables only: nothing is built at start. */
#include "model/syscalls.h"

#include <asm/prctl.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include "base/mem.h"

/* Names are kept inside the rows: pointers would each cost a relocation when ward starts. */
static const struct call {
	uint16_t nr;
	uint8_t heat;
	char args[13];  /* six times bytes and class, see syscalls.def */
	char name[24];
} calls[] = {
#define CALL(name, number, heat, args) { number, heat, args, #name },
#include "model/syscalls.def"
#undef CALL
};

enum {
#define CALL(name, number, heat, args) ROW_##name,
#include "model/syscalls.def"
#undef CALL
	ROWS
};

/* From number to row of calls[], plus one; 0 = no such call. */
static const uint16_t row_of[] = {
#define CALL(name, number, heat, args) [number] = ROW_##name + 1,
#include "model/syscalls.def"
#undef CALL
};

static const struct constant {
	uint64_t value;
	char class;
	char name[31];
} constants[] = {
#define CONSTANT(name, value, class) { (uint64_t)(value), class, #name },
#include "model/constants.def"
#undef CONSTANT
};

static const struct call *call_of(uint32_t nr)
{
	if (nr >= ARRAY_SIZE(row_of) || !row_of[nr])
		return NULL;
	return &calls[row_of[nr] - 1];
}

/* Binary search in rows of `size` bytes, sorted by the name at `offset` in each. NULL = none. */
static const void *find(const void *rows, size_t n, size_t size, size_t offset, const char *name)
{
	size_t low = 0, high = n;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const char *row = (const char *)rows + middle * size;
		const int order = strcmp(name, row + offset);

		if (!order)
			return row;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

int syscalls_number(const char *name)
{
	const struct call *call =
		find(calls, ROWS, sizeof(*calls), offsetof(struct call, name), name);

	return call ? call->nr : -1;
}

const char *syscalls_name(uint32_t nr)
{
	const struct call *call = call_of(nr);

	return call ? call->name : NULL;
}

const char *syscalls_name_at(size_t i)
{
	return i < ROWS ? calls[i].name : NULL;
}

unsigned syscalls_arg_bytes(uint32_t nr, unsigned arg)
{
	const struct call *call = call_of(nr);

	if (!call || arg > 5 || 2 * arg >= strlen(call->args))
		return 8;
	return (unsigned)(call->args[2 * arg] - '0');
}

bool syscalls_arg_is_pointer(uint32_t nr, unsigned arg)
{
	const struct call *call = call_of(nr);

	return call && arg < 6 && 2 * arg < strlen(call->args) && call->args[2 * arg + 1] == 'p';
}

unsigned syscalls_heat(uint32_t nr)
{
	const struct call *call = call_of(nr);

	return call ? call->heat : 0;
}

bool syscalls_constant(const char *name, uint64_t *value)
{
	const struct constant *constant = find(constants, ARRAY_SIZE(constants), sizeof(*constants),
					       offsetof(struct constant, name), name);

	if (!constant)
		return false;
	*value = constant->value;
	return true;
}

/* A bounded text that is always terminated and silently ends when it is full. */
struct text {
	char *at;
	size_t left;
};

static void put(struct text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void put(struct text *text, const char *format, ...)
{
	va_list args;
	int n;

	if (!text->left)
		return;
	va_start(args, format);
	n = vsnprintf(text->at, text->left, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= text->left)
		n = (int)text->left - 1;
	text->at += n;
	text->left -= (size_t)n;
}

/* The constant of a class that equals value; NULL when there is none. */
static const struct constant *exactly(char class, uint64_t value)
{
	for (size_t i = 0; i < ARRAY_SIZE(constants); i++)
		if (constants[i].class == class && constants[i].value == value)
			return &constants[i];
	return NULL;
}

/* The constant of a class that covers most bits of rest; NULL when none fits. */
static const struct constant *largest(char class, uint64_t rest)
{
	const struct constant *best = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(constants); i++) {
		const struct constant *next = &constants[i];

		if (next->class != class || !next->value || (next->value & ~rest))
			continue;
		if (!best || __builtin_popcountll(next->value) > __builtin_popcountll(best->value))
			best = next;
	}
	return best;
}

static void put_one(struct text *text, char class, uint64_t value)
{
	const struct constant *name = exactly(class, value);

	if (name)
		put(text, "%s", name->name);
	else
		put(text, "%#llx", (unsigned long long)value);
}

static void put_bits(struct text *text, char class, uint64_t value)
{
	const struct constant *zero = exactly(class, 0);
	const char *before = "";

	if (!value || (class == 'O' && !(value & O_ACCMODE))) {
		put(text, "%s", zero ? zero->name : "0");
		before = "|";
	}
	for (const struct constant *next = largest(class, value); next;
	     next = largest(class, value)) {
		put(text, "%s%s", before, next->name);
		value &= ~next->value;
		before = "|";
	}
	if (value)
		put(text, "%s%#llx", before, (unsigned long long)value);
}

/* The low byte of clone's flags is a signal. */
static void put_clone(struct text *text, uint64_t value)
{
	const uint64_t flags = value & ~UINT64_C(0xff), signal = value & 0xff;

	if (flags)
		put_bits(text, 'C', flags);
	if (flags && signal)
		put(text, "|");
	if (signal || !flags)
		put_one(text, 'G', signal);
}

/* An operation with the two flags futex knows. */
static void put_futex(struct text *text, uint64_t value)
{
	const uint64_t flags = FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME;

	put_one(text, 'U', value & ~flags);
	if (value & FUTEX_PRIVATE_FLAG)
		put(text, "|FUTEX_PRIVATE_FLAG");
	if (value & FUTEX_CLOCK_REALTIME)
		put(text, "|FUTEX_CLOCK_REALTIME");
}

/* value is cut to the argument's width already. */
static void put_arg(struct text *text, char class, unsigned bytes, uint64_t value)
{
	const int64_t number = bytes == 4 ? (int32_t)value : (int64_t)value;

	if (class == 'f' && number == AT_FDCWD)
		put(text, "AT_FDCWD");
	else if (class == 'd' || class == 'f')
		put(text, "%lld", (long long)number);
	else if (class == 'u')
		put(text, "%llu", (unsigned long long)value);
	else if (class == 'm')
		put(text, "%#llo", (unsigned long long)value);
	else if (class == 'C')
		put_clone(text, value);
	else if (class == 'U')
		put_futex(text, value);
	else if (strchr("SPMO", class))
		put_bits(text, class, value);
	else if (strchr("AIRFVGHK", class))
		put_one(text, class, value);
	else if (class == 'p' && !value)
		put(text, "NULL");
	else
		put(text, "%#llx", (unsigned long long)value);
}

static const char *shape_of(uint32_t nr)
{
	const struct call *call = call_of(nr);

	return call ? call->args : "8x8x8x8x8x8x";
}

static void put_shaped(struct text *text, const char *shape, uint64_t value)
{
	const unsigned bytes = (unsigned)(shape[0] - '0');

	put_arg(text, shape[1], bytes, value & UINT64_MAX >> (64 - 8 * bytes));
}

char syscalls_arg_class(uint32_t nr, unsigned arg)
{
	const struct call *const call = call_of(nr);

	return call && arg < 6 && 2 * arg < strlen(call->args) ? call->args[2 * arg + 1] : '-';
}

const char *syscalls_value_name(uint32_t nr, unsigned arg, uint64_t value)
{
	const struct constant *const constant = exactly(syscalls_arg_class(nr, arg), value);

	return constant && constant->class != '-' ? constant->name : NULL;
}

void syscalls_format(uint32_t nr, const uint64_t args[6], char *out, size_t cap)
{
	const struct call *call = call_of(nr);
	const char *const shape = shape_of(nr);
	struct text text = { out, cap };

	if (call)
		put(&text, "%s(", call->name);
	else
		put(&text, "syscall_%u(", nr);
	for (unsigned i = 0; shape[2 * i]; i++) {
		put(&text, "%s", i ? ", " : "");
		put_shaped(&text, &shape[2 * i], args[i]);
	}
	put(&text, ")");
}

unsigned syscalls_arg_count(uint32_t nr)
{
	return (unsigned)strlen(shape_of(nr)) / 2;
}

void syscalls_format_arg(uint32_t nr, unsigned arg, uint64_t value, char *out, size_t cap)
{
	struct text text = { out, cap };

	put_shaped(&text, arg < syscalls_arg_count(nr) ? &shape_of(nr)[2 * arg] : "8x", value);
}

bool syscalls_makes_socket(uint32_t nr)
{
	return nr == SYS_socket || nr == SYS_socketpair;
}
