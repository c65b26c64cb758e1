// One campaign: who is contacted and who is not, and what it brought.

import { download, get, post } from "../api.js";
import { interval } from "../charts/interval.js";
import { h, own } from "../dom.js";
import * as format from "../format.js";
import { basis, card, empty, mayAct, optional, plain, problem, saver } from "../parts.js";
import { link } from "../place.js";
import { T } from "../texts.js";

export async function draw({ id }, context, signal) {
  const path = `/campaigns/${encodeURIComponent(id)}`;
  const [{ campaigns }, report, treated, held, { webhooks = [] }] = await Promise.all([
    get("/campaigns", {}, signal),
    optional(get(`${path}/report`, {}, signal)),
    get(`${path}/customers`, { arm: "treated" }, signal),
    get(`${path}/customers`, { arm: "held_out" }, signal),
    optional(get("/campaigns/webhooks", {}, signal)),
  ]);
  const campaign = campaigns.find((one) => one.campaign === id);
  return {
    title: id,
    parts: [
      h("nav.crumbs", { "aria-label": "Back" }, h("a", { href: link("results") }, T.results.back)),
      h("div.head", {}, h("div", {}, h("h1", {}, own(id)), h("p.below", {}, `${T.results.days(format.day(campaign.started_on), format.day(campaign.ends_on))} · `, own(actionName(campaign.action, context))))),
      h(
        "div.grid",
        {},
        h("div.column.wide-8", {}, report.error ? waiting(report.error, campaign) : measured(report, campaign), !report.error && segments(report)),
        h("div.column.wide-4", {}, files(path, treated, held, mayAct(context) ? webhooks : []), policyCard(report, campaign, context)),
      ),
    ],
  };
}

/** An action in words. */
export const actionName = (code, context) => context.actions.find((one) => one.code === code)?.text ?? format.words(code);

/** The result in words. */
export function verdict({ buyers_points: buyers }) {
  if (!buyers.is_significant) return T.results.unclear;
  return buyers.per_customer > 0 ? T.results.yes : T.results.no;
}

function waiting(error, campaign) {
  const early = error.code === "invalid_parameter";
  return card(T.results.title, {}, early ? empty(T.results.tooEarly, T.results.tooEarlyText(format.day(campaign.started_on))) : problem(error));
}

function measured(report, campaign) {
  const { buyers_points: buyers, profit_cents: profit, revenue_cents: revenue, orders } = report;
  const points = (value) => format.signed(value, 1);
  const rows = [
    [T.results.buyers, points(buyers.per_customer), points(buyers.low), points(buyers.high), buyers],
    [T.results.profit, format.money(profit.total), format.money(profit.total_low), format.money(profit.total_high), { per_customer: profit.total, low: profit.total_low, high: profit.total_high }],
    [T.results.revenue, format.money(revenue.total), format.money(revenue.total_low), format.money(revenue.total_high), { per_customer: revenue.total, low: revenue.total_low, high: revenue.total_high }],
    [T.results.orders, format.signed(orders.total, 0), format.signed(orders.total_low, 0), format.signed(orders.total_high, 0), { per_customer: orders.total, low: orders.total_low, high: orders.total_high }],
  ];
  const note = [T.results.until(format.day(report.until), format.day(campaign.ends_on)), report.until === campaign.ends_on ? "" : `. ${T.results.early}`];
  return card(
    verdict(report),
    { note },
    h(
      "ul.lifts",
      {},
      rows.map(([label, value, low, high, ends]) => h("li", {}, h("div.line", {}, h("strong", {}, label), h("span.worth", {}, value)), interval(ends), h("p.below", {}, T.results.interval(low, high)))),
    ),
    report.warnings.map((text) => h("p.note.warn", {}, `${T.results.warning}: ${text}`)),
  );
}

function files(path, treated, held, webhooks) {
  const save = (label, arm) => saver(label, () => download(`${path}/customers`, { arm, file: "csv" }));
  return card(
    T.results.files,
    {},
    h("ul.stack", {}, h("li", {}, h("p", {}, T.results.treated(format.count(treated.customer_ids.length))), save(T.results.treatedFile, "treated")), h("li", {}, h("p", {}, T.results.held(format.count(held.customer_ids.length))), save(T.results.heldFile, "held_out"))),
    webhooks.length > 0 && sending(path, webhooks, treated.customer_ids.length),
    h("p.below", {}, T.results.sendHint),
  );
}

/** The list of those to be contacted to one of the webhooks that the settings list; it asks once more. */
function sending(path, webhooks, count) {
  const said = h("p.below", { role: "status" });
  const select = h("select", { id: "webhook" }, webhooks.map((one) => h("option", { value: String(one.webhook) }, one.host)));
  const button = h("button", { type: "submit" }, T.results.send);
  let asked = false;
  const submit = async (event) => {
    event.preventDefault();
    if (!asked) {
      asked = true;
      button.textContent = T.results.sendSure(format.many(count, "customer"));
      return;
    }
    button.disabled = true;
    try {
      const sent = await post(`${path}/send`, { webhook: Number(select.value) });
      said.replaceChildren(own(T.results.sent(format.many(sent.customers, "customer"), sent.host), "span"));
      button.remove();
    } catch (error) {
      said.replaceChildren(h("span.wrong", { role: "alert" }, own(error.message, "span")));
      button.disabled = false;
    }
  };
  return h("form.field", { onsubmit: submit }, h("label", { for: "webhook" }, T.results.sendTo), h("div.line", {}, select, button), said);
}

function segments({ by_segment: found }) {
  const names = Object.keys(found);
  if (!names.length) return null;
  const points = (figure) => `${format.signed(figure.per_customer, 1)} (${format.signed(figure.low, 1)} to ${format.signed(figure.high, 1)})`;
  const money = (figure) => `${format.money(figure.total)} (${format.money(figure.total_low)} to ${format.money(figure.total_high)})`;
  const rows = names.map((name) => [format.words(name), points(found[name].buyers_points), money(found[name].profit_cents)]);
  return card(T.results.segments, {}, plain(T.results.segments, [T.results.segment, T.results.buyers, T.results.profit], rows, [1, 2]));
}

/** Take the effect over into the policy, or how to. */
function learn(campaign, context) {
  const said = h("p.below", { role: "status" }, T.results.learnHint);
  const may = !context.who.keys_required || context.who.scopes.includes("admin");
  if (!may) return [said, h("pre", {}, `customer-revenue campaign learn ${campaign.campaign}`)];
  const button = h("button", { type: "button" }, T.results.learn);
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await post(`/campaigns/${encodeURIComponent(campaign.campaign)}/learn`);
      said.textContent = T.results.learned;
    } catch (error) {
      said.textContent = error.message;
      button.disabled = false;
    }
  });
  return [said, button];
}

function policyCard(report, campaign, context) {
  const effect = report.error ? null : report.updated_effect;
  if (!effect) return card(T.results.policy, {}, h("p", {}, T.results.policyWaits(format.day(campaign.ends_on))));
  return card(
    T.results.policy,
    {},
    h("p", {}, own(T.results.effect(actionName(effect.action, context), format.signed(effect.conversion_points, 2), format.count(effect.conversion_spread, 2))), ", ", T.results.basis[effect.basis], ". ", basis(effect.basis)),
    learn(campaign, context),
  );
}
