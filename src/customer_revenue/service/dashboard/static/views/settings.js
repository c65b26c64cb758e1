// Settings: what decisions rest on, what other values would change before they are saved, and the API keys.

import { get, post } from "../api.js";
import { h, own, say } from "../dom.js";
import * as format from "../format.js";
import { card, mayAdminister, optional, plain, problem } from "../parts.js";
import { T } from "../texts.js";
import { keysCard } from "./keys.js";

const WAIT = 350;
const CONTACTS = { quiet_days: 365, quiet_days_after_contact: 365, most_contacts: 1000, most_contacts_days: 365 };

export async function draw(_, context, signal) {
  const asked = ["/dashboard/settings", "/policy", "/keys"].map((path) => optional(get(path, {}, signal)));
  const [now, file, keys] = await Promise.all(asked);
  const head = h("div.head", {}, h("div", {}, h("h1", {}, T.settings.title), h("p.below", {}, T.settings.lead)));
  return {
    title: T.settings.title,
    parts: [
      head,
      h("div.grid", {}, now.error ? h("div.card.wide", {}, problem(now.error)) : trial(now, file, context), h("div.column.wide-5", {}, file.error || !file.learned.length ? null : learnedCard(file, context), now.error ? null : consentCard(now)), keysCard(keys, context)),
    ],
  };
}

/** The values in fields; what they would change is asked for while they are typed. */
function trial(now, file, context) {
  const effect = h("div", { role: "status" }, h("p.below", {}, T.settings.same));
  const number = (id, value, label, most) => {
    const input = h("input", { id, type: "number", min: "0", max: String(most), step: "1", value: String(value), "data-was": String(value) });
    return h("div.field", {}, h("label", { for: id }, label), input);
  };
  const margin = number("margin", Math.round(now.margin_percent), T.settings.marginLabel, 100);
  const discounts = now.segments.map((one) => number(`discount-${one.name}`, one.discount_percentage, T.settings.discountLabel(format.words(one.name)), 100));
  const steps = now.segments.slice(0, -1).map((one) => number(`from-${one.name}`, Math.round(one.from_total_revenue_cents / format.minor()), T.settings.thresholdLabel(format.words(one.name), format.unit()), 1e9));
  const basis = h("select", { id: "basis", "data-was": now.basis }, ["net", "total"].map((one) => h("option", { value: one, selected: one === now.basis }, T.settings.basis[one])));
  const contacts = Object.entries(CONTACTS).map(([name, most]) => number(name, now[name], T.settings.contacts[name], most));
  let timer = 0;
  let asking = null;
  const changedOf = (form, prefix) => [...form.querySelectorAll(`input[id^="${prefix}"]`)].filter((input) => input.value !== "" && input.value !== input.dataset.was);
  const value = (input, prefix, scale = 1) => `${input.id.slice(prefix.length)}:${Math.round(Number(input.value) * scale)}`;
  const changes = (form) => ({
    margin_percent: changedOf(form, "margin").map((input) => Math.round(Number(input.value))),
    discount: changedOf(form, "discount-").map((input) => value(input, "discount-")),
    threshold: changedOf(form, "from-").map((input) => value(input, "from-", format.minor())),
    basis: basis.value === now.basis ? [] : [basis.value],
    ...Object.fromEntries(Object.keys(CONTACTS).map((name) => [name, changedOf(form, name).filter((input) => input.id === name).map((input) => Math.round(Number(input.value)))])),
  });
  const ask = async (form) => {
    asking?.abort();
    asking = new AbortController();
    const tried = changes(form);
    if (!Object.values(tried).some((values) => [values].flat().length)) return effect.replaceChildren(h("p.below", {}, T.settings.same));
    try {
      effect.replaceChildren(...outcome(await get("/dashboard/settings", tried, asking.signal)), saving(file, tried, now, context));
    } catch (error) {
      if (error.name !== "AbortError") effect.replaceChildren(h("p.wrong", { role: "alert" }, error.message));
    }
  };
  const oninput = (event) => {
    clearTimeout(timer);
    const form = event.currentTarget;
    for (const button of effect.querySelectorAll("button")) button.disabled = true; // what it would save is not what is typed now
    timer = setTimeout(() => ask(form), WAIT);
  };
  const form = h(
    "form.settings",
    { oninput, onsubmit: (event) => event.preventDefault() },
    h("h3", {}, T.settings.margin),
    h("div.fields", {}, margin),
    h("p.below", {}, T.settings.marginBelow(now.margin_basis)),
    h("h3", {}, T.settings.discounts_title),
    h("div.fields", {}, discounts),
    h("h3", {}, T.settings.segments),
    h("div.fields", {}, h("div.field", {}, h("label", { for: "basis" }, T.settings.basisLabel), basis), steps),
    h("p.below", {}, T.settings.segmentsBelow),
    h("h3", {}, T.settings.contactsTitle),
    h("div.fields", {}, contacts),
  );
  const undo = !file.error && file.kept.length > 0 && file.can_be_saved && mayAdminister(context) && undoing(file.kept[0]);
  return [card(T.settings.tryIt, { wide: 7 }, form), h("div.wide-5.beside", {}, card(T.settings.effect, {}, effect, undo))];
}

