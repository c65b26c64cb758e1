// One customer: past revenue, predictions and advice.

import { customerPath, get } from "../api.js";
import { curve } from "../charts/curves.js";
import { numbers } from "../charts/frame.js";
import { moves } from "../charts/moves.js";
import { DEFINITIONS } from "../definitions.js";
import { h, own } from "../dom.js";
import * as format from "../format.js";
import { term } from "../hints.js";
import { badge, basis, card, empty, folded, meter, optional, problem, tile } from "../parts.js";
import { link } from "../place.js";
import { T } from "../texts.js";

const MOVES_DRAWN = 500;
const MOVES_LISTED = 8;
const NO_MODEL = ["model_not_found", "model_unavailable", "not_enough_data", "bundle_incompatible", "bundle_damaged"];

export async function draw({ id, period }, context, signal) {
  const asked = { period, breakdown: "by_product" };
  const whole = get(customerPath(id, "revenue"), asked, signal).catch(async (error) => {
    if (!NO_MODEL.includes(error.code)) throw error;
    const facts = await get(customerPath(id, "revenue"), { ...asked, include_predictions: false }, signal);
    return { ...facts, predictions: null, without: error };
  });
  const [answer, timeline, outlook, upsell] = await Promise.all([
    whole,
    get(customerPath(id, "timeline"), { period, limit: MOVES_DRAWN }, signal),
    get(customerPath(id, "outlook"), {}, signal),
    optional(get(customerPath(id, "upsell"), {}, signal)),
  ]);
  const name = timeline.customer.name?.trim();
  const { predictions } = answer;
  return {
    title: (name || id).slice(0, 80),
    parts: [
      heading(id, name, timeline.customer.email, answer),
      h("div.grid.first", {}, statusCard(answer), predictions && stepCard(predictions), productCard(upsell)),
      !predictions && h("div.card.wide", {}, answer.without ? problem(answer.without) : empty(...T.customer.onlyFacts)),
      h("h2.section", {}, T.customer.history),
      h("div.grid", {}, timelineCard(timeline, answer), productsCard(answer)),
      predictions && h("h2.section", {}, T.customer.predictions),
      predictions && tiles(predictions),
      h(
        "div.grid",
        {},
        predictions && h("div.column.wide-7", {}, outlook.curve && curveCard(outlook, predictions), outlook.forecast && forecastCard(outlook.forecast, predictions)),
        predictions && h("div.column.wide-5", {}, reasonsCard(predictions), outlook.alive?.length > 1 && aliveCard(outlook.alive)),
        factsCard(answer),
      ),
    ],
  };
}

function heading(id, name, email, answer) {
  return h(
    "div.head.customer-head",
    {},
    h("div", {}, h("h1.long", {}, own(name || id)), h("p.below", {}, name && own(id), name && email ? " · " : "", email && own(email))),
    h("p.badges", {}, badge(answer.customer_segment)),
  );
}

/** One status, and what the customer has been worth so far. */
function statusCard({ revenue_summary: facts, predictions: p }) {
  const status = p?.customer_status;
  const orders = facts.total_orders ? `${format.many(facts.total_orders, "order")}, ${T.customer.each(format.money(facts.avg_order_value_cents))}` : "";
  const refunds = facts.total_refunds_cents > 0 && `${T.customer.gross(format.money(facts.total_revenue_cents))}, ${T.customer.refunds(format.money(facts.total_refunds_cents))}`;
  return card(
    term("customer_status", T.customer.status),
    { wide: 4 },
    status ? h("p.big", {}, badge(status, "status", T.status[status])) : null,
    h("p", {}, status ? T.customer.statusWords[status] : T.customer.noStatus(format.day(facts.last_purchase_date))),
    h("dl.pairs", {}, h("div", {}, h("dt", {}, term("net_revenue_cents")), h("dd", {}, h("strong", {}, format.money(facts.net_revenue_cents)), h("span.below", {}, orders), refunds && h("span.below", {}, refunds)))),
  );
}

/** The one next step. */
function stepCard(p) {
  const [step] = p.actions ?? [];
  if (!step || step.code === "leave_alone") return card(term("actions", T.customer.step), { wide: 4 }, h("p.big", {}, T.nothing), own(format.ours(step?.reason ?? ""), "p"), step && change(step));
  const offered = p.offer?.discount_percentage > 0 && h("p", {}, term("offer"), `: ${format.percent(p.offer.discount_percentage / 100)}`);
  return card(
    term("actions", T.customer.step),
    { wide: 4 },
    own(step.text, "p.big"),
    own(format.ours(step.reason), "p"),
    offered,
    h("p", {}, term("decision_profit_cents", T.customer.worth(format.money(step.expected_value_cents))), ", ", T.range(...format.ends(step.expected_value_low_cents, step.expected_value_high_cents)), " ", basis(step.basis)),
    change(step),
    h("p", {}, h("a", { href: link("plays", step.code) }, T.today.more)),
  );
}

