// What can run here, in which boundary, and what is missing for the rest.
import { el, clear } from "../dom.js";
import { get } from "../api.js";
import { line, bytes, micros } from "../format.js";
import { badge, panel, trouble } from "../parts.js";

function yes(is, words) {
	const node = badge(is ? "yes" : "no");
	node.textContent = words;
	return node;
}

function boundaries(list) {
	return el("div", { class: "scroll" }, el("table", {}, el("caption", { class: "unseen" }, "Boundaries"), el("thead", {}, el("tr", {}, ["Boundary", "Here", "Holds a stranger's code", "Why not"].map((title) => el("th", { scope: "col" }, title)))),
		el("tbody", {}, list.map((one) => el("tr", {}, el("td", { class: "name" }, line(one.name)), el("td", {}, yes(one.available, one.available ? "works" : "missing")),
			el("td", {}, one.available ? yes(one.holds_hostile_code, one.holds_hostile_code ? "yes" : "no") : "–"), el("td", { class: "wrap dim" }, line(one.why ?? "", 400)))))));
}

function runtimes(list, names) {
	const cell = (runtime, name) => {
		const row = runtime.boundaries.find((one) => one.boundary === name);
		if (!row) return el("td", { class: "dim" }, "–");
		if (!row.available) return el("td", { title: line(row.why, 400) }, yes(false, "missing"));
		return el("td", { title: `at most ${micros(row.ceilings.wall_ms * 1000)} and ${bytes(row.ceilings.mem_bytes)}` }, yes(true, `${micros(row.limits.wall_ms * 1000)}, ${bytes(row.limits.mem_bytes)}`));
	};
	return el("div", { class: "scroll" }, el("table", {}, el("caption", { class: "unseen" }, "Runtimes"), el("thead", {}, el("tr", {}, ["Runtime", "Version", ...names.map((name) => line(name))].map((title) => el("th", { scope: "col" }, title)))),
		el("tbody", {}, list.map((one) => el("tr", {}, el("td", { class: "name" }, line(one.name)), el("td", { class: "dim" }, line(one.version) || "–"), names.map((name) => cell(one, name)))))));
}

function missing(list) {
	const rows = list.flatMap((one) => one.boundaries.filter((row) => !row.available && row.why).map((row) => [`${line(one.name)} in ${line(row.boundary)}`, line(row.why, 400)]));
	return rows.length ? el("ul", { class: "calls" }, rows.map(([name, why]) => el("li", {}, el("b", {}, name), el("span", { class: "dim" }, why)))) : el("p", { class: "fine" }, "Nothing.");
}

export default function show(root, { signal }) {
	const place = el("div", { class: "stack" }, panel("Boundaries"), panel("Runtimes"));
	root.append(el("div", { class: "head" }, el("h1", {}, "Boundaries")), place);
	Promise.all([get("/v1/boundaries", signal), get("/v1/runtimes", signal)]).then(([b, r]) => {
		const names = b.boundaries.map((one) => one.name).filter((name) => r.runtimes.some((one) => one.boundaries.some((row) => row.boundary === name)));
		clear(place, panel("Boundaries", boundaries(b.boundaries)), panel("Runtimes, with the time and memory a job has unless it asks for less or more", runtimes(r.runtimes, names)), panel("What is missing", missing(r.runtimes)),
			el("p", { class: "fine" }, el("code", {}, "ward doctor"), " on this machine says what each layer needs and how to get it; ", el("code", {}, "ward selftest"), " shows that it holds."));
	}).catch((error) => signal.aborted || clear(place, trouble(error)));
}
