// What a job writes, as it comes. Only its end is kept in the page: who wants all of it takes the file.
import { el, put } from "./dom.js";
import { visible, bytes } from "./format.js";

const KEPT = 200000;        // characters in the page
const PIECE = 8192;         // characters of one element

function decode(data, decoder) {
	if (data.encoding !== "base64") return data.data;
	return decoder.decode(Uint8Array.from(atob(data.data), (c) => c.charCodeAt(0)), { stream: true });
}

/** Shows events `stdout`, `stderr` and `gap`. */
export function output(label, size = "") {
	const box = el("pre", { class: `output ${size}`, tabindex: "0", role: "log", "aria-label": label });
	const above = el("p", { class: "fine above", hidden: true });
	const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
	let total = 0, dropped = 0, waiting = [];
	function append(kind, text) {
		let last = box.lastChild;
		for (let at = 0; at < text.length; at += PIECE) {
			const piece = text.slice(at, at + PIECE);
			if (last?.className === kind && last.textContent.length + piece.length <= PIECE) last.firstChild.appendData(piece);
			else box.append((last = el("span", { class: kind }, piece)));
			total += piece.length;
		}
	}
	function draw() {
		const atEnd = box.scrollTop + box.clientHeight >= box.scrollHeight - 4;
		for (const [kind, text] of waiting) append(kind, text);
		waiting = [];
		while (total > KEPT && box.childNodes.length > 1) {
			const length = box.firstChild.textContent.length;
			total -= length;
			dropped += length;
			box.firstChild.remove();
		}
		above.hidden = !dropped;
		if (dropped) put(above, `The first ${bytes(dropped)} are not shown here.`);
		if (atEnd) box.scrollTop = box.scrollHeight;
	}
	function add(kind, text) {
		if (!waiting.length) requestAnimationFrame(draw);
		waiting.push([kind, text]);
		// A page that nobody looks at is not drawn, and must not grow for that.
		if (waiting.length > 400) draw();
	}
	return {
		node: el("div", { class: "output-frame" }, above, box),
		take(event) {
			if (event.event === "stdout" || event.event === "stderr") add(event.event, visible(decode(event.data, decoders[event.event])));
			else if (event.event === "gap") add("gap", `\n… ${bytes(event.data.to - event.data.from)} more of ${event.data.stream} were written and not kept …\n`);
		},
		note: (text) => add("gap", text),
		isEmpty: () => !total && !waiting.length,
	};
}
