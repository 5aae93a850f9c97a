// The shim: what C cannot say to V8 itself. It decides nothing and keeps no state but handles.
#include "v8/v8.h"

#include <new>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <v8.h>

#include "v8/once.hh"

namespace {

// One import of the module, for as long as the module lives.
struct Binding {
	struct engine_import import;
	void *at;
	int n;           // letters
	bool is_narrow;  // all of them are numbers of 32 bits
};

}  // namespace

struct engine {
	v8::Isolate *isolate;
	v8::Global<v8::Context> context;
	v8::Global<v8::Object> exports;
	v8::Global<v8::WasmMemoryObject> memory;
	v8::Global<v8::WasmModuleObject> module;
	v8::Global<v8::Object> imports;
	v8::Global<v8::Function> maker;  // WebAssembly.Instance, once it was looked up
	v8::Global<v8::String> exports_name, memory_name;
	Binding *bindings;  // one an import; a function of V8's has the number of its own
	uint32_t n_bindings;
	v8::Global<v8::ArrayBuffer> buffer;
	struct engine_memory seen;  // of that buffer
	uint64_t garbage;  // bytes of memory in instances that are no longer used
	volatile int running, stopped;
	bool many_calls;
};

namespace {

struct engine_memory memory_of(const struct engine *engine)
{
	if (engine->memory.IsEmpty())
		return {nullptr, 0};
	v8::Local<v8::ArrayBuffer> buffer = engine->memory.Get(engine->isolate)->Buffer();
	return {static_cast<uint8_t *>(buffer->Data()), buffer->ByteLength()};
}

// The same for a host call, where it counts. A memory that grows gets a new buffer, and V8 makes the old one empty.
struct engine_memory memory_now(struct engine *engine)
{
	v8::Local<v8::ArrayBuffer> buffer;

