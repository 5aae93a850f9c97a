// The JavaScript engine's shim: what C cannot say to V8 itself.
#include "v8/js.h"

#include <new>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "v8/js_state.hh"
#include "v8/once.hh"

namespace {

// The heap before anybody has said what a guest may have.
constexpr size_t kFirstHeap = size_t{32} << 20;

struct js *current;

// V8's own limit is advice: it asks here before it gives up, and the kernel's limit stands behind.
size_t near_limit(void *at, size_t now, size_t)
{
	const struct js *js = static_cast<struct js *>(at);

	return js->heap_bytes > now ? js->heap_bytes : now;
}

void out_of_memory(const char *location, bool is_heap)
{
	if (current && current->memory_code)
		_exit(current->memory_code);
	once_out_of_memory(location, is_heap);
}

void no_memory()
{
	out_of_memory("operator new", false);
}

void remember_rejection(v8::PromiseRejectMessage message)
{
	struct js *js = current;
	v8::Local<v8::Promise> promise = message.GetPromise();
	v8::HandleScope scope(js->isolate);

	if (message.GetEvent() == v8::kPromiseHandlerAddedAfterReject && js->rejected == promise)
		js->rejected.Reset();
	if (message.GetEvent() != v8::kPromiseRejectWithNoHandler || !js->rejected.IsEmpty())
		return;
	v8::Local<v8::Value> value = message.GetValue();
	js->rejected.Reset(js->isolate, promise);
	js->rejected_why.Reset(js->isolate, v8::Exception::CreateMessage(js->isolate, value.IsEmpty() ? v8::Undefined(js->isolate).As<v8::Value>() : value));
}

void set_flags(const struct js_setup *setup)
{
	char flags[256];
	// A few hundred KiB of the stack are the host's calls and V8's own.
	const size_t spare = 256 * 1024, stack = setup->stack_bytes;
	const size_t kib = stack > 2 * spare ? (stack - spare) / 1024 : 256;

	snprintf(flags, sizeof(flags), "--stack-size=%zu%s%s", kib > 984 ? 984 : kib, setup->jit ? "" : " --jitless --no-expose-wasm",
		 // A WebAssembly.Memory that is shared has a SharedArrayBuffer, and that its constructor.
		 setup->shared_memory ? "" : " --no-harmony-sharedarraybuffer --no-experimental-wasm-threads");
	once_start(flags);
}

// Runs once what V8 and ICU set up when they are first used: tables, and files that a guest cannot open any more.
void warm(v8::Isolate *isolate)
{
	static const char source[] =
		"'\\u00e4'.localeCompare('z', 'de'); '\\u00e4'.normalize('NFD'); (12345.6).toLocaleString();"
		"new Date(0).toLocaleString(); new Date(2020, 5, 5, 3).toString(); new Intl.DateTimeFormat('en', {timeZone: 'Europe/Berlin'}).format(0);"
		"/(\\p{L}+)[^x]*?y/iu.exec('aby'); 'aXb'.replace(/x/i, '-').split('-').map(x => x.toUpperCase());"
		"JSON.parse(JSON.stringify({a: [1, 'b', null, {c: 1.5}]})); [3, 1, 2].sort((a, b) => a - b);"
		"new Map([[1, 2]]).get(1); new Set([1]).has(1); class A { #x = 1; get x() { return this.#x; } } new A().x;"
		"(async () => { for await (const x of [Promise.resolve(1)]) x; })(); (function* () { yield 1; })().next();"
		"new Uint8Array(16).fill(1).subarray(2); try { null.x } catch (e) { e.stack } `${1n ** 70n}`; new Proxy({}, {}).x;";
	v8::HandleScope scope(isolate);
	v8::Local<v8::Context> context = v8::Context::New(isolate);
	v8::Context::Scope entered(context);
	v8::TryCatch caught(isolate);
	v8::Local<v8::Script> script;
	v8::Local<v8::Value> value;

	if (v8::Script::Compile(context, once_text(isolate, source)).ToLocal(&script) && script->Run(context).ToLocal(&value))
		isolate->PerformMicrotaskCheckpoint();
}

void fill(v8::Isolate *isolate, v8::Local<v8::Context> context, v8::Local<v8::Message> message, struct guest_why *why)
{
	v8::String::Utf8Value text(isolate, message->Get()), file(isolate, message->GetScriptResourceName());
	const char *said = *text ? *text : "";

	said += strncmp(said, "Uncaught ", 9) == 0 ? 9 : 0;
	*why = {};
	why->line = static_cast<uint32_t>(message->GetLineNumber(context).FromMaybe(0));
	why->column = why->line ? static_cast<uint32_t>(message->GetStartColumn(context).FromMaybe(0)) + 1 : 0;
	snprintf(why->file, sizeof(why->file), "%s", *file && !message->GetScriptResourceName()->IsUndefined() ? *file : "");
	snprintf(why->text, sizeof(why->text), "%s", said);
}

bool failed(struct js *js, v8::Local<v8::Context> context, const v8::TryCatch &caught, struct guest_why *why)
{
	v8::Local<v8::Message> message = caught.Message();

	*why = {};
	if (!message.IsEmpty())
		fill(js->isolate, context, message, why);
	else
		snprintf(why->text, sizeof(why->text), "it was stopped");
	return false;
}

bool refused(struct guest_why *why, const char *text)
{
	*why = {};
	snprintf(why->text, sizeof(why->text), "%s", text);
	return false;
}

void settle(struct js *js)
{
	do
		js->isolate->PerformMicrotaskCheckpoint();
	while (once_run_task(js->isolate));
}

// The value a promise comes to, or the value itself.
bool await(struct js *js, v8::Local<v8::Context> context, v8::Local<v8::Value> *value, struct guest_why *why)
{
	settle(js);
	if ((*value)->IsPromise()) {
		v8::Local<v8::Promise> promise = value->As<v8::Promise>();

		if (promise->State() == v8::Promise::kPending)
			return refused(why, "it awaits what never comes: there are no timers and no events here");
		if (promise->State() == v8::Promise::kRejected) {
			v8::Local<v8::Message> message = js->rejected == promise && !js->rejected_why.IsEmpty() ?
				js->rejected_why.Get(js->isolate) : v8::Exception::CreateMessage(js->isolate, promise->Result());

			fill(js->isolate, context, message, why);
			return false;
		}
		*value = promise->Result();
	}
	if (js->rejected.IsEmpty())
		return true;
	fill(js->isolate, context, js->rejected_why.Get(js->isolate), why);
	return false;
}

v8::ScriptCompiler::Source source_of(v8::Isolate *isolate, const char *name, v8::Local<v8::String> text, bool is_module)
{
	return v8::ScriptCompiler::Source(text, v8::ScriptOrigin(isolate, once_text(isolate, name), 0, 0, false, -1,
								 v8::Local<v8::Value>(), false, false, is_module));
}

bool compile(struct js *js, v8::Local<v8::Context> context, v8::Local<v8::String> text, Source *source)
{
	v8::ScriptCompiler::Source from = source_of(js->isolate, source->name.c_str(), text, source->kind == JS_MODULE);
	v8::Local<v8::UnboundScript> script;
	v8::Local<v8::Module> module;
	v8::Local<v8::Value> json;

	switch (source->kind) {
	case JS_SCRIPT:
		if (!v8::ScriptCompiler::CompileUnboundScript(js->isolate, &from).ToLocal(&script))
			return false;
		source->script.Reset(js->isolate, script);
		return true;
	case JS_MODULE:
		if (!v8::ScriptCompiler::CompileModule(js->isolate, &from).ToLocal(&module))
			return false;
		source->module.Reset(js->isolate, module);
		return true;
	case JS_JSON:
		if (!v8::JSON::Parse(context, text).ToLocal(&json))
			return false;
		source->json.Reset(js->isolate, json);
		source->module.Reset(js->isolate, v8::Module::CreateSyntheticModule(js->isolate, once_text(js->isolate, source->name.c_str()),
			{once_text(js->isolate, "default")}, modules_evaluate_json));
		return true;
	}
	return false;
}

bool run_module(struct js *js, v8::Local<v8::Context> context, v8::Local<v8::Module> module, v8::Local<v8::Value> *value)
{
	v8::Local<v8::Value> exported;

	if (!module->InstantiateModule(context, modules_resolve).FromMaybe(false) || !module->Evaluate(context).ToLocal(value))
		return false;
	settle(js);
	if (module->GetStatus() == v8::Module::kEvaluated &&
	    module->GetModuleNamespace().As<v8::Object>()->Get(context, once_text(js->isolate, "default")).ToLocal(&exported)) {
		if (exported->IsFunction())
			js->handler.Reset(js->isolate, exported);
		else if (!exported->IsUndefined())
			js->result.Reset(js->isolate, exported);
	}
	return true;
}

Source *main_source(struct js *js)
{
	for (Source &source : js->sources)
		if (source.kind != JS_JSON)
			return &source;
	return nullptr;
}

bool run_source(struct js *js, v8::Local<v8::Context> context, const Source *source, v8::Local<v8::Value> *value)
{
	if (source->kind == JS_MODULE)
		return run_module(js, context, source->module.Get(js->isolate), value);
	v8::Local<v8::Script> script = source->script.Get(js->isolate)->BindToCurrentContext();
	if (!script->Run(context).ToLocal(value))
		return false;
	*value = v8::Undefined(js->isolate); // what a script's last expression happens to be is no result
	return true;
}

// A function that takes what a handler takes, and asks nothing that a source could change: literals are made as they are.
void keep_own(struct js *js, v8::Local<v8::Context> context)
{
	static const char text[] = "(a => { const b = {c: [a, 1.5]}; return {__proto__: null, d: `${'e'}` + 1, f: 0.5 * 3} })";
	v8::Local<v8::Script> script;
	v8::Local<v8::Value> value, argument = v8::Undefined(js->isolate);

	if (!v8::Script::Compile(context, once_text(js->isolate, text)).ToLocal(&script) || !script->Run(context).ToLocal(&value) ||
	    !value->IsFunction())
		return;
	js->own.Reset(js->isolate, value.As<v8::Function>());
	// Once, or every fork would compile it.
	(void)!value.As<v8::Function>()->Call(context, argument, 1, &argument).ToLocal(&value);
}

}  // namespace