function outcome({ now, then }) {
  const rows = [
    [T.settings.profit, format.money(now.total.profit_cents), format.money(then.total.profit_cents)],
    [T.settings.contacted, format.count(now.total.customers), format.count(then.total.customers)],
    [T.settings.discounts, format.money(now.total.cost_cents), format.money(then.total.cost_cents)],
    ...Object.entries(then.segments)
      .filter(([name, count]) => count !== now.segments[name])
      .map(([name, count]) => [format.words(name), format.count(now.segments[name]), format.count(count)]),
  ];
  return [plain(T.settings.effect, ["", T.settings.now, T.settings.then], rows, [1, 2])];
}

/** A button that saves what is tried; where this service or this key may not, the lines to write by hand. */
function saving(file, tried, before, context) {
  if (file.error || !file.can_be_saved || !mayAdminister(context)) {
    const why = file.error?.message ?? file.why_not ?? T.settings.saveNeedsAdmin;
    return h("div", {}, h("p.note.warn", {}, own(T.settings.notHere(why))), h("p.below", {}, T.settings.lines), h("pre", {}, lines(tried, before)));
  }
  const named = (values) => Object.fromEntries(values.map((one) => [one.slice(0, one.lastIndexOf(":")), Number(one.slice(one.lastIndexOf(":") + 1))]));
  const body = { discounts: named(tried.discount), thresholds: named(tried.threshold) };
  for (const name of ["margin_percent", "basis", ...Object.keys(CONTACTS)]) if (tried[name].length) body[name] = tried[name][0];
  return acting(T.settings.save, T.settings.saveBelow, () => post("/policy", body), ({ kept }) => T.settings.saved(kept));
}

function undoing({ kept_at: at }) {
  return acting(T.settings.undo, T.settings.undoBelow(format.time(at)), () => post("/policy/undo"), () => T.settings.undone);
}

/** A button that changes the policy and says what came of it. */
function acting(label, below, act, done) {
  const place = h("div.acting", { role: "status" });
  const button = h("button.primary", { type: "button" }, label);
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const text = done(await act());
      place.replaceChildren(h("p.well", {}, own(text, "span")), h("button", { type: "button", onclick: () => location.reload() }, T.settings.showAnew));
      say(text);
    } catch (error) {
      button.disabled = false;
      place.replaceChildren(button, h("p.wrong", { role: "alert" }, own(error.message, "span")));
    }
  });
  place.append(button, h("p.below", {}, below));
  return place;
}

/** The values as lines of the policy file. */
function lines(tried, before) {
  const parts = tried.margin_percent.map((value) => `[margin]\nassumed_percent = ${value}`);
  for (const one of tried.discount) parts.push(`[offers.segments.${one.split(":")[0]}]\ndiscount_percentage = ${one.split(":")[1]}`);
  if (tried.basis.length) parts.push(`[segments]\nbasis = "${tried.basis[0]}"`);
  const rules = Object.keys(CONTACTS).filter((name) => tried[name].length);
  if (rules.length) parts.push(`[decisions]\n${rules.map((name) => `${name} = ${tried[name][0]}`).join("\n")}`);
  if (tried.threshold.length) parts.push(`# [[segments.ladders.${before.ladder}]]\n${tried.threshold.map((one) => `# ${one.split(":")[0]}: from_total_revenue_cents = ${one.split(":")[1]}`).join("\n")}`);
  return parts.join("\n\n");
}

function consentCard({ consent }) {
  return card(T.settings.consent, {}, h("p", {}, consent ? T.settings.consentKnown(format.count(consent.refused), format.count(consent.known)) : T.settings.consentUnknown));
}

/** What campaigns have measured and decisions rest on, each with its dates. */
function learnedCard({ learned }, context) {
  const rows = learned.map((one) => {
    const place = h("div", { role: "status" });
    const back = async () => {
      try {
        await post(`/campaigns/${encodeURIComponent(one.campaign)}/unlearn`);
        place.closest("li").replaceChildren(h("p.well", {}, T.settings.unlearned));
      } catch (error) {
        place.replaceChildren(h("p.wrong", { role: "alert" }, own(error.message, "span")));
      }
    };
    const dates = T.settings.learnedOn(format.day(one.started_on), format.day(one.measured_on), format.day(one.learned_on));
    return h("li", {}, h("div.who", {}, own(T.settings.learnedText(format.words(one.action), format.signed(one.measured_points), format.count(one.measured_spread, 1)), "span"), own(`${one.campaign}: ${dates}`, "span.below"), place), mayAdminister(context) && h("button", { type: "button", onclick: back }, T.settings.unlearn));
  });
  return card(T.settings.learned, { note: T.settings.learnedNote }, h("ul.rows.spaced", {}, rows));
}
