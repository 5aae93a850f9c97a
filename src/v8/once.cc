// V8 in this process. Reads no file but those V8 reads itself, and starts no thread.
#include "v8/once.hh"

#include <libplatform/libplatform.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

namespace {

v8::Platform *platform;

bool entropy(unsigned char *to, size_t len)
{
	return getrandom(to, len, 0) == static_cast<ssize_t>(len);
}

}  // namespace

void once_start(const char *flags)
{
	v8::V8::SetFlagsFromString("--single-threaded");
	v8::V8::SetFlagsFromString(flags);
	v8::V8::SetEntropySource(entropy);
	platform = v8::platform::NewSingleThreadedDefaultPlatform().release();
	v8::V8::InitializePlatform(platform);
	v8::V8::Initialize();
}

bool once_run_task(v8::Isolate *isolate)
{
	return v8::platform::PumpMessageLoop(platform, isolate);
}

void once_give_up(const char *, const char *message)
{
	dprintf(STDERR_FILENO, "ward-v8: the engine gave up: %s\n", message);
	abort();
}

void once_out_of_memory(const char *, bool)
{
	dprintf(STDERR_FILENO, "ward-v8: the engine is out of memory\n");
	abort();
}

v8::Local<v8::String> once_text(v8::Isolate *isolate, const char *bytes, int len)
{
	return v8::String::NewFromUtf8(isolate, bytes, v8::NewStringType::kNormal, len).FromMaybe(v8::String::Empty(isolate));
}
