// Tenants, for who runs the service; keys and use, for a tenant's admin.
import { el, clear, copy, put, say, table } from "../dom.js";
import { call, get } from "../api.js";
import { line, day, count, micros, bytes } from "../format.js";
import { facts, panel, trouble, badge } from "../parts.js";

const SCOPES = ["jobs:read", "jobs:write", "admin:tenant"];
const OPERATOR_SCOPES = ["admin:operator", "metrics"];

function keyRow(remove) {
	return (key) => {
		const state = el("td"), action = el("td", { class: "number" });
		const node = el("tr", {}, el("td", {}, el("code", {}, line(key.public))), el("td", {}, line(key.name, 64)), el("td", { class: "wrap" }, el("div", { class: "chips" }, key.scopes.map((scope) => el("span", { class: "chip" }, line(scope))))),
			el("td", {}, day(key.created_at)), el("td", {}, key.expires_at ? day(key.expires_at) : "never"), state, action);
		return { node, update(now) {
			clear(state, badge(now.revoked ? "no" : "yes"));
			put(state.firstChild, now.revoked ? "revoked" : "valid");
			clear(action, now.revoked ? null : el("button", { type: "button", class: "danger", "aria-label": `Revoke key ${key.public}`, on: { click: () => remove(key) } }, "Revoke"));
		} };
	};
}

function keys(tenant, { signal, session, can }) {
	const wrong = el("div"), made = el("div");
	const at = `?tenant=${encodeURIComponent(tenant)}`;
	const fail = (error) => signal.aborted || error.status === 401 || clear(wrong, trouble(error));
	const list = table(`Keys of ${tenant}`, ["Key", "Name", "Scopes", "Created", "Expires", "State", ""].map((title) => ({ title })), (key) => key.public, keyRow(async (key) => {
		const own = key.public === session.key ? " It is the one you are logged in with: your session ends." : "";
		if (!confirm(`Revoke key ${key.public}? Whoever uses it is refused from then on.${own}`)) return;
		await call("DELETE", `/v1/keys/${key.public}${at}`).then(load, fail);
	}));
	const load = () => get(`/v1/keys${at}`, signal).then(({ keys: all }) => list.show(all.toSorted((a, b) => a.revoked - b.revoked || (a.created_at < b.created_at ? 1 : -1))), fail);
	const name = el("input", { name: "name", required: true, pattern: "[A-Za-z0-9._\\-]{1,64}", title: "letters, digits, '.', '_' and '-'", size: "14" });
	const scopes = el("fieldset", { class: "choices" }, el("legend", {}, "Scopes"), [...SCOPES, ...(can("admin:operator") ? OPERATOR_SCOPES : [])].map((scope) =>
		el("label", {}, el("input", { type: "checkbox", value: scope, checked: scope.startsWith("jobs:") }), " ", scope)));
	const form = el("form", { class: "row", on: { submit: async (event) => {
		event.preventDefault();
		clear(wrong);
		try {
			const key = await call("POST", `/v1/keys${at}`, { body: { name: name.value, scopes: [...scopes.querySelectorAll("input:checked")].map((input) => input.value) } });
			clear(made, el("p", { class: "made" }, "The new key, shown this once: ", el("code", {}, key.key), " ", el("button", { type: "button", on: { click: () => copy(key.key) } }, "Copy")));
			say("A key was made");
			name.value = "";
			load();
		} catch (error) {
			fail(error);
		}
	} } }, el("label", { class: "field" }, "Name", name), scopes, el("button", { type: "submit" }, "Make a key"));
	load();
	return panel(`Keys of ${line(tenant)}`, form, made, wrong, list.node);
}