const change = (step) => folded(T.customer.change, own(format.ours(step.changes_if), "p.below"));

function productCard({ opportunities, error }) {
  if (error || !opportunities.length) return card(term("upsell", T.customer.product), { wide: 4 }, h("p.below", {}, T.customer.noProduct));
  const rows = opportunities.slice(0, 3).map((one) =>
    h("li", {}, h("div.who", {}, own(one.product_name ?? one.product_id ?? format.words(one.type), "span.do"), one.because_of_product_name && h("span.below", {}, own(T.customer.bought(one.because_of_product_name)))), h("div.worth", {}, h("span", {}, format.percent(one.probability)), h("span.below", {}, T.customer.offerChance))),
  );
  return card(term("upsell", T.customer.product), { wide: 4 }, h("ol.rows", {}, rows));
}

/** A range; where the mean lies outside of it, why. */
const ranged = (mean, low, high) => [T.range(...format.ends(low, high)), mean > high ? `. ${T.customer.skewed}` : ""];

function tiles(p) {
  return h(
    "dl.tiles.five",
    {},
    tile("estimated_ltv_cents", format.money(p.estimated_ltv_cents), ranged(p.estimated_ltv_cents, p.ltv_low_cents, p.ltv_high_cents)),
    tile("expected_revenue_cents", format.money(p.expected_revenue_cents), ranged(p.expected_revenue_cents, p.revenue_low_cents, p.revenue_high_cents)),
    tile("next_purchase_predicted_date", p.next_purchase_predicted_date ? format.day(p.next_purchase_predicted_date) : T.customer.noDate, [`${format.percent(p.purchase_probability)} chance `, term("purchase_probability", T.customer.within)]),
    tile("churn_risk_score", format.percent(p.churn_risk_score), T.customer.soon(format.percent(p.next_purchase_probability))),
    tile("probability_alive", format.percent(p.probability_alive), T.customer.alive),
  );
}

function reasonsCard(p) {
  if (!p.churn_reasons?.length) return null;
  return card(term("churn_reasons", T.customer.why(format.percent(p.churn_risk_score))), {}, h("ul.reasons", {}, p.churn_reasons.map((text) => own(format.ours(text), "li"))));
}

function curveCard(outlook, p) {
  const start = format.toDate(p.as_of).getTime();
  const at = (day) => new Date(start + day * 86_400_000);
  const points = outlook.curve.map((one) => ({ x: at(one.day), y: one.probability }));
  const top = Math.min(1, Math.max(0.1, Math.ceil(points.at(-1).y * 11) / 10));
  const next = p.next_purchase_predicted_date && format.toDate(p.next_purchase_predicted_date);
  const span = p.next_purchase_date_low && { from: format.toDate(p.next_purchase_date_low), to: format.toDate(p.next_purchase_date_high) };
  const chart = curve({
    label: T.customer.curve(format.day(p.next_purchase_predicted_date)),
    points,
    yTop: top,
    write: (value) => format.percent(value),
    timeFormat: format.monthAndYear,
    marks: next ? [{ x: next, label: format.dayOf(next) }] : [],
    span,
    tell: ({ x, y }) => T.customer.curveAt(format.dayOf(x), format.percent(y, 1)),
    table: () => ({ head: T.customer.curveHead, rows: points.map((one) => [format.dayOf(one.x), format.percent(one.y, 1)]) }),
    tall: 310,
  });
  const note = span && T.customer.middleDay(h("strong", {}, format.dayOf(next)));
  return card(term("curve"), { note }, chart);
}

function timelineCard({ timeline, total }, answer) {
  if (!timeline.length) return card(term("timeline"), { wide: 8 }, empty(...T.customer.noOrders));
  const last = answer.meta.calculation_date.slice(0, 10);
  const chart = moves({ label: `${format.many(total, "order or refund", "orders and refunds")} by day`, rows: timeline, first: timeline.at(-1).day, last: last > timeline.at(-1).day ? last : timeline[0].day });
  const refunds = timeline.some((row) => row.kind === "refund" || row.status === "refunded");
  const legend = refunds && h("p.legend", {}, h("span.key.one", {}), T.customer.order, h("span.key.two", {}), T.customer.refundLegend);
  const body = h("tbody", {}, timeline.slice(0, MOVES_LISTED).map(moveRow));
  const more = timeline.length > MOVES_LISTED && h("button.link", { type: "button" }, T.customer.showAll(format.count(timeline.length)));
  if (more) {
    more.addEventListener("click", () => {
      body.append(...timeline.slice(MOVES_LISTED).map(moveRow));
      more.remove();
    });
  }
  const table = h("div.scroll", { tabindex: "0", role: "region", "aria-label": T.customer.orders }, h("table.plain.wide", {}, h("thead", {}, h("tr", {}, T.customer.ordersHead.map((text, n) => h(n === 3 ? "th.number" : "th", { scope: "col" }, text)))), body));
  const note = total > timeline.length ? T.customer.newest(format.count(timeline.length), format.count(total)) : null;
  return card(term("timeline"), { wide: 8, note }, chart, legend, table, more);
}