struct js *js_start(const struct js_setup *setup)
{
	struct js *js = new struct js();
	v8::Isolate::CreateParams params;

	set_flags(setup);
	params.array_buffer_allocator = v8::ArrayBuffer::Allocator::NewDefaultAllocator();
	params.constraints.ConfigureDefaultsFromHeapSize(0, kFirstHeap);
	js->isolate = v8::Isolate::New(params);
	js->host = setup->host;
	js->isolate->SetData(0, js);
	js->isolate->SetFatalErrorHandler(once_give_up);
	js->isolate->SetOOMErrorHandler(out_of_memory);
	std::set_new_handler(no_memory);
	js->isolate->SetMicrotasksPolicy(v8::MicrotasksPolicy::kExplicit);
	js->isolate->AddNearHeapLimitCallback(near_limit, js);
	current = js;
	v8::Isolate::Scope isolate(js->isolate);
	warm(js->isolate);
	js->isolate->SetPromiseRejectCallback(remember_rejection);
	v8::HandleScope scope(js->isolate);
	v8::Local<v8::Context> context = v8::Context::New(js->isolate);
	v8::Context::Scope entered(context);
	host_install(js, context, setup);
	js->context.Reset(js->isolate, context);
	keep_own(js, context);
	return js;
}

void js_begin(struct js *js, size_t heap_bytes, int memory_code)
{
	js->heap_bytes = heap_bytes;
	js->memory_code = memory_code;
	js->began_ns = host_now_ns();
}

