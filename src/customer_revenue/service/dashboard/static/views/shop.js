// The shop: revenue and its forecast, what cohorts brought and will bring, who is worth what, and who moved.

import { get } from "../api.js";
import { curve } from "../charts/curves.js";
import { numbers } from "../charts/frame.js";
import { cohortMap, moneyMap, rfmMap } from "../charts/grids.js";
import { months } from "../charts/months.js";
import { outlook } from "../charts/outlook.js";
import { h } from "../dom.js";
import * as format from "../format.js";
import { term } from "../hints.js";
import { badge, card, empty, later, meter, optional, plain, problem } from "../parts.js";
import { link } from "../place.js";
import { T } from "../texts.js";

const AGES = [0, 30, 90, 180, 270, 365];
const COHORTS = 18;
const PAST = 24;
const AHEAD = 12;

export async function draw(_, context, signal) {
  const late = [
    ["/forecast", { months: AHEAD }, forecastCard],
    ["/cohort-money", { max_days: 365 }, moneyCard],
    ["/segment-flows", { by: "segment" }, flowsCard],
  ].map(([path, parameters, drawn]) => [optional(get(path, parameters, signal)), drawn]);
  for (const [promise] of late) promise.catch(() => {}); // handled below, unless the view is left first
  const overview = await get("/dashboard/overview", { part: "charts" }, signal);
  const [forecast, money, flows] = late.map(([promise, drawn]) => later(promise, (answer) => drawn(answer, overview, context)));
  return {
    title: T.shop.title,
    parts: [
      h("div.head", {}, h("h1", {}, T.shop.title)),
      h("div.grid", {}, forecast, peopleCard(overview), segmentsCard(overview, context), flows, money, rfmCard(overview, context), cohortsCard(overview), concentrationCard(overview)),
    ],
  };
}

function forecastCard(answer, { monthly }) {
  const past = monthly.slice(-PAST).map((row) => ({ label: format.month(row.month), value: row.net_revenue_cents, complete: row.complete }));
  const ahead = answer.error ? [] : answer.path.map((row) => ({ label: format.day(row.last_day), value: row.total_net_revenue_cents, low: row.total_low_cents * share(row), high: row.total_high_cents * share(row) }));
  const tell = (row) => (row.is === "past" ? `${row.label}${row.complete ? "" : `\n${T.shop.part}`}\n${format.money(row.value)}` : `${row.label}\n${format.money(row.value)}\n${T.range(...format.ends(row.low, row.high))}`);
  const chart = outlook({ label: T.shop.forecast, past, ahead, write: format.money, short: format.shortMoney, tell, names: [T.acquisition.month, T.shop.actual, T.shop.expected] });
  const legend = h("p.legend", {}, h("span.key.one", {}), T.shop.actual, h("span.key.part", {}), T.shop.part, ahead.length ? [h("span.key.line-key", {}), term("shop_forecast", T.shop.expected)] : "");
  return card(term("monthly", T.shop.forecast), { wide: 12 }, answer.error && h("p.note.warn", {}, T.shop.noForecast), chart, legend);
}

/** Net of refunds, as the path's own figure is; the band is that of revenue before refunds. */
const share = (row) => (row.total_revenue_cents > 0 ? row.total_net_revenue_cents / row.total_revenue_cents : 1);

function peopleCard({ monthly }) {
  const chart = months({
    label: T.shop.newAndReturning,
    rows: monthly.slice(-PAST),
    series: [
      { name: T.shop.returning, className: "one", value: (m) => m.returning_customers },
      { name: T.shop.fresh, className: "two", value: (m) => m.new_customers },
    ],
    write: (value) => format.count(value),
    short: format.shortCount,
    tall: 210,
  });
  const legend = h("p.legend", {}, h("span.key.one", {}), term("returning_customers"), h("span.key.two", {}), term("new_customers"));
  return card(T.shop.byMonth, { wide: 7 }, chart, legend);
}

function segmentsCard({ segment_shares: shares }, context) {
  const found = new Map(shares.map((one) => [one.customer_segment, one]));
  const sum = (name) => shares.reduce((all, one) => all + one[name], 0) || 1;
  const [everybody, everything] = [sum("customer_count"), sum("total_revenue_cents")];
  const rows = context.segments.map(({ name, from_total_revenue_cents: from }, place) => {
    const one = found.get(name) ?? { customer_count: 0, total_revenue_cents: 0 };
    const above = context.segments[place - 1]?.from_total_revenue_cents;
    const limit = from ? `${format.wholeMoney(from)} and more` : `below ${format.wholeMoney(above ?? 0)}`;
    return h(
      "li.segment",
      {},
      h("div.line", {}, h("span", {}, badge(name), h("span.below", {}, ` ${limit}`)), h("a.worth", { href: link("customers", "", { segment: name }) }, format.many(one.customer_count, "customer"))),
      h("div.line.small", {}, meter(one.total_revenue_cents / everything, `segment-${place}`), h("span", {}, `${format.percent(one.total_revenue_cents / everything)} of revenue`)),
      h("div.line.small", {}, meter(one.customer_count / everybody, "people"), h("span", {}, `${format.percent(one.customer_count / everybody)} of customers`)),
    );
  });
  return card(term("segments", T.shop.segments), { wide: 5 }, h("ul.segments", {}, rows));
}

