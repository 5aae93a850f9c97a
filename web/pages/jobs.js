// Jobs, newest first: of this tenant, or of all for who runs the service. The first page is live; older ones stand still.
import { el, table, put } from "../dom.js";
import { get } from "../api.js";
import { line, ago, micros, STATES, words, ENDED } from "../format.js";
import { badge, trouble } from "../parts.js";

const LIMIT = 50;
const LIVE_MS = 2000;

function took(job) {
	if (!job.started_at) return "–";
	if (job.ended_at) return micros((new Date(job.ended_at) - new Date(job.started_at)) * 1000);
	return `${Math.max(0, Math.round((Date.now() - new Date(job.started_at)) / 1000))} s …`;
}

/** ofAll: whose it is stands beside it, and what it wrote is its tenant's business alone. */
export function rowOf(job, ofAll = false) {
	const called = line(job.name, 64) || job.id.slice(0, 12);
	const name = ofAll ? el("span", { class: "name" }, called) : el("a", { href: `#/jobs/${job.id}`, class: "name" }, called);
	const state = el("td"), when = el("td", { class: "dim" }), time = el("td", { class: "number" });
	const labels = Object.entries(job.labels ?? {}).slice(0, 4).map(([key, value]) => el("span", { class: "label" }, `${line(key, 24)}=${line(value, 24)}`));
	let version = -1;
	const node = el("tr", {}, state, ofAll ? el("td", {}, line(job.tenant, 40)) : null, el("td", {}, name, " ", labels), el("td", {}, line(job.runtime)), el("td", {}, line(job.boundary)), time, when);
	return { node, update(now) {
		if (now.version !== version) state.replaceChildren(badge(now.state, ENDED.has(now.state) ? now.reason : ""));
		version = now.version;
		put(time, took(now));
		put(when, ago(now.created_at));
	} };
}

export const COLUMNS = [{ title: "State", class: "state" }, { title: "Job" }, { title: "Runtime" }, { title: "Boundary" }, { title: "Time", class: "number" }, { title: "Created" }];

const [FIRST, ...REST] = COLUMNS;
const ALL_COLUMNS = [FIRST, { title: "Tenant" }, ...REST];

function filters(query, ofAll, changed) {
	const option = (value, text, chosen) => el("option", { value, selected: value === chosen }, text);
	const state = el("select", { name: "state" }, option("", "any state", ""), STATES.map((s) => option(s, words(s), query.get("state"))));
	const runtime = el("input", { name: "runtime", value: query.get("runtime") ?? "", placeholder: "any", size: "10", spellcheck: "false" });
	const label = el("input", { name: "label", value: query.get("label") ?? "", placeholder: "name=value", size: "16", spellcheck: "false" });
	const tenant = el("input", { name: "tenant", value: query.get("tenant") ?? "", placeholder: "all", size: "10", spellcheck: "false" });
	const form = el("form", { class: "filters", role: "search", on: { submit: (event) => event.preventDefault(), change() {
		const wanted = new URLSearchParams();
		if (state.value) wanted.set("state", state.value);
		if (runtime.value.trim()) wanted.set("runtime", runtime.value.trim());
		if (label.value.includes("=")) wanted.set("label", label.value.trim());
		if (tenant.value.trim()) wanted.set("tenant", tenant.value.trim());
		changed(wanted);
	} } },
	ofAll ? el("label", {}, "Tenant ", tenant) : null,
	el("label", {}, "State ", state), el("label", {}, "Runtime ", runtime), el("label", {}, "Label ", label));
	return form;
}

function address(query, cursor) {
	const asked = new URLSearchParams({ limit: String(LIMIT) });
	for (const name of ["state", "runtime", "tenant"]) if (query.get(name)) asked.set(name, query.get(name));
	const label = query.get("label");
	if (label?.includes("=")) asked.set(`label.${label.slice(0, label.indexOf("="))}`, label.slice(label.indexOf("=") + 1));
	if (cursor) asked.set("cursor", cursor);
	return `/v1/jobs?${asked}`;
}

export default function show(root, { every, signal, parameters, can }) {
	const ofAll = can("admin:operator");
	let query = parameters.query, cursors = [], next = null;
	const wrong = el("div");
	const list = table("Jobs, newest first", ofAll ? ALL_COLUMNS : COLUMNS, (job) => job.id, (job) => rowOf(job, ofAll));
	const newer = el("button", { type: "button", disabled: true, on: { click: () => (cursors.pop(), load()) } }, "Newer");
	const older = el("button", { type: "button", disabled: true, on: { click: () => (cursors.push(next), load()) } }, "Older");
	const live = el("span", { class: "live" }, "live");
	async function load() {
		const asked = address(query, cursors.at(-1));
		try {
			const page = await get(asked, signal);
			if (asked !== address(query, cursors.at(-1))) return;
			next = page.next ?? null;
			list.show(page.jobs, "No job fits.");
			wrong.replaceChildren();
		} catch (error) {
			if (signal.aborted || error.status === 401) return;
			wrong.replaceChildren(trouble(error));
		}
		older.disabled = !next;
		newer.disabled = !cursors.length;
		live.hidden = Boolean(cursors.length);
	}
	root.append(el("div", { class: "head" }, el("h1", {}, "Jobs"), live, filters(query, ofAll, (wanted) => {
		query = wanted;
		cursors = [];
		history.replaceState(null, "", `#/jobs${[...wanted].length ? "?" + wanted : ""}`);
		load();
	})), wrong, list.node, el("div", { class: "pager" }, newer, older));
	every(LIVE_MS, () => (cursors.length ? null : load()));
}