void js_compile_all(void)
{
	v8::V8::SetFlagsFromString("--no-lazy");
}

// What every entry from C needs, in this order.
#define ENTER(js)                                                             \
	v8::Isolate::Scope entered_isolate((js)->isolate);                    \
	v8::HandleScope scope((js)->isolate);                                 \
	v8::Local<v8::Context> context = (js)->context.Get((js)->isolate);    \
	v8::Context::Scope entered_context(context);                          \
	v8::TryCatch caught((js)->isolate)

void js_touch(struct js *js)
{
	static const struct {
		js_kind kind;
		const char *text;
	} lines[] = {
		{ JS_SCRIPT, "(() => { const a = {b: [1, 'c']}; ward.output(a.b.length) })()" },
		{ JS_MODULE, "export default [{a: 1}].map(b => b.a)" },
	};
	struct guest_why why;
	struct js_text text;

	for (const auto &line : lines) {
		ENTER(js);
		Source source = {"ward", line.kind, {}, {}, {}};
		v8::Local<v8::Value> value;

		if (compile(js, context, once_text(js->isolate, line.text), &source) && run_source(js, context, &source, &value))
			settle(js);
		js_result(js, &text, &why);
		js->result.Reset();
	}
}

void js_fork(struct js *js)
{
	static const char request[] = "{\"a\": [1, 2.5, \"b\", {\"c\": null}]}";
	v8::Local<v8::Value> argument, result;
	v8::Local<v8::String> text;

	host_draw_anew();
	js->text.reserve(256);
	ENTER(js);
	if (js->own.IsEmpty() || !v8::JSON::Parse(context, once_text(js->isolate, request)).ToLocal(&argument) ||
	    !js->own.Get(js->isolate)->Call(context, v8::Undefined(js->isolate), 1, &argument).ToLocal(&result) ||
	    !v8::JSON::Stringify(context, result).ToLocal(&text))
		return;
	v8::String::Utf8Value bytes(js->isolate, text);
	js->text.assign(*bytes, bytes.length());
	settle(js); // nothing: the source's own run went on until nothing was left
	js->result.Reset(js->isolate, result);
	js->result.Reset();
}

