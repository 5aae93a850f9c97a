// V8 in this process, once: what every engine built on it shares.
#pragma once

#include <v8.h>

// One thread, entropy from the kernel. flags: V8's own, beside --single-threaded.
void once_start(const char *flags);

// Runs what V8 put off: a task, if there is one.
bool once_run_task(v8::Isolate *isolate);

// V8 cannot go on after these; what it would print itself names its own sources.
void once_give_up(const char *location, const char *message);
void once_out_of_memory(const char *location, bool is_heap);

v8::Local<v8::String> once_text(v8::Isolate *isolate, const char *bytes, int len = -1);
