// Pieces that several pages have.
import { el, put } from "./dom.js";
import { words, line } from "./format.js";

/** The state of a job: a word, and a colour beside it. */
export function badge(state, reason) {
	const node = el("span", { class: `badge ${state}` }, words(state));
	if (reason) node.append(el("small", {}, words(reason)));
	return node;
}

export function facts(pairs) {
	return el("dl", { class: "facts" }, pairs.filter(Boolean).map(([name, value, wide]) => el("div", { class: wide && "wide" }, el("dt", {}, name), el("dd", {}, value))));
}

export function tile(name, hint) {
	const value = el("b", {}, "–");
	const node = el("div", { class: "tile", title: hint }, el("span", {}, name), value);
	return { node, set: (text, mood) => (put(value, text), (node.dataset.mood = mood ?? "")) };
}

export const panel = (title, ...content) => el("section", { class: "panel", "aria-label": title }, el("h2", {}, title), content);

export const trouble = (error) => el("p", { class: "trouble", role: "alert" }, line(error.message, 600));
