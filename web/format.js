// How things are written. Control bytes and marks that turn the direction of text are shown, never obeyed.

const NAMES = { 0x7f: "^?", 0x202a: "‹LRE›", 0x202b: "‹RLE›", 0x202c: "‹PDF›", 0x202d: "‹LRO›", 0x202e: "‹RLO›",
	0x2066: "‹LRI›", 0x2067: "‹RLI›", 0x2068: "‹FSI›", 0x2069: "‹PDI›", 0x200e: "‹LRM›", 0x200f: "‹RLM›", 0x61c: "‹ALM›" };

function shown(c) {
	const code = c.codePointAt(0);
	return NAMES[code] ?? (code < 0x20 ? "^" + String.fromCharCode(0x40 + code) : `‹${code.toString(16)}›`);
}

/** Text of several lines: line breaks and tabs stay. */
export const visible = (text) => text.replaceAll("\r\n", "\n").replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, shown);
/** Text of one line, of at most so many characters. */
export function line(text, most = 200) {
	const out = String(text ?? "").slice(0, most + 1).replace(/[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, shown);
	return out.length > most ? out.slice(0, most) + "…" : out;
}

export function micros(us) {
	if (us === undefined || us === null || Number.isNaN(us)) return "–";
	if (us < 1000) return `${Math.round(us)} µs`;
	if (us < 1e6) return `${(us / 1000).toFixed(us < 1e4 ? 2 : us < 1e5 ? 1 : 0)} ms`;
	if (us < 6e7) return `${(us / 1e6).toFixed(us < 1e7 ? 2 : 1)} s`;
	return `${Math.floor(us / 6e7)} min ${Math.round((us % 6e7) / 1e6)} s`;
}

export function bytes(n) {
	if (n === undefined || n === null) return "–";
	const units = ["B", "KiB", "MiB", "GiB", "TiB"];
	let at = 0;
	for (; n >= 1024 && at < units.length - 1; at++) n /= 1024;
	return `${at && n < 10 ? n.toFixed(1) : Math.round(n)} ${units[at]}`;
}

export const count = (n) => (n === undefined || n === null ? "–" : n.toLocaleString("en"));

export function clock(moment) {
	const at = new Date(moment);
	return Number.isNaN(at.getTime()) ? "–" : at.toLocaleTimeString("en-GB");
}

export function day(moment) {
	const at = new Date(moment);
	return Number.isNaN(at.getTime()) ? "–" : `${at.toLocaleDateString("en-CA")} ${at.toLocaleTimeString("en-GB")}`;
}

export function ago(moment, now = Date.now()) {
	const s = Math.max(0, Math.round((now - new Date(moment).getTime()) / 1000));
	if (Number.isNaN(s)) return "–";
	return s < 60 ? `${s} s ago` : s < 3600 ? `${Math.floor(s / 60)} min ago` : s < 86400 ? `${Math.floor(s / 3600)} h ago` : `${Math.floor(s / 86400)} d ago`;
}

export const ENDED = new Set(["succeeded", "failed", "timed_out", "cancelled", "rejected", "infra_failed"]);
export const STATES = ["queued", "leased", "starting", "running", "finishing", "succeeded", "failed", "timed_out", "cancelled", "rejected", "infra_failed"];
export const words = (name) => line(name).replaceAll("_", " ");