void js_add_arg(struct js *js, const char *text, size_t len)
{
	ENTER(js);
	v8::Local<v8::Array> args = js->args.Get(js->isolate);

	args->Set(context, args->Length(), once_text(js->isolate, text, static_cast<int>(len))).Check();
}

void js_add_env(struct js *js, const char *name, const char *text, size_t len)
{
	ENTER(js);

	js->env.Get(js->isolate)->Set(context, once_text(js->isolate, name), once_text(js->isolate, text, static_cast<int>(len))).Check();
}

bool js_add(struct js *js, enum js_kind kind, const char *name, const char *bytes, size_t len, struct guest_why *why)
{
	ENTER(js);
	v8::Local<v8::String> text;
	Source source = {name, kind, {}, {}, {}};

	if (!v8::String::NewFromUtf8(js->isolate, bytes, v8::NewStringType::kNormal, static_cast<int>(len)).ToLocal(&text) ||
	    !compile(js, context, text, &source)) {
		failed(js, context, caught, why);
		if (!*why->file)
			snprintf(why->file, sizeof(why->file), "%s", name);
		return false;
	}
	js->sources.push_back(std::move(source));
	return true;
}

bool js_run(struct js *js, struct guest_why *why)
{
	ENTER(js);
	const Source *source = main_source(js);
	v8::Local<v8::Value> value;

	if (!source)
		return refused(why, "there is no source to run");
	if (!run_source(js, context, source, &value))
		return failed(js, context, caught, why);
	return await(js, context, &value, why);
}

bool js_has_handler(struct js *js)
{
	return !js->handler.IsEmpty();
}

bool js_call(struct js *js, const char *json, size_t len, struct guest_why *why)
{
	ENTER(js);
	v8::Local<v8::String> text;
	v8::Local<v8::Value> argument, result;

	if (json ? !v8::String::NewFromUtf8(js->isolate, json, v8::NewStringType::kNormal, static_cast<int>(len)).ToLocal(&text) ||
		   !v8::JSON::Parse(context, text).ToLocal(&argument) :
		   !host_input(js).ToLocal(&argument))
		return failed(js, context, caught, why);
	if (!js->handler.Get(js->isolate).As<v8::Function>()->Call(context, v8::Undefined(js->isolate), 1, &argument).ToLocal(&result))
		return failed(js, context, caught, why);
	if (!await(js, context, &result, why))
		return false;
	if (!result->IsUndefined())
		js->result.Reset(js->isolate, result);
	return true;
}

bool js_result(struct js *js, struct js_text *out, struct guest_why *why)
{
	ENTER(js);
	v8::Local<v8::String> text;

	*out = {nullptr, 0};
	if (js->result.IsEmpty())
		return true;
	if (!v8::JSON::Stringify(context, js->result.Get(js->isolate)).ToLocal(&text))
		return failed(js, context, caught, why);
	v8::String::Utf8Value bytes(js->isolate, text);
	if (!*bytes || text->StringEquals(once_text(js->isolate, "undefined")))
		return true;
	js->text.assign(*bytes, bytes.length());
	*out = {js->text.data(), js->text.size()};
	return true;
}
