// What looked like a break-out: alerts as they come, what was refused most, and whose jobs it was.
import { el, clear, put, table } from "../dom.js";
import { call, get, pushed } from "../api.js";
import { line, ago, count, day } from "../format.js";
import { badge, panel, tile, trouble } from "../parts.js";

const LIMIT = 50;
const LEVELS = ["critical", "high", "low"];

/** One kind of evidence: what it was, how often, and the calls and numbers that show it. */
export function evidence(list) {
	return el("ul", { class: "calls" }, (list ?? []).slice(0, 20).map((signal) => el("li", {}, el("code", {}, line(signal.kind, 60)),
		el("span", { class: "dim" }, (signal.evidence ?? []).slice(0, 8).map((one) => Object.entries(one).slice(0, 8).map(([name, value]) =>
			`${line(name, 30)} ${line(typeof value === "object" ? JSON.stringify(value) : String(value), 60)}`).join(", ")).join("; ")),
		el("span", { class: "times" }, `weight ${count(signal.weight)}, × ${count(signal.count)}`))));
}

function alertRow(ack, mayAck) {
	return (alert) => {
		const when = el("td", { class: "dim", title: day(alert.at) }), state = el("td", { class: "number" });
		const node = el("tr", {}, el("td", {}, badge(alert.level)), el("td", { class: "wrap" }, el("div", { class: "name" }, line(alert.title, 200)), el("details", {}, el("summary", {}, `score ${alert.score}: ${alert.evidence.map((one) => line(one.kind, 40)).slice(0, 6).join(", ")}`), evidence(alert.evidence))),
			el("td", {}, line(alert.tenant, 64)), el("td", {}, el("a", { href: `#/jobs/${alert.job}` }, alert.job.slice(0, 12))), el("td", {}, line(alert.action)), when, state);
		let before = "";
		return { node, update(now) {
			put(when, ago(now.at));
			if (before === now.state) return;
			before = now.state;
			clear(state, now.state === "open" && mayAck ? el("button", { type: "button", "aria-label": `Acknowledge alert ${now.id}`, on: { click: () => ack(now) } }, "Acknowledge")
				: el("span", { class: "dim" }, now.state === "open" ? "open" : `by ${line(now.acknowledged_by)}`));
		} };
	};
}

function ranking(caption, titles, rows, none) {
	if (!rows.length) return el("p", { class: "fine" }, none);
	return el("div", { class: "scroll" }, el("table", {}, el("caption", { class: "unseen" }, caption), el("thead", {}, el("tr", {}, titles.map((title, i) => el("th", { scope: "col", class: i ? "number" : null }, title)))),
		el("tbody", {}, rows.slice(0, 15).map((row) => el("tr", {}, row.map((cell, i) => el("td", { class: i ? "number" : "name" }, cell)))))));
}

export default function show(root, { every, signal, can }) {
	const wrong = el("div"), tops = el("div", { class: "columns" });
	const tiles = LEVELS.map((level) => tile(`Open, ${level}`));
	const fail = (error) => signal.aborted || error.status === 401 || clear(wrong, trouble(error));
	const only = el("select", { name: "state", on: { change: () => load() } }, el("option", { value: "" }, "all"), el("option", { value: "open" }, "open"), el("option", { value: "acknowledged" }, "acknowledged"));
	const list = table("Alerts, newest first", ["Level", "What", "Tenant", "Job", "Action", "When", ""].map((title) => ({ title })), (alert) => alert.id,
		alertRow((alert) => call("POST", `/v1/alerts/${alert.id}/ack`).then(() => Promise.all([load(), sum()]), fail), can("admin:tenant") || can("admin:operator")));
	const older = el("button", { type: "button", hidden: true, on: { click: () => load(next) } }, "Older");
	let shown = [], next = null, isOlder = false;

	async function load(cursor) {
		try {
			const page = await get(`/v1/alerts?limit=${LIMIT}${only.value ? `&state=${only.value}` : ""}${cursor ? `&cursor=${cursor}` : ""}`, signal);
			isOlder = Boolean(cursor);
			shown = page.alerts;
			next = page.next ?? null;
			older.hidden = !next;
			list.show(shown, "No alert.");
		} catch (error) {
			fail(error);
		}
	}

	async function sum() {
		const day_ = await get("/v1/security", signal);
		LEVELS.forEach((level, i) => tiles[i].set(count(day_.open[level]), day_.open[level] ? (level === "low" ? "" : level === "high" ? "warn" : "bad") : ""));
		clear(tops, panel("Refused calls", ranking("Refused calls", ["Call", "Times"], day_.calls.map((one) => [line(one.call ?? `number ${one.nr}`, 60), count(one.count)]), "No call was refused.")),
			panel("Kinds of evidence", ranking("Kinds of evidence", ["Kind", "Jobs", "Times"], day_.kinds.map((one) => [line(one.kind, 60), count(one.jobs), count(one.count)]), "Nothing looked like a break-out.")),
			panel("Tenants by score", ranking("Tenants by score", ["Tenant", "Score", "Signals"], day_.tenants.map((one) => [line(one.tenant, 64), count(one.score), count(one.signals)]), "No tenant stands out.")));
	}

	async function follow() {
		for await (const event of pushed("/v1/alerts/events", signal)) {
			if (event.event !== "alert" || isOlder) continue;
			if (only.value === "acknowledged" || shown.some((one) => one.id === event.data.id)) continue;
			shown = [event.data, ...shown].slice(0, LIMIT);
			list.show(shown);
			sum().catch(fail);
		}
	}

	root.append(el("div", { class: "head" }, el("h1", {}, "Security"), el("span", { class: "live" }, "live"), el("form", { class: "filters", on: { submit: (event) => event.preventDefault() } }, el("label", {}, "Show ", only))),
		wrong, el("div", { class: "tiles" }, tiles.map((one) => one.node)), list.node, el("div", { class: "pager" }, older), el("h2", {}, "The last day"), tops);
	every(10000, sum);
	load();
	(async () => {
		while (!signal.aborted) {
			await follow().catch(fail);
			await new Promise((done) => setTimeout(done, 2000));
			if (!signal.aborted && !isOlder) await load();
		}
	})();
}
