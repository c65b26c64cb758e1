// The parts of the page outside the views: navigation, search, who is signed in.

import { get, signIn, signOut } from "./api.js";
import { h, own, say } from "./dom.js";
import * as format from "./format.js";
import { term } from "./hints.js";
import { link, read } from "./place.js";
import { T } from "./texts.js";

const WITHIN = { customer: "customers" };

export function drawPages() {
  const { view, id } = read();
  const on = WITHIN[view] ?? view;
  const current = (name) => (name !== on ? undefined : name === view && !id ? "page" : "true");
  document
    .getElementById("pages")
    .replaceChildren(...Object.entries(T.pages).map(([name, label]) => h("a", { href: link(name), "aria-current": current(name) }, label)));
}

export function drawFoot({ store, meta, who, backtest_under_way: underWay }) {
  const text = T.shell.about(format.many(store.orders, "order"), meta.currency, meta.timezone);
  const moment = h("span.moment", {}, term("as_of", T.asOf(format.day(store.as_of_day))), meta.data_freshness === "historical" && h("span.tag", {}, T.shell.historical), underWay && h("span.tag", {}, term("backtest_under_way")));
  const out = who.signed_in && h("button.link", { type: "button", onclick: async () => (await signOut(), location.reload()) }, T.keys.out);
  const as = who.signed_in && h("span", {}, T.keys.as(who.name, who.scopes.join(", ")));
  document.getElementById("foot").replaceChildren(moment, h("span", {}, text), h("a", { href: "api/docs" }, T.shell.api), as || "", out || "");
}

/** The customer search, with results while typing. */
export function startSearch() {
  const list = h("ul", { id: "found", role: "listbox", "aria-label": T.shell.customers, hidden: true });
  const input = h("input", {
    type: "search",
    role: "combobox",
    placeholder: T.shell.find,
    "aria-label": T.shell.findBy,
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
      h("span.worth", {}, format.money(row.net_revenue_cents)),
    );
  const search = async () => {
    const text = input.value.trim();
    if (!text) return close();
    asking?.abort();
    asking = new AbortController();
    try {
      const { customers } = await get("/search", { q: text }, asking.signal);
      if (customers.length) open(...customers.map(option));
      else open(h("li.nobody", { role: "option", "aria-disabled": "true", "aria-selected": "false" }, T.shell.nobodyLike));
      say(customers.length ? T.shell.found(format.many(customers.length, "customer")) : T.shell.nobody);
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

/** Prompt for the API key until it is right; resolves to false if the prompt is cancelled. */
export function askForKey() {
  return new Promise((resolve) => {
    const wrong = h("strong.wrong", { role: "alert" });
    const input = h("input", { type: "password", id: "key", autocomplete: "off", required: true, "aria-describedby": "key-note" });
    const submit = async (event) => {
      event.preventDefault();
      try {
        await signIn(input.value.trim());
        dialog.close("given");
      } catch (error) {
        wrong.textContent = error.status === 401 ? T.keys.wrong : `${error.message} `;
        input.setAttribute("aria-invalid", "true");
        input.select();
      }
    };
    const dialog = h(
      "dialog.key",
      { "aria-labelledby": "key-title" },
      h(
        "form",
        { onsubmit: submit },
        h("h2", { id: "key-title" }, T.keys.title),
        h("p", { id: "key-note" }, wrong, T.keys.note),
        h("label", { for: "key" }, T.keys.label),
        input,
        h("div.buttons", {}, h("button.primary", { type: "submit" }, T.keys.open), h("button", { type: "button", onclick: () => dialog.close() }, T.keys.later)),
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
