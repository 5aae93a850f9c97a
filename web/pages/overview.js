// What the service does now, and did in the last ten minutes: of everybody for who runs it, else of this tenant.
import { el, table } from "../dom.js";
import { get, pushed } from "../api.js";
import { count, micros } from "../format.js";
import { tile, trouble } from "../parts.js";
import { chart } from "../chart.js";
import { rowOf, COLUMNS } from "./jobs.js";

const POINTS = 300;
const RECENT = 8;
const COLUMN_NAMES = ["running", "queued", "ended", "failed", "start_p50_us", "start_p99_us", "denials"];

const pause = (ms, signal) => new Promise((done) => {
	const timer = setTimeout(done, ms);
	signal.addEventListener("abort", () => (clearTimeout(timer), done()), { once: true });
});

const rate = (n) => (n < 10 ? n.toFixed(1) : String(Math.round(n)));
const age = (s) => (s > 0 ? micros(s * 1e6) : "–");

/** Boxes are the host's, not a tenant's: who may not ask for them has no place for them either, so that nothing moves when figures come. */
function tiles(ofAll) {
	const all = { running: tile("Running"), queued: tile("Queued"), oldest: tile("Longest wait", "of the job that waits longest"), rate: tile("Jobs per second", "that ended, over the last ten seconds"),
		p50: tile("Start, median", "from the lease to the first instruction, over the last minutes"), p99: tile("Start, slowest 1 %", "99th percentile, over the last minutes"),
		warm: tile("Warm starts", "starts in a box that was ready before"), denials: tile("Refused calls", "since the service began"), alerts: tile("Open alerts", "that nobody has acknowledged"), ...(ofAll && { boxes: tile("Boxes", "alive; parked ones wait for a job") }) };
	function set(now) {
		const starts = now.starts_warm + now.starts_cold;
		all.running.set(count(now.running));
		all.queued.set(count(now.queued));
		all.oldest.set(age(now.oldest_s), now.oldest_s > 60 ? "warn" : "");
		all.rate.set(rate(now.jobs_per_s));
		all.p50.set(now.start_p50_us ? micros(now.start_p50_us) : "–");
		all.p99.set(now.start_p99_us ? micros(now.start_p99_us) : "–");
		all.warm.set(starts ? `${Math.floor((100 * now.starts_warm) / starts)} %` : "–");
		all.denials.set(count(now.denials));
		all.alerts.set(count(now.alerts_open), now.alerts_open ? "warn" : "");
		if (now.boxes) all.boxes?.set(`${count(now.boxes.live)}`, now.boxes.breakers_open ? "bad" : "");
	}
	return { node: el("div", { class: "tiles" }, Object.values(all).map((one) => one.node)), set };
}

function charts(signal, step) {
	const each = (n) => n / step.s;
	const perSecond = (n) => rate(n);
	const work = chart("Jobs", [{ label: "running", color: "--run", fill: true }, { label: "queued", color: "--warn" }], signal);
	const ends = chart("Ended each second", [{ label: "all", color: "--accent", fill: true }, { label: "failed", color: "--bad" }], signal, perSecond);
	const starts = chart("Time to start", [{ label: "median", color: "--accent" }, { label: "slowest 1 %", color: "--warn" }], signal, (us) => micros(us));
	const refused = chart("Refused calls each second", [{ label: "calls", color: "--bad", fill: true }], signal, perSecond);
	function set(h) {
		const x = h.t_ms.map((ms) => ms / 1000);
		work.set([x, h.running, h.queued]);
		ends.set([x, h.ended.map(each), h.failed.map(each)]);
		starts.set([x, h.start_p50_us, h.start_p99_us].map((column, i) => (i ? column.map((us) => us || null) : column)));
		refused.set([x, h.denials.map(each)]);
	}
	return { node: el("div", { class: "columns wide" }, work.node, ends.node, starts.node, refused.node), set };
}

export default function show(root, { every, signal, can }) {
	const wrong = el("div"), step = { s: 2 };
	const figures = tiles(can("admin:operator")), plots = charts(signal, step);
	const scope = el("span", { class: "live" }, "live");
	root.append(el("div", { class: "head" }, el("h1", {}, "Overview"), scope), wrong, figures.node, plots.node);

	async function follow() {
		const { history, now, scope: whose } = await get("/v1/overview", signal);
		step.s = history.step_s;
		scope.textContent = whose === "all" ? "live, all tenants" : "live";
		figures.set(now);
		plots.set(history);
		for await (const { data } of pushed("/v1/overview/events", signal)) {
			wrong.replaceChildren();
			figures.set(data.now);
			if (!data.point || data.point.t_ms <= (history.t_ms.at(-1) ?? 0)) continue;
			for (const name of ["t_ms", ...COLUMN_NAMES]) {
				history[name].push(data.point[name]);
				if (history[name].length > POINTS) history[name].shift();
			}
			if (!document.hidden) plots.set(history);
		}
	}
	// A stream that ends says nothing: the service may be starting again.
	(async () => {
		while (!signal.aborted) {
			try {
				await follow();
			} catch (error) {
				if (signal.aborted || error.status === 401) return;
				wrong.replaceChildren(trouble(error));
			}
			await pause(2000, signal);
		}
	})();

	if (!can("jobs:read")) return;
	const recent = table("The newest jobs", COLUMNS, (job) => job.id, rowOf);
	root.append(el("div", { class: "head" }, el("h2", { class: "plainly" }, "The newest jobs"), el("a", { href: "#/jobs" }, "All jobs")), recent.node);
	every(2000, async () => recent.show((await get(`/v1/jobs?limit=${RECENT}`, signal)).jobs, "No job was ever sent."));
}
