// Components that the views share.

import { h, own } from "./dom.js";
import * as format from "./format.js";
import { term } from "./hints.js";
import { link } from "./place.js";

export function card(title, { wide, note, action, id } = {}, ...content) {
  return h(
    `section.card${wide ? `.wide-${wide}` : ""}`,
    { id },
    h("header", {}, h("h2", {}, title), action),
    note && h("p.note", {}, note),
    content,
  );
}

export function badge(name, kind = "segment") {
  return h("span.badge", { "data-kind": kind, "data-name": name }, format.words(name));
}

/** A customer's name or id, as a link to the customer's view. */
export function customerLink(row) {
  const name = row.customer_name?.trim();
  const inner = name ? [own(name, "bdi.name"), own(row.customer_id, "bdi.id")] : own(row.customer_id, "bdi.name");
  return h("a.customer", { href: link("customer", row.customer_id) }, inner);
}

export function empty(title, text, ...more) {
  return h("div.empty", {}, h("p.title", {}, title), text && h("p", {}, text), more);
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
  const titles = {
    no_answer: ["The service does not respond", "It may be starting anew. This page asks again by itself until it does."],
    store_not_found: ["There are no orders yet", "Import a file of orders, then train, and this page fills itself."],
    model_not_found: ["No model has been trained yet", "The facts are there; predictions come with the first training."],
    bundle_incompatible: ["The model is of another version", "It was trained by another version of this package. The facts are there; predictions come with the next training."],
    bundle_damaged: ["The model is damaged", "Its files are not as they were written. The facts are there; predictions come with the next training."],
    not_enough_data: ["Too little to learn from", "There are only facts until a customer has an order and a model is trained on it."],
    customer_not_found: ["No such customer", "The store knows nobody by this id."],
    unauthorized: ["The page needs an API key", "Ask whoever runs the service for one."],
    forbidden: ["This key may not read", "Ask for a key with the read scope."],
    too_many_requests: ["Too many questions at once", "The key’s limit is reached. It is over soon."],
    invalid_parameter: ["The address asks for something that does not exist", null],
  };
  const [title, text] = titles[error.code] ?? ["This could not be loaded", null];
  const commands = {
    store_not_found: "customer-revenue import orders.csv\ncustomer-revenue train",
    model_not_found: "customer-revenue train",
    bundle_incompatible: "customer-revenue train",
    bundle_damaged: "customer-revenue train",
  }[error.code];
  return h(
    "div.empty.problem",
    { role: "alert", "data-code": error.code ?? "unexpected" },
    h("p.title", {}, title),
    text && h("p", {}, text),
    error.code !== "no_answer" && !commands && h("p.detail", {}, own(error.message, "span")),
    commands && h("pre", {}, commands),
    again && h("button.primary", { type: "button", onclick: again }, error.code === "unauthorized" ? "Enter a key" : "Try again"),
  );
}
