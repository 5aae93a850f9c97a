/* Looks up the table of boundaries. */
#include "judge/strength.h"

#include <string.h>

#include "base/mem.h"
#include "model/threat.h"

static const struct {
	const char *name, *attack;
} properties[PROPERTIES] = {
	[PROPERTY_RIGHTS] = { "rights", "using the rights of the user who started it" },
	[PROPERTY_NAMES] = { "names", "learning what lies and runs on the host" },
	[PROPERTY_USE] = { "use", "using up memory, processes or processor time" },
	[PROPERTY_KERNEL] = { "kernel", "one bug in the host's kernel" },
	[PROPERTY_SECOND] = { "second", "one bug in the boundary itself" },
	[PROPERTY_RECORD] = { "record", "bugs in the boundary that others find and publish" },
	[PROPERTY_CORE] = { "core", "measuring a neighbour on the same core" },
	[PROPERTY_CACHE] = { "cache", "measuring a neighbour through caches and memory" },
};

static const struct {
	enum holds holds;
	const char *because;
} table[STRENGTH_BOUNDARIES][PROPERTIES] = {
#define HOLDS(boundary, property, level, because) \
	[BOUNDARY_##boundary][PROPERTY_##property] = { HOLDS_##level, because },
#include "judge/holds.def"
#undef HOLDS
};

#define W(word) WORD_BIT(WORD_##word)
#define ANY_FORM (W(FORM_NATIVE) | W(FORM_SCRIPT) | W(FORM_WASM) | W(FORM_JS))
static const struct strength strengths[STRENGTH_BOUNDARIES] = {
	[BOUNDARY_PROCESS] = {
		"process", "the host's kernel", ANY_FORM, W(NEEDS_NETWORK) | W(NEEDS_DEVICES),
		"tracing would reach the host's processes, and nothing can be mounted" },
	[BOUNDARY_CONTAINER] = {
		"container", "the host's kernel", ANY_FORM,
		W(NEEDS_NETWORK) | W(NEEDS_DEVICES) | W(NEEDS_TRACE),
		"no namespace can be made inside, and the kernel is the host's" },
	[BOUNDARY_GVISOR] = {
		"gvisor", "the kernel in user space, then the host's through a short filter", ANY_FORM,
		W(NEEDS_NETWORK) | W(NEEDS_TRACE),
		"it is given no device of the host and none of the rights that containers inside would take" },
	[BOUNDARY_MICROVM] = {
		"microvm", "the guest's kernel, then KVM, or the monitor and its jail", ANY_FORM,
		W(NEEDS_NETWORK) | W(NEEDS_TRACE) | W(NEEDS_NESTED) | W(NEEDS_MODULES),
		"its few devices are emulated; none of the host's is passed in" },
	[BOUNDARY_WASM] = {
		"wasm", "the engine, then the host's kernel through a container", W(FORM_WASM), 0,
		"a module has the functions it is lent; a function that connects or opens would widen the boundary" },
	[BOUNDARY_JS] = {
		"js", "the engine, then the host's kernel through a container", W(FORM_JS), 0,
		"a script has the language; a function that connects or opens would widen the boundary" },
};

/* Engines start within a process that is there already, a kernel in user space or a virtual machine has
 * to be started as well. */
static const int by_cost[STRENGTH_BOUNDARIES] = {
	BOUNDARY_PROCESS, BOUNDARY_WASM, BOUNDARY_JS, BOUNDARY_CONTAINER, BOUNDARY_GVISOR, BOUNDARY_MICROVM,
};

const char *property_name(enum property property)
{
	return properties[property].name;
}

const char *property_attack(enum property property)
{
	return properties[property].attack;
}

const char *holds_name(enum holds holds)
{
	static const char *const names[] = { [HOLDS_NO] = "no", [HOLDS_PARTLY] = "partly", [HOLDS_YES] = "yes" };

	return names[holds];
}

enum holds strength_holds(int boundary, enum property property)
{
	return table[boundary][property].holds;
}

const char *strength_because(int boundary, enum property property)
{
	return table[boundary][property].because;
}

const struct strength *strength_of(int boundary)
{
	return boundary >= 0 && boundary < STRENGTH_BOUNDARIES ? &strengths[boundary] : NULL;
}

int strength_find(const char *name)
{
	for (int i = 0; i < STRENGTH_BOUNDARIES; i++)
		if (strcmp(strengths[i].name, name) == 0)
			return i;
	return -1;
}

int strength_by_cost(int i)
{
	return by_cost[i];
}
