// The one list of customers: searched, filtered, sorted, paged, in columns of one's choice, saved as views and files.

import { download, get } from "../api.js";
import { h, own } from "../dom.js";
import { DEFINITIONS } from "../definitions.js";
import * as format from "../format.js";
import { badge, customerLink, empty, meter, saver } from "../parts.js";
import { PERIODS, changed, link } from "../place.js";
import { T } from "../texts.js";
import { savedViews } from "./saved.js";

const PAGE = 25;
const PATH = "/dashboard/customers";
const SORT = "net_revenue_cents";
const STATUSES = Object.keys(T.status);
const STAGES = ["new", "active", "at_risk", "churned"];
const CONDITIONS = ["search", "segment", "status", "decision", "rfm_group", "stage", "activity", "recency", "frequency", "first_month", "net_from", "risk_from", "silent_from", "period"];

const RARE = ["rfm_group", "stage", "net_from", "risk_from", "silent_from"];

const money = (row, name) => format.money(row[name]);
const risk = (row, name) => (row[name] === null ? "–" : [meter(row[name], "risk"), h("span.share", {}, format.percent(row[name]))]);

/** Each column: how a cell is drawn, and whether it is a number, needs a model, or is shown at first. */
const COLUMNS = {
  net_revenue_cents: { cell: money, number: true, first: true, keep: true },
  churn_risk_score: { cell: risk, number: true, predicted: true, first: true, keep: true },
  customer_status: { cell: (row) => row.customer_status && badge(row.customer_status, "status", T.status[row.customer_status]), predicted: true, first: true },
  customer_segment: { cell: (row) => badge(row.customer_segment), first: true },
  total_revenue_cents: { cell: money, number: true },
  total_refunds_cents: { cell: money, number: true },
  profit_cents: { cell: money, number: true },
  total_orders: { cell: (row, name) => format.count(row[name]), number: true, first: true },
  avg_order_value_cents: { cell: money, number: true },
  first_purchase_date: { cell: (row, name) => format.day(row[name]), number: true },
  last_purchase_date: { cell: (row, name) => format.day(row[name]), number: true, first: true },
  days_since_purchase: { cell: (row, name) => format.days(row[name]), number: true },
  estimated_ltv_cents: { cell: money, number: true, predicted: true, first: true },
  next_purchase_probability: { cell: risk, number: true, predicted: true },
  expected_revenue_cents: { cell: money, number: true, predicted: true },
  revenue_at_risk_cents: { cell: money, number: true, predicted: true },
  value_at_risk_cents: { cell: money, number: true, predicted: true },
  decision: { cell: (row, _, names) => (row.decision === "leave_alone" ? T.nothing : own(names.get(row.decision) ?? format.words(row.decision))), predicted: true },
  decision_profit_cents: { cell: money, number: true, predicted: true },
  lifecycle_stage: { cell: (row) => row.lifecycle_stage && badge(row.lifecycle_stage, "stage") },
};

export async function draw({ period, parameters }, context, signal) {
  const wanted = Object.fromEntries(CONDITIONS.map((name) => [name, parameters.getAll(name)]));
  wanted.period = [period];
  const names = new Map(context.actions.map((one) => [one.code, one.text]));
  const chosen = (parameters.get("columns") ?? "").split(",").filter((name) => name in COLUMNS);
  const columns = chosen.length ? chosen : Object.keys(COLUMNS).filter((name) => COLUMNS[name].first);
  const sort = parameters.get("sort") === "customer_id" || parameters.get("sort") in COLUMNS ? parameters.get("sort") : SORT;
  const descending = parameters.get("order") !== "up";
  const page = Math.max(1, Number.parseInt(parameters.get("page") ?? "1", 10) || 1);
  const asked = { ...wanted, net_from: wanted.net_from.map((units) => Math.round(Number(units) * format.minor())), risk_from: wanted.risk_from.map((percent) => Number(percent) / 100), sort, descending };
  const answer = await get(PATH, { ...asked, limit: PAGE, offset: (page - 1) * PAGE }, signal);
  const { total, customers, predicted } = answer;
  const shown = columns.filter((name) => predicted || !COLUMNS[name].predicted);
  const narrowed = CONDITIONS.some((name) => name !== "period" && wanted[name].length);
  return {
    title: T.customers.title,
    parts: [
      h("div.head", {}, h("div", {}, h("h1", {}, T.customers.title), h("p.below", { role: "status" }, format.many(total, "customer"))), total ? saver(T.customers.file(format.count(total)), () => download(PATH, { ...asked, format: "csv" })) : null),
      filters(wanted, context, names),
      also(wanted, narrowed),
      h("div.tools", {}, chooser(columns, predicted), savedViews()),
      !predicted && h("p.note.warn", {}, T.customers.facts),
      customers.length ? table(shown, customers, sort, descending, names) : nobody(narrowed, total),
      total > PAGE || page > 1 ? pages(page, total) : null,
    ],
  };
}

function nobody(narrowed, total) {
  if (total) return empty(T.customers.past);
  const words = narrowed ? T.customers.none : T.customers.nobody;
  return empty(...words, h("a.button", { href: link("customers") }, T.customers.everybody));
}

