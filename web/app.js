// The frame around the pages: who is logged in, which page is shown, light or dark.
import { el, clear, put, say } from "./dom.js";
import { get, logout, hasSession } from "./api.js";
import { line } from "./format.js";
import login from "./pages/login.js";
import overview from "./pages/overview.js";
import jobs from "./pages/jobs.js";
import job from "./pages/job.js";
import playground from "./pages/playground.js";
import tenants from "./pages/tenants.js";
import security from "./pages/security.js";
import host from "./pages/host.js";

// scope: one of these is needed, else the page is not offered.
const PAGES = [
	{ path: "", title: "Overview", show: overview },
	{ path: "jobs", title: "Jobs", show: jobs, scope: ["jobs:read", "admin:operator"] },
	{ path: "jobs/", title: "Job", show: job, scope: ["jobs:read"], within: "jobs" },
	{ path: "playground", title: "Playground", show: playground, scope: ["jobs:write"] },
	{ path: "security", title: "Security", show: security },
	{ path: "tenants", title: "Tenants and keys", show: tenants, scope: ["admin:tenant", "admin:operator"] },
	{ path: "host", title: "Boundaries", show: host },
];

const main = document.getElementById("main");
let session = null;
let leave = null;

function has(scopes) {
	return !scopes || scopes.some((scope) => session.scopes.includes(scope));
}

/* -- light and dark: what the system says, until somebody chooses -- */

const THEMES = ["auto", "light", "dark"];
function setTheme(theme) {
	if (theme === "auto") delete document.documentElement.dataset.theme;
	else document.documentElement.dataset.theme = theme;
	localStorage.setItem("ward.theme", theme);
	dispatchEvent(new Event("ward-theme"));
}

function themeButton() {
	const theme = () => localStorage.getItem("ward.theme") ?? "auto";
	const button = el("button", { type: "button", class: "quiet", title: "Light, dark, or as the system says", on: { click() {
		setTheme(THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]);
		put(button, `Theme: ${theme()}`);
	} } }, `Theme: ${theme()}`);
	return button;
}

/* -- the page that is shown -- */

/** What a page gets: a signal that ends with it, and a clock that stands still while nobody looks. */
function context(parameters) {
	const controller = new AbortController();
	const { signal } = controller;
	function every(ms, task) {
		let busy = false;
		const turn = async () => {
			if (busy || document.hidden || signal.aborted) return;
			busy = true;
			try {
				await task();
			} catch (error) {
				if (!signal.aborted && error.status !== 401) say(line(error.message));
			}
			busy = false;
		};
		const timer = setInterval(turn, ms);
		document.addEventListener("visibilitychange", turn, { signal });
		signal.addEventListener("abort", () => clearInterval(timer));
		return turn();
	}
	return { controller, signal, every, session, parameters, can: (scope) => session.scopes.includes(scope) };
}

function find() {
	const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
	const at = path.indexOf("/");
	const page = PAGES.find((p) => p.path === (at < 0 ? path : path.slice(0, at + 1)) && has(p.scope)) ?? PAGES[0];
	return { page, parameters: { id: at < 0 ? "" : path.slice(at + 1), query: new URLSearchParams(query) } };
}

function show() {
	const { page, parameters } = find();
	const from = leave;
	const now = context(parameters);
	from?.abort();
	leave = now.controller;
	for (const link of document.querySelectorAll("#nav a")) {
		if (link.dataset.path === (page.within ?? page.path)) link.setAttribute("aria-current", "page");
		else link.removeAttribute("aria-current");
	}
	document.title = `${page.title} · ward`;
	scrollTo(0, 0);
	const root = el("div", { class: "page" });
	clear(main, root);
	page.show(root, now);
	// Who goes from page to page by keyboard goes on from the top of the new one.
	if (from) main.focus({ preventScroll: true });
}

function frame() {
	const nav = document.getElementById("nav");
	clear(nav, PAGES.filter((page) => !page.within && has(page.scope)).map((page) => el("a", { href: `#/${page.path}`, "data-path": page.path }, page.title)));
	clear(document.getElementById("who"), el("span", { class: "tenant", title: `key ${line(session.key)}` }, line(session.tenant)), themeButton(),
		el("button", { type: "button", class: "quiet", on: { click: async () => {
			await logout().catch(() => {});
			ended("You are logged out.");
		} } }, "Log out"));
}

function ended(why) {
	leave?.abort();
	leave = null;
	session = null;
	clear(document.getElementById("nav"));
	clear(document.getElementById("who"), themeButton());
	document.title = "Log in · ward";
	login(main, why, (opened) => {
		session = opened;
		frame();
		show();
	});
}

async function start() {
	setTheme(localStorage.getItem("ward.theme") ?? "auto");
	addEventListener("hashchange", () => session && show());
	addEventListener("ward-ended", (event) => session && ended(event.detail));
	document.querySelector(".skip").addEventListener("click", (event) => {
		event.preventDefault();
		main.focus();
	});
	if (!hasSession()) return ended("");
	try {
		session = await get("/v1/session");
	} catch (error) {
		return ended(error.status === 401 ? "" : line(error.message));
	}
	frame();
	show();
}

start();
