// The parts of the page outside the views: navigation, filters, search, API key.

import { get, key } from "./api.js";
import { h, own, say } from "./dom.js";
import * as format from "./format.js";
import { term } from "./hints.js";
import { PERIODS, changed, link, read } from "./place.js";

const PAGES = [
  ["overview", "Overview"],
  ["best", "Best customers"],
  ["risk", "At risk"],
  ["actions", "Actions"],
  ["models", "Model"],
];
const FILTERED = ["overview", "best", "risk", "actions"];

export function drawPages() {
  const { view } = read();
  document
    .getElementById("pages")
    .replaceChildren(
      ...PAGES.map(([name, label]) => h("a", { href: link(name), "aria-current": name === view ? "page" : undefined }, label)),
    );
}

/** The period and segment filters, which apply to the whole page. */
export function drawFilters(context, meta) {
  const { view, period, segments } = read();
  const place = document.getElementById("filters");
  place.hidden = view === "models";
  const hadFocus = document.activeElement?.closest("#filters") ? document.activeElement.dataset.key : null;
  const choice = (name, label, pressed, values) =>
    h("a.choice", { href: changed({ page: [], ...values }), "aria-current": pressed ? "true" : undefined, "data-key": name }, label);
  const parts = [
    h("div.group", { role: "group", "aria-label": "Period" }, Object.entries(PERIODS).map(([name, label]) => choice(`p-${name}`, label, name === period, { period: name }))),
  ];
  if (FILTERED.includes(view)) {
    const names = context.segments.map((segment) => segment.name);
    const toggled = (name) => {
      const next = segments.includes(name) ? segments.filter((one) => one !== name) : [...segments, name];
      return next.length === names.length ? [] : next;
    };
    parts.push(
      h(
        "div.group",
        { role: "group", "aria-label": "Segments" },
        choice("s-all", "All segments", segments.length === 0, { segment: [] }),
        names.map((name) => choice(`s-${name}`, format.words(name), segments.includes(name), { segment: toggled(name) })),
      ),
    );
  }
  parts.push(h("p.moment", {}, term("as_of", `As of ${format.day(context.store.as_of_day)}`), meta.data_freshness === "historical" && h("span.tag", {}, "historical"), context.backtest_under_way && h("span.tag", {}, term("backtest_under_way"))));
  place.replaceChildren(...parts);
  if (hadFocus) place.querySelector(`[data-key="${hadFocus}"]`)?.focus();
}

export function drawFoot(context, meta) {
  const text = `${format.count(context.store.orders)} orders of ${format.count(context.store.customers)} customers · money in ${meta.currency} · days in ${meta.timezone}`;
  const forget = key.get() && h("button.link", { type: "button", onclick: () => (key.forget(), location.reload()) }, "Forget the API key");
  document.getElementById("foot").replaceChildren(h("span", {}, text), h("a", { href: "api/docs" }, "API"), forget || "");
}

/** The customer search, with results while typing. */
export function startSearch() {
  const list = h("ul", { id: "found", role: "listbox", "aria-label": "Customers", hidden: true });
  const input = h("input", {
    type: "search",
    role: "combobox",
    placeholder: "Find a customer",
    "aria-label": "Find a customer by id, name or e-mail",
    "aria-expanded": "false",
    "aria-controls": "found",
    "aria-autocomplete": "list",
    autocomplete: "off",
    spellcheck: "false",
    maxlength: "200",
  });
  let asking = null;
  let timer = 0;
  let active = -1;
  const options = () => [...list.querySelectorAll("[role=option]")];
  const close = () => {
    asking?.abort();
    clearTimeout(timer);
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const open = (...items) => {
    list.replaceChildren(...items);
    list.hidden = false;
    active = -1;
    input.setAttribute("aria-expanded", "true");
  };
  const go = (id) => {
    close();
    input.value = "";
    location.hash = link("customer", id);
  };
  const mark = (place) => {
    const all = options();
    active = all.length ? (place + all.length) % all.length : -1;
    all.forEach((option, n) => option.setAttribute("aria-selected", String(n === active)));
    if (active >= 0) {
      input.setAttribute("aria-activedescendant", all[active].id);
      all[active].scrollIntoView({ block: "nearest" });
    }
  };
  const option = (row, n) =>
    h(
      "li",
      { role: "option", id: `found-${n}`, "aria-selected": "false", "data-id": row.customer_id },
      h("span.who", {}, own(row.customer_name?.trim() || row.customer_id, "bdi.name"), own([row.customer_name?.trim() && row.customer_id, row.customer_email].filter(Boolean).join(" · "), "bdi.id")),
      h("span.worth", {}, format.money(row.total_revenue_cents)),
    );
  const search = async () => {
    const text = input.value.trim();
    if (!text) return close();
    asking?.abort();
    asking = new AbortController();
    try {
      const { customers } = await get("/search", { q: text }, asking.signal);
      if (customers.length) open(...customers.map(option));
      else open(h("li.nobody", { role: "option", "aria-disabled": "true", "aria-selected": "false" }, "Nobody by that id, name or e-mail"));
      say(customers.length ? `${customers.length} customers found` : "Nobody found");
    } catch (error) {
      if (error.name !== "AbortError") open(h("li.nobody", { role: "option", "aria-disabled": "true", "aria-selected": "false" }, error.message));
    }
  };
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, 150);
  });
  input.addEventListener("keydown", async (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      mark(active + (event.key === "ArrowDown" ? 1 : active < 0 ? 0 : -1));
    } else if (event.key === "Escape") close();
    else if (event.key === "Enter") {
      event.preventDefault();
      if (list.hidden) await search();
      const chosen = options()[Math.max(active, 0)];
      if (chosen?.dataset.id) go(chosen.dataset.id);
    }
  });
  input.addEventListener("blur", () => setTimeout(close, 150));
  list.addEventListener("pointerdown", (event) => {
    const chosen = event.target.closest("[data-id]");
    event.preventDefault();
    if (chosen) go(chosen.dataset.id);
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, dialog");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      input.focus();
    }
  });
  document.getElementById("search").replaceChildren(input, list);
}

/** Prompt for the API key; resolves to true once it is entered, or to false if the prompt is cancelled. */
export function askForKey(wrong) {
  return new Promise((resolve) => {
    const input = h("input", { type: "password", id: "key", autocomplete: "off", required: true, "aria-describedby": "key-note", "aria-invalid": wrong ? "true" : undefined });
    const dialog = h(
      "dialog.key",
      { "aria-labelledby": "key-title" },
      h(
        "form",
        {
          onsubmit: (event) => {
            event.preventDefault();
            key.set(input.value.trim());
            dialog.close("given");
          },
        },
        h("h2", { id: "key-title" }, "API key"),
        h("p", { id: "key-note" }, wrong ? h("strong.wrong", {}, "That key is not valid. ") : "", "It is kept in this tab only, and forgotten when the tab is closed."),
        h("label", { for: "key" }, "Key"),
        input,
        h("div.buttons", {}, h("button.primary", { type: "submit" }, "Open the page"), h("button", { type: "button", onclick: () => dialog.close() }, "Not now")),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "given");
    });
    document.body.append(dialog);
    dialog.showModal();
    input.focus();
  });
}