function moveRow(row) {
  const what = row.kind === "refund" ? T.customer.refundOf(row.order_id && own(row.order_id)) : [T.customer.order, " ", own(row.id), row.status === "refunded" && h("span.below", {}, ` ${T.customer.refunded}`)];
  const rest = row.lines - row.products.length;
  const products = row.products.length ? [row.products.map((name, n) => [n ? ", " : "", own(name)]), rest > 0 && `, ${format.count(rest)} more`] : "–";
  const amount = row.kind === "refund" ? format.money(-row.amount_cents) : format.money(row.amount_cents);
  return h("tr", {}, h("th", { scope: "row" }, format.day(row.day)), h("td", {}, what), h("td.products", {}, products), h("td.number", {}, amount));
}

function productsCard({ product_breakdown: products }) {
  const known = (products ?? []).filter((one) => one.product_id !== "unattributed");
  if (!known.length) return card(term("products"), { wide: 4 }, empty(...T.customer.noProducts));
  const rows = products.slice(0, 8).map((one) =>
    h("li", {}, h("div.line", {}, own(one.product_id === "unattributed" ? T.customer.unattributed : one.product_name, "bdi.name"), h("span.worth", {}, format.money(one.revenue_cents))), h("div.line.small", {}, meter(one.percentage_of_total / 100), h("span", {}, format.percent(one.percentage_of_total / 100)))),
  );
  const table = () => ({ head: T.customer.productsHead, rows: products.map((one) => [own(one.product_name ?? one.product_id), format.money(one.revenue_cents), format.count(one.orders)]) });
  return card(term("products"), { wide: 4 }, h("ul.segments", {}, rows), products.length > 8 && h("p.below", {}, T.customer.moreProducts(format.count(products.length - 8))), numbers(T.customer.products, table));
}

function aliveCard(alive) {
  const points = alive.map((one) => ({ x: format.toDate(one.as_of), y: one.probability_alive }));
  const chart = curve({
    label: T.customer.aliveLabel,
    points,
    yTop: 1,
    write: (value) => format.percent(value),
    timeFormat: format.monthAndYear,
    smooth: false,
    dots: true,
    tell: ({ x, y }) => `${format.dayOf(x)}\n${format.percent(y, 1)} chance of ever buying again`,
    table: () => ({ head: T.customer.aliveHead, rows: points.map((one) => [format.dayOf(one.x), format.percent(one.y, 1)]) }),
  });
  return card(term("alive_history"), {}, chart);
}

function forecastCard(forecast, p) {
  const start = format.toDate(p.as_of).getTime();
  const points = forecast.map((one) => ({ x: new Date(start + one.day * 86_400_000), y: one.expected_revenue_cents, low: one.revenue_low_cents, high: one.revenue_high_cents }));
  const top = Math.max(1, ...points.map((one) => Math.max(one.high, one.y))) * 1.05;
  const chart = curve({
    label: T.customer.expectedLabel,
    points,
    yTop: top,
    write: format.shortMoney,
    timeFormat: format.monthAndYear,
    smooth: false,
    tell: ({ x, y, low, high }) => T.customer.expectedAt(format.dayOf(x), format.money(y), format.money(low), format.money(high)),
    table: () => ({ head: T.customer.expectedHead, rows: points.map((one) => [format.dayOf(one.x), format.money(one.y), format.money(one.low), format.money(one.high)]) }),
  });
  const { y, low, high } = points.at(-1);
  const note = [h("strong", {}, format.money(y)), ` within a year, in 8 of 10 cases ${format.money(low)} to ${format.money(high)}`];
  return card(term("forecast"), { note }, chart);
}

function factsCard({ revenue_summary: facts, predictions: p, activity_status: activity }) {
  const words = (name, value) => {
    if (name.endsWith("_cents")) return format.money(value);
    if (name.endsWith("_date")) return format.day(value);
    if (name.endsWith("_days") || name.startsWith("avg_days")) return format.days(value);
    return typeof value === "string" ? format.words(value) : format.count(value);
  };
  const rows = Object.entries(facts).filter(([name]) => name in DEFINITIONS && name !== "purchase_frequency_days").map(([name, value]) => {
    return h("div", {}, h("dt", {}, term(name)), h("dd", {}, words(name, value)));
  });
  if (activity && !p) rows.push(h("div", {}, h("dt", {}, term("activity_status")), h("dd", {}, format.words(activity))));
  if (p) {
    rows.push(h("div", {}, h("dt", {}, term("expected_purchases")), h("dd", {}, `${format.count(p.expected_purchases, 1)} (${format.count(p.purchases_low)} to ${format.count(p.purchases_high)})`)));
    rows.push(h("div", {}, h("dt", {}, term("tier")), h("dd", {}, format.words(p.tier))));
  }
  return card(T.customer.numbers, { wide: 12 }, h("dl.facts", {}, rows));
}
