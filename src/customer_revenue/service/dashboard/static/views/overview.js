// The overview: metrics, top customers, customers at risk, actions, charts.

import { get } from "../api.js";
import { cohortMap, rfmMap } from "../charts/grids.js";
import { curve } from "../charts/curves.js";
import { numbers } from "../charts/frame.js";
import { months } from "../charts/months.js";
import { h, own } from "../dom.js";
import * as format from "../format.js";
import { term } from "../hints.js";
import { badge, card, customerLink, empty, meter, problem, skeleton, tile } from "../parts.js";
import { link, write } from "../place.js";

export const bones = [[96, 96, 96, 96], [260, 260, 260], [300, 300]];
const SHORT = 7;
const SHORT_ACTIONS = 5;
const SOON = 500;

const optional = (promise) =>
  promise.catch((error) => {
    if (error.name === "AbortError" || ["unauthorized", "no_answer"].includes(error.code)) throw error;
    return { error };
  });

export async function draw({ period, segments }, context, signal) {
  const filters = { period, segment: segments };
  const list = { ...filters, limit: SHORT };
  const charts = optional(get("/dashboard/overview", { ...filters, part: "charts" }, signal));
  charts.catch(() => {}); // handled below, unless the view is left first
  const [overview, best, risk, actions] = await Promise.all([
    get("/dashboard/overview", { ...filters, part: "metrics" }, signal),
    get("/dashboard/customers", { ...list, sort: "net_revenue_cents" }, signal),
    get("/dashboard/customers", { ...list, show: "at_risk", sort: "revenue_at_risk_cents" }, signal),
    optional(get("/dashboard/actions", { ...filters, limit: SHORT_ACTIONS }, signal)),
  ]);
  if (!overview.metrics.total_customers.value) return { title: "Overview", parts: [h("h1.unseen", {}, "Overview"), nobody()] };
  return {
    title: "Overview",
    parts: [
      h("h1.unseen", {}, "Overview"),
      tiles(overview),
      h("div.grid", {}, bestCard(best), riskCard(risk), actionsCard(actions)),
      await soon(charts, (drawn) => (drawn.error ? problem(drawn.error) : chartsOf(drawn, context, segments))),
    ],
  };
}

function chartsOf(drawn, context, segments) {
  return h("div.grid", {}, monthlyCard(drawn), segmentsCard(drawn, context, segments), cohortsCard(drawn), concentrationCard(drawn), rfmCard(drawn, context));
}

/** The fast parts at once, and a placeholder for the slow ones, so that the lists do not wait for the charts. */
async function soon(promise, draw) {
  const late = Symbol("late");
  const first = await Promise.race([promise, new Promise((resolve) => setTimeout(resolve, SOON, late))]);
  if (first !== late) return draw(first);
  const place = h("div.later", {}, skeleton([300, 300], [300]));
  promise.then(
    (answer) => place.replaceWith(draw(answer)),
    (error) => error.name !== "AbortError" && place.replaceWith(problem(error)),
  );
  return place;
}

function nobody() {
  return empty("Nobody bought in this period", "Choose a longer period or other segments.", h("a.button", { href: write("overview", "", {}) }, "Show everything"));
}

function tiles({ metrics, compared_with: before, period }) {
  const against = {
    all_time: "on 30 days ago",
    last_12_months: "on the 12 months before",
    last_6_months: "on the 6 months before",
    ytd: "on a year ago",
  }[period];
  const moved = ({ value, before: then }) => {
    if (then === null || !then) return h("span.quiet", {}, before ? "nothing to compare with" : "no full period before");
    return delta(value / then - 1, format.percent(Math.abs(value / then - 1), 1), against);
  };
  const growth = metrics.customer_growth_rate;
  const points = growth.value !== null && growth.before !== null ? growth.value - growth.before : null;
  return h(
    "dl.tiles",
    {},
    tile("total_customers", format.count(metrics.total_customers.value), moved(metrics.total_customers)),
    tile("avg_customer_value_cents", format.money(metrics.avg_customer_value_cents.value), moved(metrics.avg_customer_value_cents)),
    tile("top_customer_value_cents", format.money(metrics.top_customer_value_cents.value), moved(metrics.top_customer_value_cents)),
    tile(
      "customer_growth_rate",
      growth.value === null ? "–" : format.change(growth.value / 100),
      points === null
        ? h("span.quiet", {}, growth.value === null ? "no new customers to compare with" : "no full period before")
        : delta(points, `${format.count(Math.abs(points), 1)} points`, against),
    ),
  );
}

