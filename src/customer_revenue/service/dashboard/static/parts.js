// Components that the views share.

import { h, own, say } from "./dom.js";
import * as format from "./format.js";
import { term } from "./hints.js";
import { link } from "./place.js";
import { T } from "./texts.js";

const ENDS = 8;

export function card(title, { wide, note, action, id } = {}, ...content) {
  return h(
    `section.card${wide ? `.wide-${wide}` : ""}`,
    { id },
    h("header", {}, h("h2", {}, title), action),
    note && h("p.note", {}, note),
    content,
  );
}

export function badge(name, kind = "segment", text = format.words(name)) {
  return h("span.badge", { "data-kind": kind, "data-name": name }, text);
}

/** An id that may be long: where there is no room, its middle goes, since ids often differ at their end only. */
export function shortId(id, selector) {
  if (id.length <= ENDS) return own(id, selector);
  const [kind, ...classes] = selector.split(".");
  return h([kind, ...classes, "cut"].join("."), { dir: "ltr", title: id }, h("span.begin", {}, id.slice(0, -ENDS)), h("span.end", {}, id.slice(-ENDS)));
}

/** A customer's name or id, as a link to the customer's view. */
export function customerLink(row) {
  const name = row.customer_name?.trim();
  const inner = name ? [own(name, "bdi.name"), shortId(row.customer_id, "bdi.id")] : shortId(row.customer_id, "bdi.name");
  return h("a.customer", { href: link("customer", row.customer_id) }, inner);
}

export function empty(title, text, ...more) {
  return h("div.empty", {}, h("p.title", {}, title), text && h("p", {}, text), more);
}

/** What an effect rests on: assumed, published or measured. */
export function basis(name) {
  return h("button.term.badge", { type: "button", "data-term": `basis_${name}`, "data-kind": "basis", "data-name": name }, format.words(name));
}

/** A button that downloads something and says how it went. */
export function saver(label, save) {
  const button = h("button", { type: "button" }, label);
  button.addEventListener("click", async () => {
    button.disabled = true;
    button.textContent = T.preparing;
    try {
      await save();
      button.textContent = label;
      say(T.saved);
    } catch (error) {
      button.textContent = T.notSaved;
      say(error.message);
    } finally {
      button.disabled = false;
    }
  });
  return button;
}

/** Whether who looks at the page may change what everybody sees. */
export const mayAdminister = ({ who }) => !who.keys_required || who.scopes.includes("admin");

/** Whether who looks at the page may start and send campaigns. */
export const mayAct = ({ who }) => !who.keys_required || who.scopes.includes("act");

/** Folded details. */
export function folded(label, ...content) {
  return h("details.folded", {}, h("summary", {}, label), content);
}

/** A plain table: head of texts, rows of cells, the first of which names the row. */
export function plain(label, head, rows, numbers = []) {
  const kind = (n) => (numbers.includes(n) ? ".number" : "");
  return h(
    "div.scroll",
    { tabindex: "0", role: "region", "aria-label": label },
    h(
      "table.plain.wide",
      {},
      h("thead", {}, h("tr", {}, head.map((text, n) => h(`th${kind(n)}`, { scope: "col" }, text)))),
      h("tbody", {}, rows.map(([first, ...rest]) => h("tr", {}, h("th", { scope: "row" }, first), rest.map((cell, n) => h(`td${kind(n + 1)}`, {}, cell))))),
    ),
  );
}

/** What is shown where a part failed to load; some failures concern the whole page. */
export const optional = (promise) =>
  promise.catch((error) => {
    if (error.name === "AbortError" || ["unauthorized", "no_answer"].includes(error.code)) throw error;
    return { error };
  });

/** The place of a card whose answer comes after the view is drawn. */
export function later(promise, drawn) {
  const place = h("div.later.bone", {});
  promise.then(
    (answer) => place.replaceWith(drawn(answer)),
    (error) => error.name !== "AbortError" && place.replaceWith(problem(error)),
  );
  return place;
}

/** A tile: a large number with its definition and a note. */
export function tile(name, value, below, label) {
  return h("div.tile", {}, h("dt", {}, term(name, label)), h("dd", {}, h("span.value", {}, value), below && h("span.below", {}, below)));
}

export function meter(share, kind = "") {
  return h("span.meter", { "aria-hidden": "true", "data-kind": kind }, h("span", { style: { width: `${Math.round(100 * Math.min(1, Math.max(0, share ?? 0)))}%` } }));
}

export function skeleton(...heights) {
  return h(
    "div.skeleton",
    { "aria-hidden": "true" },
    heights.map((row) => h("div.row", {}, [row].flat().map((tall) => h("div.bone", { style: { height: `${tall}px` } })))),
  );
}

/** An error: what went wrong, and what to do about it. */
export function problem(error, again) {
  const [title, text] = T.problems[error.code] ?? T.problem;
  const commands = {
    store_not_found: "customer-revenue import orders.csv\ncustomer-revenue train",
    model_not_found: "customer-revenue train",
    bundle_incompatible: "customer-revenue train",
    bundle_damaged: "customer-revenue train",
    model_unavailable: "customer-revenue train",
    not_enough_data: "customer-revenue import more-orders.csv\ncustomer-revenue train",
  }[error.code];
  return h(
    "div.empty.problem",
    { role: "alert", "data-code": error.code ?? "unexpected" },
    h("p.title", {}, title),
    text && h("p", {}, text),
    error.code !== "no_answer" && !commands && h("p.detail", {}, own(error.message, "span")),
    commands && h("pre", {}, commands),
    again && h("button.primary", { type: "button", onclick: again }, error.code === "unauthorized" ? T.keys.title : T.again),
  );
}
