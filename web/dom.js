// Makes elements. What comes from outside becomes text and nothing else: there is no way here to make markup of it.

/** el("a", { class: "x", href: "#/", on: { click: f } }, "text", child, null) */
export function el(tag, attributes = {}, ...children) {
	const node = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes)) {
		if (name === "on")
			for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
		else if (name === "value" || name === "checked" || name === "disabled" || name === "hidden") node[name] = value;
		else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
	}
	node.append(...children.flat().filter((child) => child !== null && child !== undefined));
	return node;
}

const SVG = "http://www.w3.org/2000/svg";
export function svg(tag, attributes = {}, ...children) {
	const node = document.createElementNS(SVG, tag);
	for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
	node.append(...children);
	return node;
}

export const clear = (node, ...children) => (node.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined)), node);

/** Changes a text only when it differs, so that nothing is laid out or read aloud again for nothing. */
export function put(node, text) {
	if (node.textContent !== text) node.textContent = text;
	return node;
}

/** One sentence for everybody, screen readers too; it goes by itself. */
let saying;
export function say(text) {
	const place = document.getElementById("said");
	put(place, text);
	clearTimeout(saying);
	saying = setTimeout(() => put(place, ""), 6000);
}

export async function copy(text) {
	try {
		await navigator.clipboard.writeText(text);
		say("Copied");
	} catch {
		say("The browser does not let this page copy: select the text instead");
	}
}

/** A table whose rows are kept by key: what stays is changed in place, so focus, selection and memory stay too. */
export function table(caption, columns, keyOf, rowOf) {
	const body = el("tbody");
	const head = el("tr", {}, columns.map((column) => el("th", { scope: "col", class: column.class }, column.title)));
	const node = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
		el("table", {}, el("caption", { class: "unseen" }, caption), el("thead", {}, head), body));
	const rows = new Map();
	const empty = el("tr", { class: "empty" }, el("td", { colspan: String(columns.length) }, "…"));
	body.append(empty);
	function show(items, none = "Nothing here yet.") {
		const wanted = new Set(items.map(keyOf));
		for (const [key, row] of rows)
			if (!wanted.has(key)) {
				row.node.remove();
				rows.delete(key);
			}
		let after = null;
		for (const item of items) {
			const key = keyOf(item);
			let row = rows.get(key);
			if (!row) {
				row = rowOf(item);
				rows.set(key, row);
			}
			row.update?.(item);
			const next = after ? after.nextSibling : body.firstChild;
			if (row.node !== next) body.insertBefore(row.node, next);
			after = row.node;
		}
		put(empty.firstChild, none);
		if (!items.length) body.append(empty);
		else empty.remove();
	}
	return { node, show };
}
