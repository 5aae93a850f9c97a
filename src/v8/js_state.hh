// What the files of the JavaScript engine share: the state of one guest.
#pragma once

#include <string>
#include <v8.h>
#include <vector>

#include "v8/js.h"

// A source that was given, by its name.
struct Source {
	std::string name;
	js_kind kind;
	v8::Global<v8::Module> module;          // of a module and of JSON
	v8::Global<v8::UnboundScript> script;   // of a script
	v8::Global<v8::Value> json;
};

struct js {
	v8::Isolate *isolate;
	v8::Global<v8::Context> context;
	v8::Global<v8::Array> args;
	v8::Global<v8::Object> env;
	v8::Global<v8::Value> input;            // once it was asked for
	v8::Global<v8::Value> result;
	v8::Global<v8::Value> handler;
	v8::Global<v8::Function> own;           // of ward's, compiled before any source
	v8::Global<v8::Promise> rejected;       // the first that nobody looked at
	v8::Global<v8::Message> rejected_why;
	std::vector<Source> sources;
	std::string text;                       // of the result
	js_host host;
	size_t heap_bytes;
	int memory_code;
	uint64_t began_ns;
};

// js_host.cc: the globals a guest has beside the language, and none that setup closes.
void host_install(struct js *js, v8::Local<v8::Context> context, const struct js_setup *setup);
uint64_t host_now_ns();
// What was drawn before is not used: a fork has the same.
void host_draw_anew();
// What ward.input is; empty: it is no JSON, and that was thrown.
v8::MaybeLocal<v8::Value> host_input(struct js *js);

// js_modules.cc: which of the given sources an import names.
v8::MaybeLocal<v8::Module> modules_resolve(v8::Local<v8::Context> context, v8::Local<v8::String> specifier,
					   v8::Local<v8::FixedArray> assertions, v8::Local<v8::Module> referrer);
v8::MaybeLocal<v8::Value> modules_evaluate_json(v8::Local<v8::Context> context, v8::Local<v8::Module> module);