	// Both are the address of a slot; this way no other slot is filled for each call.
	static_assert(sizeof(buffer) == sizeof(engine->buffer), "handles are pointers");
	memcpy(static_cast<void *>(&buffer), static_cast<const void *>(&engine->buffer), sizeof(buffer));
	if (engine->seen.len && buffer->ByteLength() == engine->seen.len)
		return engine->seen;
	engine->seen = memory_of(engine);
	if (engine->seen.len)
		engine->buffer.Reset(engine->isolate, engine->memory.Get(engine->isolate)->Buffer());
	return engine->seen;
}

// Numbers of 32 bits come as what V8 calls a small integer, which v8-internal.h can read without a call.
bool small(v8::Local<v8::Value> value, uint64_t *out)
{
	using Inside = v8::internal::Internals;
	const auto word = *reinterpret_cast<const v8::internal::Address *>(*value);

	if (Inside::HasHeapObjectTag(word))
		return false;
	*out = static_cast<uint32_t>(Inside::SmiValue(word));
	return true;
}

// One argument as a word; false: the module declared the import with another type, and V8 has thrown.
bool word(const v8::FunctionCallbackInfo<v8::Value> &info, int at, char letter, uint64_t *out)
{
	if (letter == 'I') {
		v8::Local<v8::BigInt> n;

		if (!info[at]->ToBigInt(info.GetIsolate()->GetCurrentContext()).ToLocal(&n))
			return false;
		*out = n->Uint64Value();
		return true;
	}
	if (small(info[at], out))
		return true;
	v8::Maybe<uint32_t> n = info[at]->Uint32Value(info.GetIsolate()->GetCurrentContext());
	*out = n.FromMaybe(0);
	return n.IsJust();
}

// The arguments when all are small integers, which lie in a row; false: some are not.
bool small_words(const v8::FunctionCallbackInfo<v8::Value> &info, int n, uint64_t *words)
{
	using Inside = v8::internal::Internals;
	v8::Local<v8::Value> first = info[0];
	const auto *values = reinterpret_cast<const v8::internal::Address *>(*first);
	v8::internal::Address tags = 0;

	if (info.Length() != n)
		return n == 0;
	for (int i = 0; i < n; i++) {
		tags |= values[i];
		words[i] = static_cast<uint32_t>(Inside::SmiValue(values[i]));
	}
	return !(tags & v8::internal::kSmiTagMask);
}

bool all_words(const v8::FunctionCallbackInfo<v8::Value> &info, const Binding *binding, uint64_t *words)
{
	for (int i = 0; i < binding->n; i++)
		if (!word(info, i, binding->import.words[i], &words[i]))
			return false;
	return true;
}

void call_host(const v8::FunctionCallbackInfo<v8::Value> &info)
{
	struct engine *engine = static_cast<struct engine *>(info.GetIsolate()->GetData(0));
	uint64_t words[ENGINE_WORDS] __attribute__((uninitialized));  // as many as are written are read
	uint64_t result = 0, number = 0;

	small(info.Data(), &number);
	const Binding *binding = &engine->bindings[number];
	if (!(binding->is_narrow && small_words(info, binding->n, words)) && !all_words(info, binding, words))
		return;
	if (!binding->import.call(binding->at, binding->import.what, words, memory_now(engine), &result)) {
		// What is thrown unwinds at once but could be caught in the module; the other cannot be caught, but
		// comes only with the next loop or call. Whoever catches and then returns has still failed.
		engine->stopped = 1;
		info.GetIsolate()->TerminateExecution();
		info.GetIsolate()->ThrowException(v8::String::Empty(info.GetIsolate()));
		return;
	}
	if (binding->import.result == 'I')
		info.GetReturnValue().Set(v8::BigInt::NewFromUnsigned(info.GetIsolate(), result));
	else
		info.GetReturnValue().Set(static_cast<int32_t>(result));  // the bits are the same, and it is small
}

// Where a trap was, out of the first line of the stack that is wasm's:
//     at name (wasm://wasm/HASH:wasm-function[INDEX]:0xOFFSET)
void add_place(v8::Local<v8::Context> context, const v8::TryCatch &caught, struct engine_why *why)
{
	v8::Local<v8::Value> stack;
	size_t len = strlen(why->text);
	unsigned index, offset;

	if (!caught.StackTrace(context).ToLocal(&stack))
		return;
	v8::String::Utf8Value text(context->GetIsolate(), stack);
	const char *place = *text ? strstr(*text, ":wasm-function[") : nullptr;
	if (place && sscanf(place, ":wasm-function[%u]:0x%x", &index, &offset) == 2 && len < sizeof(why->text))
		snprintf(why->text + len, sizeof(why->text) - len, ", in function %u at 0x%x", index, offset);
}

// The message of what was thrown, without V8's "Uncaught".
bool failed(v8::Local<v8::Context> context, bool stopped, const v8::TryCatch &caught, struct engine_why *why)
{
	v8::Isolate *isolate = context->GetIsolate();

	if (stopped || caught.HasTerminated() || !caught.HasCaught() || caught.Exception().IsEmpty()) {
		snprintf(why->text, sizeof(why->text), "stopped");
		return false;
	}
	v8::String::Utf8Value message(isolate, caught.Exception());
	snprintf(why->text, sizeof(why->text), "%.240s", *message ? *message : "an exception without a text");
	add_place(context, caught, why);
	return false;
}

v8::Local<v8::Value> member(v8::Local<v8::Context> context, v8::Local<v8::Value> of, const char *name)
{
	v8::Isolate *isolate = context->GetIsolate();
	v8::Local<v8::Value> value;

	if (of->IsObject() && of.As<v8::Object>()->Get(context, once_text(isolate, name)).ToLocal(&value))
		return value;
	return v8::Undefined(isolate);
}

// WebAssembly.Module.imports(module): what it wants, in order.
v8::Local<v8::Value> list_imports(v8::Local<v8::Context> context, v8::Local<v8::Object> module)
{
	v8::Local<v8::Value> space = member(context, context->Global(), "WebAssembly");
	v8::Local<v8::Value> list = member(context, member(context, space, "Module"), "imports");
	v8::Local<v8::Value> argument = module, result;

	if (list->IsFunction() && list.As<v8::Function>()->Call(context, space, 1, &argument).ToLocal(&result))
		return result;
	return v8::Undefined(context->GetIsolate());
}

// A function of C that a module imports is called through a builtin for all such calls. One of JavaScript is called
// straight, and once it is hot V8 compiles the call to C into it, if the text is of this import alone: what is shared by
// two is not. So there is one around each where calls are many; the function itself where there is no room for that.
v8::Local<v8::Value> wrapped(struct engine *engine, v8::Local<v8::Context> context, v8::Local<v8::Value> function,
			     uint32_t number)
{
	static const char names[2 * ENGINE_WORDS] = "a,b,c,d,e,g,h,i,j,k";
	const int n = engine->bindings[number].n, len = n ? 2 * n - 1 : 0;
	v8::Local<v8::Value> maker, argument = function, out;
	v8::Local<v8::Script> script;
	char text[128];

	if (!engine->many_calls && !engine->bindings[number].import.is_short)
		return function;
	snprintf(text, sizeof(text), "(f=>function(%.*s){return f(%.*s)})//%u", len, names, len, names, number);
	if (!v8::Script::Compile(context, once_text(engine->isolate, text)).ToLocal(&script) || !script->Run(context).ToLocal(&maker) ||
	    !maker->IsFunction() ||
	    !maker.As<v8::Function>()->Call(context, v8::Undefined(engine->isolate), 1, &argument).ToLocal(&out))
		return function;
	return out;
}

bool bind(struct engine *engine, v8::Local<v8::Context> context, v8::Local<v8::Value> wanted,
	  const struct engine_host *host, v8::Local<v8::Object> imports, struct engine_why *why)
{
	v8::Isolate *isolate = engine->isolate;
	v8::Local<v8::Value> module = member(context, wanted, "module"), name = member(context, wanted, "name");
	v8::String::Utf8Value space(isolate, module), what(isolate, name), kind(isolate, member(context, wanted, "kind"));
	struct engine_import import = {};
	v8::Local<v8::Value> at = member(context, imports, *space);
	v8::Local<v8::Function> function;

	if (strcmp(*kind, "function") != 0 || !host->find(host->at, *space, *what, &import)) {
		snprintf(why->text, sizeof(why->text), "it imports the %.20s %.80s.%.80s, which is not there for it", *kind,
			 *space, *what);
		return false;
	}
	const uint32_t number = engine->n_bindings++;
	const size_t letters = strlen(import.words);
	engine->bindings[number] = {import, host->at, static_cast<int>(letters < ENGINE_WORDS ? letters : ENGINE_WORDS),
				    !strchr(import.words, 'I')};
	if (!at->IsObject()) {
		at = v8::Object::New(isolate);
		imports->Set(context, module.As<v8::String>(), at).Check();
	}
	if (!v8::Function::New(context, call_host, v8::Integer::NewFromUnsigned(isolate, number), 0,
			       v8::ConstructorBehavior::kThrow).ToLocal(&function))
		return false;
	v8::Local<v8::Value> imported = wrapped(engine, context, function, number);
	return at.As<v8::Object>()->Set(context, name.As<v8::String>(), imported).FromMaybe(false);
}

bool bind_all(struct engine *engine, v8::Local<v8::Context> context, v8::Local<v8::Object> module,
	      const struct engine_host *host, v8::Local<v8::Object> imports, struct engine_why *why)
{
	v8::Local<v8::Value> list = list_imports(context, module);

	if (!list->IsArray())
		return false;
	// Those of a module that was loaded before.
	delete[] engine->bindings;
	engine->n_bindings = 0;
	engine->bindings = new Binding[list.As<v8::Array>()->Length() + 1]();
	for (uint32_t i = 0; i < list.As<v8::Array>()->Length(); i++) {
		v8::HandleScope scope(engine->isolate);
		v8::Local<v8::Value> wanted;

		if (!list.As<v8::Array>()->Get(context, i).ToLocal(&wanted) ||
		    !bind(engine, context, wanted, host, imports, why))
			return false;
	}
	return true;
}

v8::Local<v8::String> name_of(v8::Isolate *isolate, const char *name)
{
	return v8::String::NewFromUtf8(isolate, name, v8::NewStringType::kInternalized).FromMaybe(v8::String::Empty(isolate));
}

// What every instance needs: no code of JavaScript's runs that could put something else there.
bool look_up(struct engine *engine, v8::Local<v8::Context> context)
{
	v8::Local<v8::Value> maker = member(context, member(context, context->Global(), "WebAssembly"), "Instance");

	if (!maker->IsFunction())
		return false;
	engine->maker.Reset(engine->isolate, maker.As<v8::Function>());
	engine->exports_name.Reset(engine->isolate, name_of(engine->isolate, "exports"));
	engine->memory_name.Reset(engine->isolate, name_of(engine->isolate, "memory"));
	return true;
}

bool instantiate(struct engine *engine, v8::Local<v8::Context> context, v8::Local<v8::Object> module,
		 v8::Local<v8::Object> imports, const v8::TryCatch &caught)
{
	v8::Local<v8::Value> arguments[] = {module, imports}, exports, memory;
	v8::Local<v8::Object> instance;

	if (engine->maker.IsEmpty() && !look_up(engine, context))
		return false;
	if (!engine->maker.Get(engine->isolate)->NewInstance(context, 2, arguments).ToLocal(&instance))
		return false;
	// What a start function throws reaches the handler, and still there is an object, which is no instance.
	if (caught.HasCaught())
		return false;
	if (!instance->Get(context, engine->exports_name.Get(engine->isolate)).ToLocal(&exports) || !exports->IsObject() ||
	    !exports.As<v8::Object>()->Get(context, engine->memory_name.Get(engine->isolate)).ToLocal(&memory))
		return false;
	engine->seen = {nullptr, 0};
	engine->memory.Reset();
	if (memory->IsWasmMemoryObject())
		engine->memory.Reset(engine->isolate, memory.As<v8::WasmMemoryObject>());
	engine->exports.Reset(engine->isolate, exports.As<v8::Object>());
	return true;
}

void start_v8(const struct engine_setup *setup)
{
	char flags[256];
	// A few hundred KiB of the stack are the host's calls and V8's own.
	const size_t spare = 256 * 1024, stack = setup->stack_bytes;
	const size_t kib = stack > 2 * spare ? (stack - spare) / 1024 : 256;

	// One thread: the seal is for one, and nothing runs beside the guest. A function is compiled by the optimising
	// compiler alone, and for one run when it is first called: that is the least work for the best code.
	snprintf(flags, sizeof(flags), "%s --no-liftoff --wasm-max-mem-pages=%llu --stack-size=%zu",
		 setup->whole ? "--no-wasm-lazy-compilation" : "--wasm-lazy-compilation",
		 static_cast<unsigned long long>(setup->memory_pages), kib > 4096 ? 4096 : kib);
	once_start(flags);
}

// The exit code for when there is no more memory; V8's handlers get nothing else.
int memory_code;

void out_of_memory(const char *location, bool is_heap)
{
	if (memory_code)
		_exit(memory_code);
	once_out_of_memory(location, is_heap);
}

void no_memory()
{
	out_of_memory("operator new", false);
}

}  // namespace