function filters(wanted, context, names) {
  const go = (name, value) => {
    location.hash = changed({ [name]: value, page: [] });
  };
  const field = (name, control) => h("div.field", {}, h("label", { for: `filter-${name}` }, T.customers[name]), control);
  const select = (name, options) => {
    const value = wanted[name][0] ?? "";
    const element = h("select", { id: `filter-${name}`, onchange: () => go(name, element.value ? [element.value] : []) }, h("option", { value: "" }, T.customers.any), options.map(([key, text]) => h("option", { value: key, selected: key === value }, text)));
    return field(name, element);
  };
  const typed = (name, attributes) => {
    const element = h("input", { id: `filter-${name}`, ...attributes, value: wanted[name][0] ?? "", onchange: () => go(name, element.value.trim() ? [element.value.trim()] : []) });
    return field(name, element);
  };
  const period = h("select", { id: "filter-period", onchange: () => go("period", period.value) }, Object.entries(PERIODS).map(([key, text]) => h("option", { value: key, selected: key === wanted.period[0] }, text)));
  const search = typed("search", { type: "search", placeholder: T.customers.searchHint, maxlength: "200", autocomplete: "off", spellcheck: "false" });
  const first = [
    select("segment", context.segments.map((one) => [one.name, format.words(one.name)])),
    select("status", STATUSES.map((name) => [name, T.status[name]])),
    select("decision", [...names, ["leave_alone", T.nothing]]),
  ];
  const rest = [
    select("rfm_group", context.rfm_groups.map((one) => [one.name, format.words(one.name)])),
    select("stage", STAGES.map((name) => [name, format.words(name)])),
    field("period", period),
    typed("net_from", { type: "number", min: "0", step: "any", inputmode: "decimal" }),
    typed("risk_from", { type: "number", min: "0", max: "100", placeholder: "%" }),
    typed("silent_from", { type: "number", min: "0", max: "100000" }),
  ];
  return h("form.filters", { role: "search", "aria-label": T.customers.filters, onsubmit: (event) => event.preventDefault() }, search, first, h("details.rest", { open: RARE.some((name) => wanted[name].length) || wanted.period[0] !== "all_time" }, h("summary", {}, T.customers.more), h("div.rest-fields", {}, rest)));
}

/** Conditions that come from a mark of a chart and have no field of their own, and the way back. */
function also(wanted, narrowed) {
  const texts = [
    ...wanted.recency.map((score) => T.customers.recency(score)),
    ...wanted.frequency.map((score) => T.customers.frequency(score)),
    ...wanted.first_month.map((month) => T.customers.first_month(format.month(month))),
    ...wanted.activity.map((name) => format.words(name).toLowerCase()),
  ];
  if (!narrowed) return null;
  return h("p.also", {}, texts.length ? h("span", {}, T.customers.also(T.and(texts))) : "", h("a.button", { href: changed(Object.fromEntries([...CONDITIONS, "page"].map((name) => [name, []]))) }, T.customers.clear));
}

function chooser(columns, predicted) {
  const boxes = Object.keys(COLUMNS)
    .filter((name) => predicted || !COLUMNS[name].predicted)
    .map((name) => {
      const next = () => Object.keys(COLUMNS).filter((one) => (one === name ? !columns.includes(one) : columns.includes(one)));
      return h("label.check", {}, h("input", { type: "checkbox", checked: columns.includes(name), onchange: () => (location.hash = changed({ columns: next().join(",") })) }), DEFINITIONS[name].label);
    });
  return h("details.menu", {}, h("summary", {}, T.customers.columns), h("div.sheet", {}, boxes));
}

function table(columns, rows, sort, descending, names) {
  const kind = (name) => [COLUMNS[name].number && "number", !COLUMNS[name].keep && "small"].filter(Boolean).map((one) => `.${one}`).join("");
  const heading = (name, classes) => {
    const on = name === sort;
    return h(
      `th${classes}`,
      { scope: "col", "aria-sort": on ? (descending ? "descending" : "ascending") : undefined },
      h("a.sort", { href: changed({ sort: name, order: on && descending ? "up" : [], page: [] }), "data-term": name }, DEFINITIONS[name].label, h("span.arrow", { "aria-hidden": "true" }, on ? (descending ? " ↓" : " ↑") : "")),
    );
  };
  return h(
    "div.scroll.listed",
    { tabindex: "0", role: "region", "aria-label": T.customers.title },
    h(
      "table.list",
      {},
      h("thead", {}, h("tr", {}, heading("customer_id", ""), columns.map((name) => heading(name, kind(name))))),
      h("tbody", {}, rows.map((row) => h("tr", {}, h("th", { scope: "row" }, customerLink(row)), columns.map((name) => h(`td${kind(name)}`, {}, COLUMNS[name].cell(row, name, names)))))),
    ),
  );
}

function pages(page, total) {
  const lastPage = Math.max(1, Math.ceil(total / PAGE));
  const to = (n, label, off) => (off ? h("span.button.off", { "aria-disabled": "true" }, label) : h("a.button", { href: changed({ page: n === 1 ? [] : String(n) }) }, label));
  const from = (page - 1) * PAGE + 1;
  return h(
    "nav.pages",
    { "aria-label": T.customers.pages },
    to(page - 1, T.customers.previous, page <= 1),
    h("span", {}, from > total ? T.customers.past : T.customers.of(format.count(from), format.count(Math.min(page * PAGE, total)), format.count(total))),
    to(page + 1, T.customers.next, page >= lastPage),
  );
}
