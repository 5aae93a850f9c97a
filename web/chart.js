// Charts of the last minutes. Each holds as many points as it is given, and is drawn again when light becomes dark.
import uPlot from "uplot";
import { el, svg } from "./dom.js";

/** A colour of the style sheet as a canvas takes it: which of its two it is now, and perhaps thinner. */
function style(name, alpha = 1) {
	const probe = el("i", { hidden: true });
	probe.style.color = `var(${name})`;
	document.body.append(probe);
	const [r, g, b] = getComputedStyle(probe).color.match(/[\d.]+/g);
	probe.remove();
	return `rgba(${r}, ${g}, ${b}, ${alpha})`;
}

/** series: [{ label, color: "--name", text: (n) => "…" }]; data: [[seconds…], [values…], …], of the same length. */
export function chart(title, series, signal, say = null) {
	const whole = !say;     // a figure that is counted has no half
	say ??= (n) => String(Math.round(n));
	const place = el("div", { class: "chart-place", role: "img", "aria-label": title });
	const now = series.map((s) => el("span", { class: "now" }, "–"));
	const node = el("figure", { class: "chart" },
		el("figcaption", {}, el("span", { class: "title" }, title),
			series.map((s, i) => el("span", { class: `legend ${s.color.slice(2)}` }, el("i", { "aria-hidden": "true" }), s.label, " ", now[i]))), place);
	let plot = null;
	let data = [[], ...series.map(() => [])];
	function build() {
		plot?.destroy();
		const grid = { stroke: style("--line"), width: 1 };
		const axis = { stroke: style("--dim"), font: "11px system-ui, sans-serif", grid, ticks: { show: false } };
		plot = new uPlot({
			width: Math.max(place.clientWidth, 100), height: 132, legend: { show: false }, cursor: { show: false }, padding: [6, 16, 0, 0],
			scales: { x: { time: true }, y: { range: (u, low, high) => [0, Math.max(high * 1.1 || 0, 1)] } },
			axes: [{ ...axis, size: 22, space: 70 }, { ...axis, size: 52, space: 34, ...(whole ? { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 1e4, 1e5, 1e6] } : {}), values: (u, ticks) => ticks.map(say) }],
			series: [{}, ...series.map((s) => ({ stroke: style(s.color), width: 1.5, fill: s.fill ? style(s.color, 0.13) : undefined, points: { show: false }, spanGaps: true }))],
		}, data, place);
	}
	function set(next) {
		data = next;
		if (plot) plot.setData(data);
		else if (place.isConnected) build();
		series.forEach((s, i) => (now[i].textContent = typeof data[i + 1].at(-1) === "number" ? say(data[i + 1].at(-1)) : "–"));
		place.setAttribute("aria-label", `${title}: ${series.map((s, i) => `${s.label} ${now[i].textContent}`).join(", ")}`);
	}
	const watcher = new ResizeObserver(() => plot?.setSize({ width: Math.max(place.clientWidth, 100), height: 132 }));
	watcher.observe(place);
	addEventListener("ward-theme", () => plot && build(), { signal });
	matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plot && build(), { signal });
	signal.addEventListener("abort", () => {
		watcher.disconnect();
		plot?.destroy();
		plot = null;
	});
	return { node, set };
}

/** A small line without axes: points of [x, y]; its words are the label's. */
export function sparkline(label, points, color) {
	const width = 240, height = 40;
	const last = points.at(-1)?.[0] || 1;
	const most = Math.max(...points.map((p) => p[1]), 1e-9);
	const at = points.map(([x, y]) => `${((x / last) * width).toFixed(1)},${(height - 2 - (y / most) * (height - 6)).toFixed(1)}`);
	return svg("svg", { class: `spark ${color}`, viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": label },
		svg("polyline", { points: `0,${height} ${at.join(" ")} ${width},${height}`, class: "under" }), svg("polyline", { points: at.join(" "), class: "over" }));
}