struct engine *engine_start(const struct engine_setup *setup)
{
	struct engine *engine = new struct engine();
	v8::Isolate::CreateParams params;

	start_v8(setup);
	if (!setup->no_signals)
		v8::V8::EnableWebAssemblyTrapHandler(true);
	memory_code = setup->memory_code;
	if (memory_code)
		std::set_new_handler(no_memory);
	params.array_buffer_allocator = v8::ArrayBuffer::Allocator::NewDefaultAllocator();
	engine->isolate = v8::Isolate::New(params);
	engine->isolate->SetData(0, engine);
	engine->isolate->SetFatalErrorHandler(once_give_up);
	engine->isolate->SetOOMErrorHandler(out_of_memory);
	v8::Isolate::Scope isolate(engine->isolate);
	v8::HandleScope scope(engine->isolate);
	engine->context.Reset(engine->isolate, v8::Context::New(engine->isolate));
	engine->many_calls = setup->many_calls;
	return engine;
}

namespace {

// What every entry from C needs around it.
struct Entry {
	struct engine *engine;
	v8::Isolate::Scope isolate;
	v8::HandleScope scope;
	v8::Local<v8::Context> context;
	v8::Context::Scope entered;
	v8::TryCatch caught;

	explicit Entry(struct engine *of)
		: engine(of), isolate(of->isolate), scope(of->isolate), context(of->context.Get(of->isolate)),
		  entered(context), caught(of->isolate)
	{
		engine->stopped = 0;
		engine->running = 1;
	}
	~Entry()
	{
		engine->running = 0;
		if (engine->stopped)
			engine->isolate->CancelTerminateExecution();
	}
	bool failed(struct engine_why *why) const { return ::failed(context, engine->stopped, caught, why); }
};

// Instances that are gone hold their memory until the collector comes by, and it does not know how little there is.
void collect(struct engine *engine)
{
	const uint64_t most = UINT64_C(32) << 20, least = 1 << 20;
	const uint64_t len = memory_of(engine).len;

	engine->garbage += len > least ? len : least / 16;
	if (engine->garbage < most)
		return;
	engine_forget(engine);
}

}  // namespace

