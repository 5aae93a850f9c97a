// One job: what it did, how long each part took, what held it, and what it was refused.
import { el, clear, copy, say } from "../dom.js";
import { call, events, file, get } from "../api.js";
import { line, micros, bytes, day, count, words, ENDED } from "../format.js";
import { badge, facts, panel, trouble } from "../parts.js";
import { output } from "../output.js";
import { sparkline } from "../chart.js";
import { evidence } from "./security.js";

const SAMPLES = 240;

/* -- the time line -- */

export function phases(details) {
	const steps = details.steps ?? [];
	const inside = steps.reduce((sum, step) => sum + step.wall_us, 0);
	const parts = [["queued", details.queue_us, 0], ["start", details.start_us, 1], ["around the steps", Math.max(0, details.run_us - inside), 2],
		...steps.map((step, i) => [steps.length > 1 ? `step ${line(step.id, 20)}` : "program", step.wall_us, 3 + (i % 2)])];
	const bar = el("div", { class: "phases", "aria-hidden": "true" }, parts.map(([, us, tint]) => {
		const part = el("i", { class: `phase${tint}` });
		part.style.flexGrow = String(Math.max(us, 1));
		return part;
	}));
	return [bar, el("ul", { class: "phase-list" }, parts.map(([name, us, tint]) =>
		el("li", {}, el("i", { class: `phase${tint}`, "aria-hidden": "true" }), name, " ", el("b", { title: `${count(us)} µs` }, micros(us)))))];
}

/* -- what it was refused -- */

export function refused(list, total) {
	if (!list?.length) return el("p", { class: "fine" }, total ? `${count(total)} calls were refused.` : "No call was refused.");
	return el("ul", { class: "calls" }, list.slice(0, 50).map((call) =>
		el("li", {}, el("code", {}, line(call.name, 60)), el("span", { class: "dim" }, call.errno ? `answered ${line(call.errno, 40)}` : words(call.action)), el("span", { class: "times" }, `× ${count(call.count)}`))));
}

export const layers = (list) => el("div", { class: "chips" }, (list ?? []).slice(0, 80).map((layer) => el("span", { class: "chip held" }, line(layer, 40))));

/* -- resources while it ran: t_ms, cpu_us, memory, pids of each sample -- */

function usage(place, samples) {
	if (samples.length < 2) return;
	const from = samples[0].t_ms;
	const memory = samples.map((s) => [s.t_ms - from, s.memory ?? 0]);
	const cpu = samples.slice(1).map((s, i) => [s.t_ms - from, (s.cpu_us - samples[i].cpu_us) / Math.max(1, (s.t_ms - samples[i].t_ms) * 10)]);
	const most = (points) => Math.max(...points.map((p) => p[1]));
	const one = (name, text, points, color) => el("div", {}, el("div", { class: "fine" }, `${name}, at most ${text}`), sparkline(`${name} over the run, at most ${text}`, points, color));
	clear(place, one("Processor", `${Math.round(most(cpu))} %`, cpu, "accent"), one("Memory", bytes(most(memory)), memory, "warn"));
}

/* -- what can be done with it -- */

const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

export function curl(job) {
	return `curl -fsS -H "Authorization: Bearer $KEY" ${quote(`${location.origin}/v1/jobs`)} -d ${quote(JSON.stringify(job))}`;
}

async function save(id, name) {
	const address = URL.createObjectURL(await file(`/v1/jobs/${id}/artifacts/${name.split("/").map(encodeURIComponent).join("/")}`));
	const link = el("a", { href: address, download: name.split("/").pop() });
	link.click();
	setTimeout(() => URL.revokeObjectURL(address), 10000);
}

function artifacts(id, list) {
	if (!list?.length) return el("p", { class: "fine" }, "It left no artefacts.");
	return el("ul", { class: "calls" }, list.slice(0, 200).map((one) => el("li", {},
		el("button", { type: "button", on: { click: () => save(id, one.name).catch((error) => say(line(error.message))) } }, line(one.name, 80)), el("span", { class: "times" }, bytes(one.bytes)))));
}

/* -- the page -- */

