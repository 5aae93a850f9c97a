// Asks the service. A request has the cookie of the session, which no script sees, and this token, which no other origin has.
const TOKEN = "ward.token";
const LINE_MAX = 4 << 20;

export class Problem extends Error {
	constructor(status, body) {
		super(body?.detail ?? `the service answered ${status}`);
		this.status = status;
		this.code = body?.code ?? "unknown";
		this.field = body?.field;
	}
}

const token = () => localStorage.getItem(TOKEN);
export const hasSession = () => Boolean(token());

async function ask(method, path, { body, headers = {}, signal } = {}) {
	const fields = { ...headers };
	if (!fields.Authorization && token()) fields["Ward-Token"] = token();
	if (body !== undefined) fields["Content-Type"] = "application/json";
	const response = await fetch(path, { method, headers: fields, signal, body: body === undefined ? undefined : JSON.stringify(body),
		cache: "no-store", redirect: "error", credentials: "same-origin" });
	if (response.ok) return response;
	let said;
	try {
		said = await response.json();
	} catch { /* no problem document: the status says it */ }
	const problem = new Problem(response.status, said);
	if (response.status === 401 && !fields.Authorization) {
		localStorage.removeItem(TOKEN);
		dispatchEvent(new CustomEvent("ward-ended", { detail: problem.message }));
	}
	throw problem;
}

export const call = async (method, path, options) => (await ask(method, path, options)).json();
export const get = (path, signal) => call("GET", path, { signal });

export async function login(key) {
	const session = await call("POST", "/v1/session", { headers: { Authorization: `Bearer ${key}` } });
	localStorage.setItem(TOKEN, session.token);
	return session;
}

export async function logout() {
	try {
		await call("DELETE", "/v1/session");
	} finally {
		localStorage.removeItem(TOKEN);
	}
}

/** The beginning of an output as text; at most so many bytes are asked for. */
export async function text(path, most, signal) {
	const response = await ask("GET", path, { signal, headers: { Range: `bytes=0-${most - 1}` } });
	return response.text();
}

export async function file(path) {
	return (await ask("GET", path)).blob();
}

/** The pieces of an answer that has no end of its own, each cut off at the separator. */
async function* pieces(path, type, separator, signal) {
	const response = await ask("GET", path, { signal, headers: { Accept: type } });
	const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
	let rest = "";
	try {
		for (;;) {
			const { done, value } = await reader.read();
			if (done) return;
			rest += value;
			const whole = rest.split(separator);
			rest = whole.pop();
			if (rest.length > LINE_MAX) throw new Error("an event is too long");
			yield* whole.filter(Boolean);
		}
	} finally {
		reader.cancel().catch(() => {});
	}
}

/** Events of a stream, one after the other, as objects { id, event, data }. */
export async function* events(path, signal) {
	for await (const line of pieces(path, "application/x-ndjson", "\n", signal)) yield JSON.parse(line);
}

/** The same as server-sent events, for streams that have no other form. */
export async function* pushed(path, signal) {
	for await (const block of pieces(path, "text/event-stream", "\n\n", signal)) {
		const members = block.split("\n").filter((line) => line.includes(": ")).map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]);
		const { id, event, data } = Object.fromEntries(members);
		if (data) yield { id, event, data: JSON.parse(data) };
	}
}