bool engine_compile(struct engine *engine, const uint8_t *bytes, size_t len, const struct engine_host *host,
		    struct engine_why *why)
{
	Entry entry(engine);
	v8::Local<v8::WasmModuleObject> module;
	v8::Local<v8::Object> imports = v8::Object::New(engine->isolate);

	why->text[0] = '\0';
	if (!v8::WasmModuleObject::Compile(engine->isolate, {bytes, len}).ToLocal(&module) ||
	    !bind_all(engine, entry.context, module, host, imports, why))
		return why->text[0] ? false : entry.failed(why);
	engine->module.Reset(engine->isolate, module);
	engine->imports.Reset(engine->isolate, imports);
	return true;
}

bool engine_load(struct engine *engine, const uint8_t *bytes, size_t len, const struct engine_host *host,
		 struct engine_why *why)
{
	return engine_compile(engine, bytes, len, host, why) && engine_renew(engine, why);
}

bool engine_renew(struct engine *engine, struct engine_why *why)
{
	Entry entry(engine);

	if (engine->module.IsEmpty()) {
		snprintf(why->text, sizeof(why->text), "no module is loaded");
		return false;
	}
	collect(engine);
	return (instantiate(engine, entry.context, engine->module.Get(engine->isolate),
			    engine->imports.Get(engine->isolate), entry.caught) && !engine->stopped) || entry.failed(why);
}