export default function show(root, { signal, parameters, can }) {
	const id = /^[0-9a-f]{32}$/.test(parameters.id) ? parameters.id : "0".repeat(32);
	const title = el("h1", {}, id.slice(0, 12)), state = el("span"), wrong = el("div");
	const cancel = el("button", { type: "button", class: "danger", hidden: true, on: { click: () => call("POST", `/v1/jobs/${id}/cancel`).then(draw, fail) } }, "Cancel");
	const asCurl = el("button", { type: "button", on: { click: () => get(`/v1/jobs/${id}/document`, signal).then((job) => copy(curl(job)), fail) } }, "Copy as curl");
	const about = el("div", { class: "about" }), time = el("div", { class: "time" }), walls = el("div"), calls = el("div"), odd = el("div"), left = el("div"), load = el("div", { class: "sparks" });
	const text = output("What the job wrote");
	const samples = [];
	root.append(el("div", { class: "head" }, el("a", { href: "#/jobs" }, "Jobs"), title, state, el("div", { class: "push" }, cancel, asCurl)), wrong,
		panel("About", about), panel("Time", time),
		el("div", { class: "half" }, panel("Output", text.node), el("div", { class: "stack" }, panel("Refused calls", calls, odd), panel("Resources", load))),
		el("div", { class: "half" }, panel("Layers that held it", walls), panel("Artefacts", left)));

	function fail(error) {
		if (!signal.aborted && error.status !== 401) clear(wrong, trouble(error));
	}

	function draw(job) {
		const result = job.result, details = result?.details ?? {}, used = details.usage ?? {};
		const over = ENDED.has(job.state);
		if (job.name) title.textContent = line(job.name, 64);
		clear(state, badge(job.state, job.reason));
		cancel.hidden = over || !can("jobs:write");
		cancel.disabled = job.cancel_requested;
		clear(about, facts([["Id", el("code", {}, job.id), true], ["Runtime", line(job.runtime)], ["Boundary", `${line(details.boundary ?? job.boundary)}${details.start_path ? `, ${line(details.start_path)} start` : ""}`],
			["Created", day(job.created_at)], ["Attempt", `${job.attempt} of ${job.max_attempts}`],
			result && ["Ended with", result.signal ? `signal ${result.signal}` : result.exit_code === undefined ? "–" : `exit code ${result.exit_code}`],
			result && ["Processor", micros(result.cpu_us)], result && ["Memory at most", bytes(used.mem_peak_bytes)],
			result && ["Output", `${bytes(result.stdout_bytes)} and ${bytes(result.stderr_bytes)} of errors`],
			...Object.entries(job.labels ?? {}).map(([name, value]) => [line(name, 40), line(value)]),
			result && ["Result", el("code", { title: result.result_hash }, result.result_hash.slice(0, 16))]]),
		details.detail ? el("p", { class: "trouble" }, line(details.detail, 400)) : null);
		if (details.run_us !== undefined) clear(time, phases(details));
		else clear(time, el("p", { class: "fine" }, over ? "It never ran." : "Told when it has ended."));
		clear(walls, details.layers ? layers(details.layers) : el("p", { class: "fine" }, over ? "It never ran." : "Proven when it has ended."));
		if (over) {
			clear(calls, refused(details.refused, details.refused_calls));
			clear(left, artifacts(id, details.artifacts));
			if (details.usage_series) usage(load, details.usage_series);
			if (load.childNodes.length < 2) clear(load, el("p", { class: "fine" }, details.usage_series ? "It ended before it could be sampled twice." : "It was not sampled."));
		} else clear(calls, el("p", { class: "fine" }, "Counted when it has ended."));
	}

	/* What it did that ordinary jobs do not. */
	async function suspect() {
		const { signals, score } = await get(`/v1/jobs/${id}/signals`, signal);
		if (signals.length) clear(odd, el("h3", {}, `Looks like a break-out: score ${score} of 100`), evidence(signals));
	}

	async function follow() {
		draw(await get(`/v1/jobs/${id}`, signal));
		for await (const event of events(`/v1/jobs/${id}/events`, signal)) {
			text.take(event);
			if (event.event === "usage") {
				if (event.data.t_ms <= samples.at(-1)?.t_ms) samples.length = 0;        // it began anew
				samples.push(event.data);
				if (samples.length > SAMPLES) samples.splice(1, 1);
				usage(load, samples);
			} else if (event.event === "state" || event.event === "end") draw(await get(`/v1/jobs/${id}`, signal));
			else if (event.event === "signal" || event.event === "alert") suspect().catch(fail);
			if (event.event === "end") suspect().catch(fail);
			if (event.event === "end" && text.isEmpty()) text.note("It wrote nothing.");
		}
	}
	follow().catch(fail);
}
