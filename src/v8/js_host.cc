// What a guest has beside the language: console, ward, a clock of whole milliseconds, and chance from the kernel.
#include "v8/js_state.hh"

#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "v8/once.hh"

namespace {

// Clocks finer than this serve side channels more than programs.
constexpr uint64_t kGrainNs = 1000000;

struct js *js_of(const v8::FunctionCallbackInfo<v8::Value> &info)
{
	return static_cast<struct js *>(info.Data().As<v8::External>()->Value());
}

// A text as it is, an error with its stack, an object as JSON when it has one.
std::string shown(v8::Isolate *isolate, v8::Local<v8::Value> value)
{
	v8::Local<v8::Context> context = isolate->GetCurrentContext();
	v8::TryCatch caught(isolate);
	v8::Local<v8::Value> stack;
	v8::Local<v8::String> text;

	if (value->IsNativeError() && value.As<v8::Object>()->Get(context, once_text(isolate, "stack")).ToLocal(&stack))
		value = stack;
	if (!value->IsObject() || value->IsFunction() || !v8::JSON::Stringify(context, value).ToLocal(&text))
		text = value->ToDetailString(context).FromMaybe(v8::String::Empty(isolate));
	v8::String::Utf8Value bytes(isolate, text);
	return *bytes ? std::string(*bytes, bytes.length()) : std::string();
}

template <bool is_error>
void print(const v8::FunctionCallbackInfo<v8::Value> &info)
{
	struct js *js = js_of(info);
	std::string line;

	for (int i = 0; i < info.Length(); i++) {
		line += i ? " " : "";
		line += shown(info.GetIsolate(), info[i]);
	}
	line += "\n";
	js->host.print(js->host.at, is_error, line.data(), line.size());
}

// Drawn from the kernel, and not used yet.
struct {
	uint64_t bits[64];
	size_t left;
} chance;

// All forks of one zygote would draw the same numbers from V8's own generator.
void random_number(const v8::FunctionCallbackInfo<v8::Value> &info)
{
	if (!chance.left && getrandom(chance.bits, sizeof(chance.bits), 0) != sizeof(chance.bits)) {
		info.GetIsolate()->ThrowError("the kernel gave no random bytes");
		return;
	}
	chance.left = chance.left ? chance.left : sizeof(chance.bits) / sizeof(chance.bits[0]);
	const uint64_t bits = chance.bits[--chance.left];
	chance.bits[chance.left] = 0;
	info.GetReturnValue().Set(static_cast<double>(bits >> 11) * 0x1p-53);
}

void now(const v8::FunctionCallbackInfo<v8::Value> &info)
{
	const uint64_t since = host_now_ns() - js_of(info)->began_ns;

	info.GetReturnValue().Set(static_cast<double>(since / kGrainNs));
}

void output(const v8::FunctionCallbackInfo<v8::Value> &info)
{
	js_of(info)->result.Reset(info.GetIsolate(), info[0]);
}

// Read when it is asked for: a guest that wants no input waits for none.
void input(v8::Local<v8::Name>, const v8::PropertyCallbackInfo<v8::Value> &info)
{
	v8::Local<v8::Value> value;

	if (host_input(static_cast<struct js *>(info.Data().As<v8::External>()->Value())).ToLocal(&value))
		info.GetReturnValue().Set(value);
}

void set(v8::Local<v8::Context> context, v8::Local<v8::Object> on, const char *name, v8::Local<v8::Value> value)
{
	on->CreateDataProperty(context, once_text(context->GetIsolate(), name), value).Check();
}

v8::Local<v8::Object> member(v8::Local<v8::Context> context, const char *name)
{
	v8::Local<v8::Value> value;

	return context->Global()->Get(context, once_text(context->GetIsolate(), name)).ToLocal(&value) && value->IsObject() ?
		value.As<v8::Object>() : v8::Object::New(context->GetIsolate());
}

// A null-prototype object: what is set on Object.prototype does not appear here, and nothing here leads there.
v8::Local<v8::Object> make_ward(struct js *js, v8::Local<v8::Context> context, v8::Local<v8::External> at)
{
	v8::Isolate *isolate = js->isolate;
	v8::Local<v8::Object> ward = v8::Object::New(isolate, v8::Null(isolate), nullptr, nullptr, 0);
	v8::Local<v8::Object> env = v8::Object::New(isolate, v8::Null(isolate), nullptr, nullptr, 0);
	v8::Local<v8::Array> args = v8::Array::New(isolate);

	js->env.Reset(isolate, env);
	js->args.Reset(isolate, args);
	set(context, ward, "args", args);
	set(context, ward, "env", env);
	set(context, ward, "output", v8::Function::New(context, output, at, 1, v8::ConstructorBehavior::kThrow).ToLocalChecked());
	ward->SetAccessor(context, once_text(isolate, "input"), input, nullptr, at).Check();
	return ward;
}

void add_console(v8::Local<v8::Context> context, v8::Local<v8::External> at)
{
	static const struct { const char *name; v8::FunctionCallback call; } rows[] = {
		{"log", print<false>}, {"info", print<false>}, {"debug", print<false>},
		{"error", print<true>}, {"warn", print<true>}, {"trace", print<true>},
	};
	// V8 has one of its own, which writes nowhere; its other functions stay and do nothing.
	v8::Local<v8::Object> console = member(context, "console");

	for (const auto &row : rows)
		set(context, console, row.name,
		    v8::Function::New(context, row.call, at, 0, v8::ConstructorBehavior::kThrow).ToLocalChecked());
}

void close(v8::Local<v8::Context> context, const struct js_setup *setup)
{
	const struct { bool open; const char *name; } rows[] = {
		{setup->wasm, "WebAssembly"},
		{setup->shared_memory, "SharedArrayBuffer"},
		{setup->shared_memory, "Atomics"},
	};

	for (const auto &row : rows)
		if (!row.open)
			context->Global()->Delete(context, once_text(context->GetIsolate(), row.name)).Check();
	context->AllowCodeGenerationFromStrings(setup->eval);
}

}  // namespace