void engine_forget(struct engine *engine)
{
	v8::Isolate::Scope isolate(engine->isolate);

	engine->garbage = 0;
	engine->seen = {nullptr, 0};
	engine->buffer.Reset();
	engine->memory.Reset();
	engine->exports.Reset();
	engine->isolate->LowMemoryNotification();
}

bool engine_has(struct engine *engine, const char *name)
{
	Entry entry(engine);

	return member(entry.context, engine->exports.Get(engine->isolate), name)->IsFunction();
}

bool engine_call(struct engine *engine, const char *name, const uint32_t *words, size_t n, uint64_t *result,
		 struct engine_why *why)
{
	Entry entry(engine);
	v8::Local<v8::Value> function = member(entry.context, engine->exports.Get(engine->isolate), name), returned;
	v8::Local<v8::Value> arguments[ENGINE_WORDS];

	if (!function->IsFunction() || n > ENGINE_WORDS) {
		snprintf(why->text, sizeof(why->text), "it exports no function %.80s", name);
		return false;
	}
	for (size_t i = 0; i < n; i++)
		arguments[i] = v8::Integer::NewFromUnsigned(engine->isolate, words[i]);
	if (!function.As<v8::Function>()->Call(entry.context, v8::Undefined(engine->isolate), static_cast<int>(n), arguments)
		     .ToLocal(&returned) || engine->stopped)
		return entry.failed(why);
	if (result && returned->IsBigInt())
		*result = returned.As<v8::BigInt>()->Uint64Value();
	else if (result)
		*result = returned->IsNumber() ? returned->Uint32Value(entry.context).FromMaybe(0) : 0;
	return true;
}

struct engine_memory engine_memory_of(struct engine *engine)
{
	v8::Isolate::Scope isolate(engine->isolate);
	v8::HandleScope scope(engine->isolate);

	return memory_of(engine);
}

// Only sets a flag that guest code looks at in every loop and function: V8 allows that from other threads, and with
// one thread its lock is free or ours (it may be taken twice).
void engine_interrupt(struct engine *engine)
{
	if (!engine || !engine->running)
		return;
	engine->stopped = 1;
	engine->isolate->TerminateExecution();
}
