import { el, clear, put } from "../dom.js";
import { login } from "../api.js";
import { line } from "../format.js";

export default function show(root, why, opened) {
	// Who keeps passwords for somebody wants a name beside them.
	const name = el("input", { type: "text", name: "username", autocomplete: "username", value: "ward", hidden: true, tabindex: "-1", "aria-hidden": "true" });
	const key = el("input", { id: "key", name: "key", type: "password", autocomplete: "current-password", spellcheck: "false", required: true, placeholder: "wk_…", "aria-describedby": "told" });
	const told = el("p", { id: "told", class: "told", role: "alert" }, why);
	const button = el("button", { type: "submit", class: "main" }, "Log in");
	const form = el("form", { class: "login", on: { submit: async (event) => {
		event.preventDefault();
		button.disabled = true;
		try {
			const session = await login(key.value.trim());
			key.value = "";
			opened(session);
		} catch (error) {
			put(told, line(error.status === 401 ? "That is no valid key of this service." : error.message));
			button.disabled = false;
			key.focus();
		}
	} } },
	el("h1", {}, "Log in"),
	el("p", {}, "With a key of a tenant, or of who runs the service. ", el("code", {}, "ward serve"), " printed the first ones when it was first started."),
	name, el("label", { for: "key" }, "Key"), key, button, told,
	el("p", { class: "fine" }, "The key is sent once and not kept. The session ends with the key, after two hours without use, and after a day."));
	clear(root, form);
	key.focus();
}