function delta(value, text, against) {
  const way = Math.abs(value) < 0.0005 ? "flat" : value > 0 ? "up" : "down";
  return [
    h("span.delta", { "data-way": way }, h("span", { "aria-hidden": "true" }, { up: "▲ ", down: "▼ ", flat: "" }[way]), h("span.unseen", {}, `${way} `), text),
    ` ${against}`,
  ];
}

function row(customer, below, value, under) {
  return h("li", {}, h("div.who", {}, customerLink(customer), h("span.below", {}, below)), h("div.worth", {}, h("span", {}, value), under && h("span.below", {}, under)));
}

function bestCard({ customers, total }) {
  const rows = customers.map((one) => row(one, `${format.many(one.total_orders, "order")}, last ${format.day(one.last_purchase_date)}`, format.money(one.net_revenue_cents), one.estimated_ltv_cents !== null && `LTV ${format.money(one.estimated_ltv_cents)}`));
  return card("Best customers", { wide: 4, note: ["By ", term("net_revenue_cents", "net revenue"), " of the period"], action: more("best", total) }, h("ol.rows", {}, rows));
}

function riskCard({ customers, total, predicted }) {
  const note = predicted ? ["By ", term("revenue_at_risk_cents", "revenue at risk"), ", silent for over 90 days"] : ["By ", term("total_revenue_cents", "revenue"), ", silent for over 90 days"];
  const rows = customers.map((one) =>
    row(
      one,
      `silent for ${format.days(one.days_since_purchase)}`,
      predicted ? format.money(one.revenue_at_risk_cents) : format.money(one.total_revenue_cents),
      predicted && `${format.percent(one.churn_risk_score)} churn risk`,
    ),
  );
  const content = rows.length ? h("ol.rows", {}, rows) : empty("Nobody is slipping away", "Every customer shown here bought within 90 days.");
  return card("Slipping away", { wide: 4, note, action: more("risk", total) }, content);
}

function actionsCard({ actions, total, error }) {
  const title = "Do this week";
  if (error) return card(title, { wide: 4, note: "Actions rest on predictions" }, problem(error));
  if (!actions.length) return card(title, { wide: 4 }, empty("Nothing is worth its cost", "No rule of the policy brings more than it costs for these customers."));
  const rows = actions.map((one) => row(one, [own(one.text, "span.do"), own(one.reason, "span")], format.money(one.expected_value_cents)));
  return card(title, { wide: 4, note: ["By what acting is ", term("expected_value_cents", "worth")], action: more("actions", total) }, h("ol.rows", {}, rows));
}

function more(view, total) {
  return total > SHORT ? h("a.more", { href: link(view) }, `All ${format.count(total)}`) : null;
}

function monthlyCard({ monthly }) {
  const revenue = months({
    label: "Revenue by month",
    rows: monthly,
    series: [{ name: "Revenue", className: "one", value: (m) => m.revenue_cents }],
    write: format.money,
    short: format.shortMoney,
    tall: 190,
  });
  const customers = months({
    label: "New and returning customers by month",
    rows: monthly,
    series: [
      { name: "Returning", className: "one", value: (m) => m.returning_customers },
      { name: "New", className: "two", value: (m) => m.new_customers },
    ],
    write: (value) => format.count(value),
    short: format.shortCount,
    tall: 150,
  });
  const legend = h("p.legend", {}, h("span.key.one", {}), term("returning_customers"), h("span.key.two", {}), term("new_customers"), " customers");
  return card(term("monthly"), { wide: 8 }, revenue, legend, customers);
}

