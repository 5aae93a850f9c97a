// Code in, what became of it out: in one boundary, or the same code in several side by side.
import { el, clear, copy } from "../dom.js";
import { call, events, get } from "../api.js";
import { line, micros, bytes, ENDED } from "../format.js";
import { badge, trouble } from "../parts.js";
import { output } from "../output.js";
import { SAMPLES } from "../samples.js";
import { curl, layers, phases, refused } from "./job.js";

const KEPT = "ward.playground";

function run(document_, boundary, signal, alone) {
	const state = el("span"), link = el("span"), time = el("div", { class: "fine" }, "Waiting."), more = el("div");
	const text = output(`What it wrote in ${boundary}`, "low");
	const node = el("section", { class: "panel stack", "aria-label": `Run in ${boundary}` }, el("div", { class: "head" }, el("h2", { class: "plainly" }, line(boundary)), state, link), text.node, time, more);
	const fail = (error) => signal.aborted || error.status === 401 || clear(more, trouble(error));
	async function follow() {
		const job = await call("POST", "/v1/jobs", { body: { ...document_, boundary }, signal });
		clear(link, el("a", { href: `#/jobs/${job.id}` }, "Details"));
		clear(state, badge(job.state));
		for await (const event of events(`/v1/jobs/${job.id}/events`, signal)) {
			text.take(event);
			if (event.event === "state") clear(state, badge(event.data.state));
			if (event.event === "end" && text.isEmpty()) text.note("It wrote nothing.");
		}
		const ended = await get(`/v1/jobs/${job.id}`, signal);
		const details = ended.result?.details ?? {};
		clear(state, badge(ended.state, ended.reason));
		if (!ENDED.has(ended.state) || details.run_us === undefined) return clear(time, details.detail ? line(details.detail, 400) : "It never ran.");
		clear(time, phases(details));
		clear(more, el("div", { class: "fine" }, `${details.start_path} start, ${details.compile === "cached" ? "compiled before, " : ""}${micros(ended.result.cpu_us)} of processor, ${bytes(details.usage?.mem_peak_bytes)} of memory at most`),
			el("h3", {}, "Refused calls"), refused(details.refused, details.refused_calls), alone || (details.layers ?? []).length < 40 ? [el("h3", {}, `${(details.layers ?? []).length} layers held it`), layers(details.layers)] : null);
	}
	follow().catch(fail);
	return node;
}

export default function show(root, { signal, can }) {
	const runtime = el("select", { name: "runtime" }), sample = el("select", { name: "sample" }, el("option", { value: "hello" }, "says hello"), el("option", { value: "tries" }, "tries to get out"));
	const boundaries = el("fieldset", { class: "choices" }, el("legend", {}, "Boundary"));
	const code = el("textarea", { name: "code", rows: "11", spellcheck: "false", autocapitalize: "off", autocomplete: "off", "aria-label": "Code", wrap: "off" });
	const stdin = el("textarea", { name: "stdin", "aria-label": "Standard input", rows: "2", spellcheck: "false" });
	const results = el("div", { class: "columns", "aria-live": "off" }), wrong = el("div");
	const go = el("button", { type: "submit", class: "main", title: "Ctrl + Enter", disabled: !can("jobs:write") }, "Run");
	let known = [], running = null;

	const chosen = () => [...boundaries.querySelectorAll("input:checked")].map((input) => input.value);
	const wanted = () => {
		const { file = "main", encoding = "text" } = SAMPLES[runtime.value] ?? {};
		return { runtime: runtime.value, name: "playground", files: [{ path: file, [encoding]: encoding === "text" ? code.value : code.value.trim() }], ...(stdin.value ? { stdin: { text: stdin.value } } : {}) };
	};
	const keep = () => sessionStorage.setItem(KEPT, JSON.stringify({ runtime: runtime.value, code: code.value.slice(0, 200000), boundaries: chosen() }));

	function setBoundaries(before = []) {
		const rows = known.find((one) => one.name === runtime.value)?.boundaries ?? [];
		const usable = rows.filter((row) => row.available);
		const checked = usable.filter((row) => before.includes(row.boundary)).map((row) => row.boundary);
		clear(boundaries, el("legend", {}, "Boundaries; several run side by side"), rows.map((row) => el("label", { title: row.available ? "" : line(row.why) },
			el("input", { type: "checkbox", value: row.boundary, disabled: !row.available, checked: checked.length ? checked.includes(row.boundary) : row === usable[0] }), " ", line(row.boundary))));
	}
	const setSample = () => (code.value = SAMPLES[runtime.value]?.[sample.value] ?? "");

	function start(event) {
		event?.preventDefault();
		clear(wrong);
		if (!chosen().length) return clear(wrong, trouble(new Error("Choose a boundary.")));
		running?.abort();
		running = new AbortController();
		keep();
		const asked = chosen();
		clear(results, asked.map((boundary) => run(wanted(), boundary, AbortSignal.any([signal, running.signal]), asked.length === 1)));
	}

	const form = el("form", { class: "panel stack", on: { submit: start, keydown: (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && start(event), input: keep } },
		el("div", { class: "row" }, el("label", { class: "field" }, "Runtime", runtime), el("label", { class: "field" }, "Program", sample), boundaries,
			el("div", { class: "head push-right" }, el("button", { type: "button", on: { click: () => copy(curl({ ...wanted(), boundary: chosen()[0] ?? "auto" })) } }, "Copy as curl"), go)),
		code, el("details", {}, el("summary", {}, "Standard input"), stdin));
	runtime.addEventListener("change", () => (setBoundaries(chosen()), setSample(), keep()));
	sample.addEventListener("change", () => (setSample(), keep()));
	root.append(el("div", { class: "head" }, el("h1", {}, "Playground"), el("span", { class: "fine" }, "Each run is a job in a fresh box.")), form, wrong, results);

	get("/v1/runtimes", signal).then(({ runtimes }) => {
		const before = JSON.parse(sessionStorage.getItem(KEPT) ?? "{}");
		known = runtimes.filter((one) => one.available && SAMPLES[one.name]);
		clear(runtime, known.map((one) => el("option", { value: one.name }, `${line(one.name)} ${line(one.version)}`)));
		if (known.some((one) => one.name === before.runtime)) runtime.value = before.runtime;
		setBoundaries(before.boundaries);
		if (before.code) code.value = before.code;
		else setSample();
	}, (error) => signal.aborted || clear(wrong, trouble(error)));
}
