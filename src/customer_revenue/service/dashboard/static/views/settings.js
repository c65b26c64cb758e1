// Settings: what decisions rest on, what other values would change before they are written, and the API keys.

import { get } from "../api.js";
import { h, own } from "../dom.js";
import * as format from "../format.js";
import { card, empty, optional, plain } from "../parts.js";
import { T } from "../texts.js";

const WAIT = 350;

export async function draw(_, context, signal) {
  const [now, keys] = await Promise.all([optional(get("/dashboard/settings", {}, signal)), optional(get("/keys", {}, signal))]);
  const head = h("div.head", {}, h("div", {}, h("h1", {}, T.settings.title), h("p.below", {}, T.settings.lead)));
  return {
    title: T.settings.title,
    parts: [head, h("div.grid", {}, now.error ? null : trial(now), now.error ? null : consentCard(now), keysCard(keys, context))],
  };
}

/** The values in fields; what they would change is asked for while they are typed. */
function trial(now) {
  const effect = h("div", { role: "status" }, h("p.below", {}, T.settings.same));
  const number = (id, value, label, most) => {
    const input = h("input", { id, type: "number", min: "0", max: String(most), step: "1", value: String(value), "data-was": String(value) });
    return h("div.field", {}, h("label", { for: id }, label), input);
  };
  const margin = number("margin", Math.round(now.margin_percent), T.settings.marginLabel, 100);
  const discounts = now.segments.map((one) => number(`discount-${one.name}`, one.discount_percentage, T.settings.discountLabel(format.words(one.name)), 100));
  const steps = now.segments.slice(0, -1).map((one) => number(`from-${one.name}`, Math.round(one.from_total_revenue_cents / format.minor()), T.settings.thresholdLabel(format.words(one.name)), 1e9));
  let timer = 0;
  let asking = null;
  const changedOf = (form, prefix) => [...form.querySelectorAll(`input[id^="${prefix}"]`)].filter((input) => input.value !== "" && input.value !== input.dataset.was);
  const ask = async (form) => {
    asking?.abort();
    asking = new AbortController();
    const value = (input, prefix, scale = 1) => `${input.id.slice(prefix.length)}:${Math.round(Number(input.value) * scale)}`;
    const tried = {
      margin_percent: changedOf(form, "margin").map((input) => Math.round(Number(input.value))),
      discount: changedOf(form, "discount-").map((input) => value(input, "discount-")),
      threshold: changedOf(form, "from-").map((input) => value(input, "from-", format.minor())),
    };
    if (!Object.values(tried).some((values) => values.length)) return effect.replaceChildren(h("p.below", {}, T.settings.same));
    try {
      effect.replaceChildren(...outcome(await get("/dashboard/settings", tried, asking.signal), tried, now));
    } catch (error) {
      if (error.name !== "AbortError") effect.replaceChildren(h("p.wrong", { role: "alert" }, error.message));
    }
  };
  const oninput = (event) => {
    clearTimeout(timer);
    const form = event.currentTarget;
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
    h("div.fields", {}, steps),
    h("p.below", {}, T.settings.segmentsBelow),
  );
  return [card(T.settings.tryIt, { wide: 7 }, form), card(T.settings.effect, { wide: 5 }, effect)];
}

function outcome({ now, then }, tried, before) {
  const rows = [
    [T.settings.profit, format.money(now.total.profit_cents), format.money(then.total.profit_cents)],
    [T.settings.contacted, format.count(now.total.customers), format.count(then.total.customers)],
    [T.settings.discounts, format.money(now.total.cost_cents), format.money(then.total.cost_cents)],
    ...Object.entries(then.segments)
      .filter(([name, count]) => count !== now.segments[name])
      .map(([name, count]) => [format.words(name), format.count(now.segments[name]), format.count(count)]),
  ];
  return [plain(T.settings.effect, ["", T.settings.now, T.settings.then], rows, [1, 2]), h("p.below", {}, T.settings.lines), h("pre", {}, lines(tried, before))];
}

/** The values as lines of the policy file. */
function lines(tried, before) {
  const parts = tried.margin_percent.map((value) => `[margin]\nassumed_percent = ${value}`);
  for (const one of tried.discount) parts.push(`[offers.segments.${one.split(":")[0]}]\ndiscount_percentage = ${one.split(":")[1]}`);
  if (tried.threshold.length) parts.push(`# [[segments.ladders.${before.ladder}]]\n${tried.threshold.map((one) => `# ${one.split(":")[0]}: from_total_revenue_cents = ${one.split(":")[1]}`).join("\n")}`);
  return parts.join("\n\n");
}

function consentCard({ consent, quiet_days: quiet, most_contacts: times, most_contacts_days: days }) {
  return card(
    T.settings.consent,
    { wide: 5 },
    h("ul.reasons", {}, h("li", {}, consent ? T.settings.consentKnown(format.count(consent.refused), format.count(consent.known)) : T.settings.consentUnknown), h("li", {}, T.settings.quiet(format.days(quiet))), h("li", {}, T.settings.often(format.count(times), format.days(days)))),
  );
}

function keysCard({ keys, error }, context) {
  const adds = h("pre", {}, "customer-revenue keys add marketing --scope read --scope act");
  if (error) return card(T.settings.keys, { wide: 7 }, h("p", {}, T.settings.notAdmin));
  if (!keys.length || !context.who.keys_required) return card(T.settings.keys, { wide: 7 }, empty(T.settings.noKeys), adds);
  const rows = keys.map((one) => [own(one.name), one.scopes.join(", "), one.last_used_at ? format.time(one.last_used_at) : T.settings.never, one.expires_at ? format.time(one.expires_at) : T.settings.never]);
  return card(T.settings.keys, { wide: 7 }, plain(T.settings.keys, [T.settings.keyName, T.settings.scopes, T.settings.used, T.settings.expires], rows), adds);
}
