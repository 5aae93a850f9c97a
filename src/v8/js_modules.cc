// Imports: only sources that were given are there. A name is a text and never a path that anything opens.
#include "v8/js_state.hh"

#include "v8/once.hh"

namespace {

struct js *js_of(v8::Isolate *isolate)
{
	return static_cast<struct js *>(isolate->GetData(0));
}

Source *source_of(struct js *js, v8::Local<v8::Module> module)
{
	for (Source &source : js->sources)
		if (!source.module.IsEmpty() && source.module == module)
			return &source;
	return nullptr;
}

// "/a/b/../c.mjs" is "/a/c.mjs"; above the root is the root.
std::string normal(const std::string &path)
{
	std::string out;

	for (size_t at = 0; at < path.size();) {
		const size_t end = path.find('/', at) == std::string::npos ? path.size() : path.find('/', at);
		const std::string part = path.substr(at, end - at);

		if (part == "..")
			out.erase(out.rfind('/') == std::string::npos ? 0 : out.rfind('/'));
		else if (!part.empty() && part != ".")
			out += "/" + part;
		at = end + 1;
	}
	return out;
}

std::string wanted(const std::string &specifier, const Source *from)
{
	if (specifier[0] == '/')
		return normal(specifier);
	if (specifier.rfind("./", 0) != 0 && specifier.rfind("../", 0) != 0)
		return specifier;
	const size_t slash = from ? from->name.rfind('/') : std::string::npos;
	return normal((slash == std::string::npos ? "" : from->name.substr(0, slash)) + "/" + specifier);
}

}  // namespace

v8::MaybeLocal<v8::Module> modules_resolve(v8::Local<v8::Context> context, v8::Local<v8::String> specifier,
					   v8::Local<v8::FixedArray>, v8::Local<v8::Module> referrer)
{
	v8::Isolate *isolate = context->GetIsolate();
	struct js *js = js_of(isolate);
	v8::String::Utf8Value text(isolate, specifier);
	const std::string name = *text && text.length() ? wanted(*text, source_of(js, referrer)) : std::string();

	for (const Source &source : js->sources)
		if (!source.module.IsEmpty() && source.name == name)
			return source.module.Get(isolate);
	const std::string why = "cannot import '" + std::string(*text ? *text : "") + "': " + name + " was not given to this guest; grant the directory it is in";
	isolate->ThrowException(v8::Exception::Error(once_text(isolate, why.c_str())));
	return {};
}

v8::MaybeLocal<v8::Value> modules_evaluate_json(v8::Local<v8::Context> context, v8::Local<v8::Module> module)
{
	v8::Isolate *isolate = context->GetIsolate();
	Source *source = source_of(js_of(isolate), module);
	v8::Local<v8::Promise::Resolver> done;

	if (!source || module->SetSyntheticModuleExport(isolate, once_text(isolate, "default"), source->json.Get(isolate)).IsNothing() ||
	    !v8::Promise::Resolver::New(context).ToLocal(&done) ||
	    done->Resolve(context, v8::Undefined(isolate)).IsNothing())
		return {};
	return done->GetPromise();
}