function use(tenant, { signal, every }) {
	const place = el("div", { class: "use" });
	every(5000, async () => {
		const at = `?tenant=${encodeURIComponent(tenant)}`;
		const [used, may] = await Promise.all([get(`/v1/usage${at}`, signal), get(`/v1/quotas${at}`, signal)]);
		const of = (n, most) => `${n}${most ? ` of ${most}` : ""}`;
		clear(place, facts([["Running", of(count(used.running), may.max_running && count(may.max_running))], ["Queued", of(count(used.queued), may.max_queued && count(may.max_queued))],
			["Accepted", count(used.created)], ["Succeeded", count(used.ended.succeeded)], ["Failed", count(used.ended.failed)], ["Timed out", count(used.ended.timed_out)],
			["Processor today", of(micros(used.cpu_us_today), may.cpu_ms_per_day && micros(may.cpu_ms_per_day * 1000))], ["Blobs", of(bytes(used.blob_bytes), may.blob_bytes && bytes(may.blob_bytes))],
			["Its code is", may.threat], ["Weakest boundary", may.boundary_min || "what holds that"], ["Weight", count(may.weight)]]));
	});
	return panel(`Use and quotas of ${line(tenant)}`, place);
}

function tenants(choose, { signal, every }) {
	const wrong = el("div");
	const fail = (error) => signal.aborted || error.status === 401 || clear(wrong, trouble(error));
	const change = (name, body) => call("PATCH", `/v1/tenants/${encodeURIComponent(name)}`, { body }).then(load, fail);
	const list = table("Tenants", ["Tenant", "Its code is", "Weight", "May run", "State", ""].map((title) => ({ title })), (tenant) => tenant.name, (tenant) => {
		const threat = el("td"), weight = el("td"), most = el("td"), state = el("td"), action = el("td", { class: "number" });
		let before = "";
		const node = el("tr", {}, el("td", {}, el("button", { type: "button", class: "quiet link", on: { click: () => choose(tenant.name) } }, line(tenant.name, 64))), threat, weight, most, state, action);
		return { node, update(now) {
			put(threat, now.threat);
			put(weight, count(now.weight));
			put(most, now.max_running ? count(now.max_running) : "any number");
			if (before === String(now.suspended)) return;
			before = String(now.suspended);
			clear(state, badge(now.suspended ? "no" : "yes"));
			put(state.firstChild, now.suspended ? "suspended" : "active");
			clear(action, el("button", { type: "button", class: now.suspended ? null : "danger", "aria-label": `${now.suspended ? "Resume" : "Suspend"} ${now.name}`, on: { click: () => change(now.name, { suspended: !now.suspended }) } }, now.suspended ? "Resume" : "Suspend"));
		} };
	});
	const load = () => get("/v1/tenants?limit=200", signal).then((page) => list.show(page.tenants), fail);
	const name = el("input", { name: "tenant", required: true, pattern: "[A-Za-z0-9._\\-]{1,64}", title: "letters, digits, '.', '_' and '-'", size: "14" });
	const threat = el("select", {}, [["hostile", "a stranger's"], ["known", "a known person's"], ["own", "one's own"]].map(([value, text]) => el("option", { value }, text)));
	const form = el("form", { class: "row", on: { submit: (event) => {
		event.preventDefault();
		clear(wrong);
		call("POST", "/v1/tenants", { body: { name: name.value, threat: threat.value } }).then(() => ((name.value = ""), load()), fail);
	} } }, el("label", { class: "field" }, "Name", name), el("label", { class: "field" }, "Its code is", threat), el("button", { type: "submit" }, "Make a tenant"));
	every(5000, load);
	return panel("Tenants", form, wrong, list.node);
}

export default function show(root, now) {
	const { session, can } = now;
	const place = el("div", { class: "stack" });
	const choose = (name) => clear(place, use(name, now), can("admin:tenant") || can("admin:operator") ? keys(name, now) : null);
	root.append(el("div", { class: "head" }, el("h1", {}, can("admin:operator") ? "Tenants and keys" : "Use and keys")));
	if (can("admin:operator")) root.append(tenants(choose, now));
	root.append(place);
	choose(session.tenant);
}
