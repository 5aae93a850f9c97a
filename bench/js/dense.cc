// What one more isolate takes in a process that has others: what sharing a process among scripts would save, or not.
//
//   dense N         N isolates with a context, then N contexts in one isolate, each of which has run a line; KiB of this
//                   process and microseconds for each
#include <algorithm>
#include <libplatform/libplatform.h>
#include <memory>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <v8.h>
#include <vector>

#include "v8/once.hh"

namespace {

double now_us()
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return static_cast<double>(at.tv_sec) * 1e6 + static_cast<double>(at.tv_nsec) / 1e3;
}

// Of this process: what it alone holds, and its page tables.
double kib_of(const char *path, const char *name)
{
	char line[128];
	double kib = 0;
	FILE *file = fopen(path, "re");

	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, name, strlen(name)) == 0)
			kib = atof(line + strlen(name));
	if (file)
		fclose(file);
	return kib;
}

double kib_now()
{
	return kib_of("/proc/self/smaps_rollup", "Private_Dirty:") + kib_of("/proc/self/status", "VmPTE:");
}

v8::Isolate *new_isolate()
{
	static v8::ArrayBuffer::Allocator *const allocator = v8::ArrayBuffer::Allocator::NewDefaultAllocator();
	v8::Isolate::CreateParams params;

	params.array_buffer_allocator = allocator;
	return v8::Isolate::New(params);
}

void have_context(v8::Isolate *isolate)
{
	v8::Isolate::Scope entered_isolate(isolate);
	v8::HandleScope scope(isolate);
	v8::Local<v8::Context> context = v8::Context::New(isolate);
	v8::Context::Scope entered(context);
	v8::Local<v8::Script> script;
	v8::Local<v8::Value> value;

	if (!v8::Script::Compile(context, once_text(isolate, "[1, 2].map(n => n + 1).join()")).ToLocal(&script) ||
	    !script->Run(context).ToLocal(&value))
		abort();
	// It stays, and so does its context.
	(new v8::Global<v8::Context>(isolate, context))->AnnotateStrongRetainer("dense");
}

// shared: all in this isolate; NULL: in one each.
void measure(const char *what, int n, v8::Isolate *shared)
{
	std::vector<double> us;

	have_context(shared ? shared : new_isolate());  // what is there once for all of them
	const double before = kib_now();
	for (int i = 0; i < n; i++) {
		const double begun = now_us();
		have_context(shared ? shared : new_isolate());
		us.push_back(now_us() - begun);
	}
	const double kib = (kib_now() - before) / n;
	std::sort(us.begin(), us.end());
	printf("one more %s us: min %.0f p50 %.0f of %d, KiB for each: %.0f\n", what, us[0], us[us.size() / 2], n, kib);
}

}  // namespace

int main(int argc, char **argv)
{
	const int n = argc == 2 ? atoi(argv[1]) : 0;

	if (n < 2) {
		fprintf(stderr, "usage: dense N\n");
		return 2;
	}
	once_start("--no-harmony-sharedarraybuffer");
	measure("isolate in a process", n, nullptr);
	measure("context in an isolate", n, new_isolate());
	return 0;
}