function segmentsCard({ segment_shares: shares }, context, chosen) {
  const found = new Map(shares.map((one) => [one.customer_segment, one]));
  const sum = (name) => shares.reduce((all, one) => all + one[name], 0) || 1;
  const [everybody, everything] = [sum("customer_count"), sum("total_revenue_cents")];
  const rows = context.segments.map(({ name, from_total_revenue_cents: from }, place) => {
    const one = found.get(name) ?? { customer_count: 0, total_revenue_cents: 0 };
    const [revenue, people] = [one.total_revenue_cents / everything, one.customer_count / everybody];
    const dim = chosen.length && !chosen.includes(name);
    const above = context.segments[place - 1]?.from_total_revenue_cents;
    const limit = from ? `${format.wholeMoney(from)} and more` : `below ${format.wholeMoney(above ?? 0)}`;
    return h(
      `li.segment${dim ? ".dim" : ""}`,
      {},
      h("div.line", {}, h("span", { "data-tip": `${format.words(name)}: ${limit} of revenue, all time`, tabindex: "0" }, badge(name)), h("span.worth", {}, format.money(one.total_revenue_cents))),
      h("div.line.small", {}, meter(revenue, `segment-${place}`), h("span", {}, `${format.percent(revenue)} of revenue`)),
      h("div.line.small", {}, meter(people, "people"), h("span", {}, `${format.percent(people)} of customers`)),
      h("p.below", {}, `${format.many(one.customer_count, "customer")}, ${limit}`),
    );
  });
  return card(term("segments"), { wide: 4 }, h("ul.segments", {}, rows));
}

function concentrationCard({ lorenz, concentration }) {
  const points = [{ x: 0, y: 0, row: null }, ...lorenz.map((one) => ({ x: one.percentage_of_customers / 100, y: one.percentage_of_revenue / 100, row: one }))];
  const tell = ({ row: one }) =>
    one ? `The least ${format.percent(one.percentage_of_customers / 100)} of customers\nbring ${format.percent(one.percentage_of_revenue / 100, 1)} of revenue` : "No customers, no revenue";
  const chart = curve({
    label: "Share of revenue by share of customers, from the least to the best",
    points,
    yTop: 1,
    write: (value) => format.percent(value),
    xLabels: [0, 0.25, 0.5, 0.75, 1].map((value) => [value, format.percent(value)]),
    ideal: [{ x: 0, y: 0 }, { x: 1, y: 1 }],
    smooth: false,
    tell,
    tall: 230,
    table: () => ({ head: ["Customers", "Revenue"], rows: lorenz.map((one) => [format.percent(one.percentage_of_customers / 100), format.percent(one.percentage_of_revenue / 100, 1)]) }),
  });
  const say = ["The best 10 % of customers bring ", h("strong", {}, format.percent(concentration.top_10_percent / 100)), " of the revenue. ", term("gini"), ` ${format.count(concentration.gini, 2)}`];
  return card(term("concentration"), { wide: 4, note: say }, chart);
}

function cohortsCard({ cohorts }) {
  const rows = cohorts.rows.filter((one) => one.cells.some((cell) => cell.age > 0));
  const note = `Percent who bought again in each ${cohorts.unit} after their first purchase${cohorts.left_out ? `; the newest ${format.count(cohorts.rows.length)} cohorts` : ""}`;
  const content = rows.length ? cohortMap({ unit: cohorts.unit, rows }) : empty("Too early to tell", `No ${cohorts.unit} has passed since the first purchases of these customers.`);
  return card(term("cohorts"), { wide: 8, note }, content);
}

function rfmCard({ rfm }, context) {
  const advice = new Map(context.rfm_groups.map((group) => [group.name, group.advice]));
  const groups = rfm.groups.map((one) =>
    h(
      "li",
      {},
      h("div.who", {}, h("strong", {}, format.words(one.rfm_group)), h("span.below", {}, advice.get(one.rfm_group))),
      h("div.worth", {}, h("span", {}, format.percent(one.percentage_of_total_revenue / 100)), h("span.below", {}, format.many(one.customer_count, "customer"))),
    ),
  );
  const table = () => ({
    head: ["Group", "Customers", "Revenue"],
    rows: rfm.groups.map((one) => [format.words(one.rfm_group), format.count(one.customer_count), format.money(one.total_revenue_cents)]),
  });
  return card(
    term("rfm"),
    { wide: 12, note: "Customers by how recently and how often they bought" },
    h("div.pair", {}, rfmMap(rfm.cells, [term("recency_score"), " →"], ["↑ ", term("frequency_score")]), h("div", {}, h("h3", {}, "Groups by their share of revenue"), h("ol.rows.groups", {}, groups), numbers("RFM groups", table))),
  );
}