function moneyCard(answer) {
  if (answer.error) return card(term("cohort_money", T.shop.money), { wide: 12 }, problem(answer.error));
  const cohorts = answer.cohorts.slice(-COHORTS);
  if (!cohorts.length) return null;
  const known = AGES.filter((age) => cohorts.some((one) => one.curve.some((cell) => cell.days === age)));
  const head = [T.shop.cohort, T.shop.people, ...known.map((age) => (age ? T.shop.days(format.count(age)) : T.shop.onTheDay))];
  return card(term("cohort_money", T.shop.money), { wide: 12, note: T.shop.moneyNote }, moneyMap({ cohorts, ages: known, label: T.shop.money, head, write: format.money }));
}

function flowsCard(answer) {
  const title = term("flows", T.shop.flows);
  if (answer.error) return card(title, { wide: 12 }, answer.error.code === "invalid_parameter" ? empty(...T.shop.early) : problem(answer.error));
  const moved = answer.flows.filter((one) => one.from_group !== one.to_group);
  const stayed = answer.flows.filter((one) => one.from_group === one.to_group).reduce((sum, one) => sum + one.customers, 0);
  const note = `${T.shop.flowsNote(format.day(answer.since), format.day(answer.until))}. ${T.shop.stayed(format.many(stayed, "customer"))}`;
  const rows = moved.map((one) => [
    one.from_group ? badge(one.from_group) : T.shop.firstOrder,
    badge(one.to_group),
    h("a", { href: link("customers", "", { segment: one.to_group }) }, format.count(one.customers)),
    format.money(one.net_revenue_cents),
  ]);
  return card(title, { wide: 12, note }, rows.length ? plain(T.shop.flows, [T.shop.flowsFrom, T.shop.flowsTo, T.shop.flowCustomers, T.shop.flowNet], rows, [2, 3]) : empty(...T.shop.noFlows));
}

function cohortsCard({ cohorts }) {
  const rows = cohorts.rows.filter((one) => one.cells.some((cell) => cell.age > 0));
  const note = T.shop.retentionNote(cohorts.unit, cohorts.left_out ? format.count(cohorts.rows.length) : null);
  const content = rows.length ? cohortMap({ unit: cohorts.unit, rows }) : empty(...T.shop.noRetention(cohorts.unit));
  return card(term("cohorts", T.shop.cohorts), { wide: 8, note }, content);
}

function concentrationCard({ lorenz, concentration }) {
  if (!concentration || lorenz.length < 2) return card(term("concentration"), { wide: 4 }, empty(...T.shop.fewForShares));
  const points = [{ x: 0, y: 0, row: null }, ...lorenz.map((one) => ({ x: one.percentage_of_customers / 100, y: one.percentage_of_revenue / 100, row: one }))];
  const tell = ({ row: one }) =>
    one ? T.shop.least(format.percent(one.percentage_of_customers / 100), format.percent(one.percentage_of_revenue / 100, 1)) : T.shop.nobody;
  const chart = curve({
    label: T.shop.shares,
    points,
    yTop: 1,
    write: (value) => format.percent(value),
    xLabels: [0, 0.25, 0.5, 0.75, 1].map((value) => [value, format.percent(value)]),
    ideal: [{ x: 0, y: 0 }, { x: 1, y: 1 }],
    smooth: false,
    tell,
    tall: 230,
    table: () => ({ head: T.shop.sharesHead, rows: lorenz.map((one) => [format.percent(one.percentage_of_customers / 100), format.percent(one.percentage_of_revenue / 100, 1)]) }),
  });
  const say = [T.shop.best(h("strong", {}, format.percent(concentration.top_10_percent / 100))), " ", term("gini"), ` ${format.count(concentration.gini, 2)}`];
  return card(term("concentration"), { wide: 4, note: say }, chart);
}

function rfmCard({ rfm }, context) {
  const advice = new Map(context.rfm_groups.map((group) => [group.name, group.advice]));
  const groups = rfm.groups.map((one) =>
    h(
      "li",
      {},
      h("div.who", {}, h("a.play", { href: link("customers", "", { rfm_group: one.rfm_group }) }, format.words(one.rfm_group)), h("span.below", {}, advice.get(one.rfm_group))),
      h("div.worth", {}, h("span", {}, format.percent(one.percentage_of_total_revenue / 100)), h("span.below", {}, format.many(one.customer_count, "customer"))),
    ),
  );
  const table = () => ({
    head: T.shop.groupsHead,
    rows: rfm.groups.map((one) => [format.words(one.rfm_group), format.count(one.customer_count), format.money(one.total_revenue_cents)]),
  });
  return card(
    term("rfm", T.shop.rfm),
    { wide: 12, note: T.shop.rfmNote },
    h("div.pair", {}, rfmMap(rfm.cells, [term("recency_score"), " →"], ["↑ ", term("frequency_score")]), h("div", {}, h("h3", {}, T.shop.groups), h("ol.rows.groups", {}, groups), numbers(T.shop.rfmGroups, table))),
  );
}