void host_draw_anew()
{
	memset(&chance, 0, sizeof(chance));
}

uint64_t host_now_ns()
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return static_cast<uint64_t>(at.tv_sec) * 1000000000 + static_cast<uint64_t>(at.tv_nsec);
}

v8::MaybeLocal<v8::Value> host_input(struct js *js)
{
	v8::Local<v8::Value> value = v8::Undefined(js->isolate);
	v8::Local<v8::String> text;
	const char *json;
	size_t len;

	if (!js->input.IsEmpty())
		return js->input.Get(js->isolate);
	if (js->host.input(js->host.at, &json, &len) &&
	    (!v8::String::NewFromUtf8(js->isolate, json, v8::NewStringType::kNormal, static_cast<int>(len)).ToLocal(&text) ||
	     !v8::JSON::Parse(js->isolate->GetCurrentContext(), text).ToLocal(&value)))
		return {}; // it has thrown
	js->input.Reset(js->isolate, value);
	return value;
}

void host_install(struct js *js, v8::Local<v8::Context> context, const struct js_setup *setup)
{
	v8::Local<v8::External> at = v8::External::New(js->isolate, js);
	v8::Local<v8::Object> performance = v8::Object::New(js->isolate);

	add_console(context, at);
	set(context, context->Global(), "ward", make_ward(js, context, at));
	set(context, performance, "now", v8::Function::New(context, now, at, 0, v8::ConstructorBehavior::kThrow).ToLocalChecked());
	set(context, context->Global(), "performance", performance);
	set(context, member(context, "Math"), "random",
	    v8::Function::New(context, random_number, at, 0, v8::ConstructorBehavior::kThrow).ToLocalChecked());
	close(context, setup);
}
