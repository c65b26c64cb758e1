// The API keys: who may do what until when, a new one, and one that is of no use any more.

import { post, remove } from "../api.js";
import { h, own, say } from "../dom.js";
import * as format from "../format.js";
import { card, empty, plain } from "../parts.js";
import { T } from "../texts.js";

const SCOPES = ["read", "batch", "act", "admin", "metrics"];

export function keysCard({ keys, error }, context) {
  if (error) return card(T.settings.keys, { wide: 7 }, h("p", {}, T.settings.notAdmin));
  const head = [T.settings.keyName, T.settings.scopes, T.settings.used, T.settings.expires, ""];
  const list = keys.length ? plain(T.settings.keys, head, keys.map((one) => row(one, context))) : empty(...T.settings.noKeys);
  return card(T.settings.keys, { wide: 7 }, list, adding());
}

function row(one, context) {
  const scopes = one.scopes.map((name) => T.settings.scope[name]).join(", ");
  const cells = [own(one.name), scopes, one.last_used_at ? format.time(one.last_used_at) : T.settings.never, one.expires_at ? format.time(one.expires_at) : T.settings.never];
  return [...cells, one.name === context.who.name ? T.settings.yours : revoking(one.name)];
}

/** A button that asks once more before it revokes. */
function revoking(name) {
  const place = h("span", { role: "status" });
  const first = h("button.link", { type: "button", "aria-label": T.settings.revokeName(name) }, T.settings.revoke);
  const sure = h("button", { type: "button" }, T.settings.revokeSure(name));
  first.addEventListener("click", () => {
    place.replaceChildren(sure);
    sure.focus();
  });
  sure.addEventListener("click", async () => {
    sure.disabled = true;
    try {
      await remove(`/keys/${encodeURIComponent(name)}`);
      place.replaceChildren(T.settings.revoked);
      say(T.settings.revoked);
    } catch (error) {
      place.replaceChildren(h("span.wrong", { role: "alert" }, own(error.message, "span")));
    }
  });
  place.append(first);
  return place;
}

/** A form for a new key, which is shown once. */
function adding() {
  const name = h("input", { id: "key-name", required: true, maxlength: "63", pattern: "[a-z0-9][a-z0-9._\\-]*", autocomplete: "off", "aria-describedby": "key-name-hint" });
  const days = h("input", { id: "key-days", type: "number", min: "1", max: "3650" });
  const boxes = SCOPES.map((one) => h("label.radio", {}, h("input", { type: "checkbox", name: "scope", value: one, checked: one === "read" }), h("span", {}, T.settings.scope[one])));
  const made = h("div", { role: "status" });
  const submit = async (event) => {
    event.preventDefault();
    const scopes = new FormData(event.target).getAll("scope");
    try {
      const body = { name: name.value.trim(), scopes, days: days.value === "" ? null : Number(days.value) };
      const { key } = await post("/keys", body);
      made.replaceChildren(h("p", {}, T.settings.shownOnce), h("pre", { tabindex: "0" }, key), h("button", { type: "button", onclick: () => location.reload() }, T.settings.noted));
    } catch (error) {
      made.replaceChildren(h("p.wrong", { role: "alert" }, own(error.message, "span")));
    }
  };
  const fields = h("div.fields", {}, h("div.field", {}, h("label", { for: "key-name" }, T.settings.keyName), name), h("div.field", {}, h("label", { for: "key-days" }, T.settings.keyDays), days));
  return h("details.folded", {}, h("summary", {}, T.settings.addKey), h("form.settings", { onsubmit: submit }, fields, h("p.below", { id: "key-name-hint" }, T.settings.keyNameHint), h("fieldset.radios", {}, h("legend", {}, T.settings.scopes), boxes), h("button.primary", { type: "submit" }, T.settings.createKey)), made);
}
