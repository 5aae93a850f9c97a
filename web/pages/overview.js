import { el } from "../dom.js";
import { get } from "../api.js";
import { count, micros } from "../format.js";
import { tile, panel } from "../parts.js";

export default function show(root, { every, signal, can }) {
	const tiles = { running: tile("Running"), queued: tile("Queued"), created: tile("Accepted"), succeeded: tile("Succeeded"), failed: tile("Failed"), cpu: tile("Processor time today") };
	root.append(el("div", { class: "head" }, el("h1", {}, "Overview")), el("div", { class: "tiles" }, Object.values(tiles).map((t) => t.node)));
	every(2000, async () => {
		const usage = await get("/v1/usage", signal);
		tiles.running.set(count(usage.running));
		tiles.queued.set(count(usage.queued));
		tiles.created.set(count(usage.created));
		tiles.succeeded.set(count(usage.ended.succeeded));
		tiles.failed.set(count(usage.ended.failed + usage.ended.timed_out));
		tiles.cpu.set(micros(usage.cpu_us_today));
	});
}
