// Long lists: top customers, customers at risk, actions. The server sorts and pages them.

import { download, get } from "../api.js";
import { h, own, say } from "../dom.js";
import * as format from "../format.js";
import { term } from "../hints.js";
import { badge, customerLink, empty, meter, problem } from "../parts.js";
import { changed } from "../place.js";

export const bones = [60, 480];
const PAGE = 25;

const money = (name) => ({ name, kind: "number", cell: (row) => format.money(row[name]) });
const count = (name) => ({ name, kind: "number", cell: (row) => format.count(row[name]) });
const share = (name) => ({ name, kind: "number", predicted: true, cell: (row) => (row[name] === null ? "–" : [meter(row[name], "risk"), h("span.share", {}, format.percent(row[name]))]) });
const customer = { name: "customer_id", cell: customerLink };
const segment = { name: "customer_segment", cell: (row) => badge(row.customer_segment), small: true };
const last = { name: "last_purchase_date", cell: (row) => format.day(row.last_purchase_date), kind: "number", small: true };
const predictedMoney = (name) => ({ ...money(name), predicted: true });
const small = (column) => ({ ...column, small: true });

const LISTS = {
  best: {
    title: "Best customers",
    path: "/dashboard/customers",
    asked: {},
    sort: "net_revenue_cents",
    key: "customers",
    columns: [customer, segment, money("net_revenue_cents"), small(money("total_revenue_cents")), small(count("total_orders")), small(money("avg_order_value_cents")), last, predictedMoney("estimated_ltv_cents"), small(share("churn_risk_score"))],
    none: ["Nobody bought in this period", "Choose a longer period or other segments."],
  },
  risk: {
    title: "Customers at risk",
    path: "/dashboard/customers",
    asked: { show: "at_risk" },
    sort: "revenue_at_risk_cents",
    key: "customers",
    activities: true,
    columns: [customer, segment, { ...count("days_since_purchase"), cell: (row) => format.days(row.days_since_purchase) }, small(money("total_revenue_cents")), small(predictedMoney("expected_revenue_cents")), small(share("churn_risk_score")), predictedMoney("revenue_at_risk_cents")],
    none: ["Nobody is slipping away", "No customer of this period and these segments has been silent for so long."],
  },
  actions: {
    title: "Actions",
    path: "/dashboard/actions",
    asked: {},
    sort: "expected_value_cents",
    key: "actions",
    columns: [
      customer,
      { name: "text", label: "What to do", cell: (row) => h("div.do-it", {}, own(row.text, "strong"), own(row.reason, "span.below")) },
      { name: "priority", label: "Priority", cell: (row) => badge(row.priority, "priority"), small: true },
      { ...money("expected_value_cents"), predicted: true },
    ],
    none: ["Nothing is worth its cost", "No rule of the policy brings more than it costs for these customers."],
  },
};

const ACTIVITIES = [
  ["at_risk", "Over 90 days"],
  ["declining", "60 to 90 days"],
  ["active", "30 to 60 days"],
];

export async function draw({ view, period, segments, parameters }, context, signal) {
  const list = LISTS[view];
  const sort = list.columns.some((column) => column.name === parameters.get("sort")) ? parameters.get("sort") : list.sort;
  const descending = parameters.get("order") !== "up";
  const page = Math.max(1, Number.parseInt(parameters.get("page") ?? "1", 10) || 1);
  const chosen = list.activities ? parameters.getAll("activity") : [];
  const activity = chosen.length ? chosen : ["at_risk"];
  const asked = { ...list.asked, period, segment: segments, sort, descending, ...(list.activities ? { activity } : {}) };
  const answer = await get(list.path, { ...asked, limit: PAGE, offset: (page - 1) * PAGE }, signal).catch((error) => {
    if (["model_not_found", "not_enough_data", "bundle_incompatible", "bundle_damaged"].includes(error.code)) return { error };
    throw error;
  });
  const head = (button) => h("div.head", {}, h("h1", {}, list.title), button);
  if (answer.error) return { title: list.title, parts: [head(), problem(answer.error)] };
  const { total } = answer;
  const without = answer.predicted === false;
  const columns = list.columns.filter((column) => !(without && column.predicted));
  const shownSort = without && list.columns.find((column) => column.name === sort)?.predicted ? "total_revenue_cents" : sort;
  const rows = answer[list.key];
  const parts = [head(total ? saveButton(list, asked) : null)];
  if (list.activities) parts.push(activities(activity));
  if (without) parts.push(h("p.note.warn", {}, "There are no predictions: no model has been trained, or it does not fit. Customers are listed by their revenue."));
  parts.push(rows.length ? table(list, columns, rows, shownSort, descending) : empty(...list.none, h("a.button", { href: changed({ period: "all_time", segment: [], page: [], activity: [] }) }, "Show everybody")));
  if (total > PAGE || page > 1) parts.push(pages(page, total));
  return { title: list.title, parts };
}

function activities(chosen) {
  const toggled = (name) => (chosen.includes(name) ? chosen.filter((one) => one !== name) : [...chosen, name]);
  return h(
    "div.group.activities",
    { role: "group", "aria-label": "Silent for" },
    h("span", {}, term("days_since_purchase")),
    ACTIVITIES.map(([name, label]) => h("a.choice", { href: changed({ activity: toggled(name), page: [] }), "aria-current": chosen.includes(name) ? "true" : undefined }, label)),
  );
}

function saveButton(list, asked) {
  const button = h("button", { type: "button" }, "Download CSV");
  button.addEventListener("click", async () => {
    button.disabled = true;
    button.textContent = "Preparing …";
    try {
      await download(list.path, { ...asked, format: "csv" });
      button.textContent = "Download CSV";
      say("The file is being saved.");
    } catch (error) {
      button.textContent = "Not saved. Try again";
      say(error.message);
    } finally {
      button.disabled = false;
    }
  });
  return button;
}

function table(list, columns, rows, sort, descending) {
  const kind = (column) => [column.kind, column.small && "small"].filter(Boolean).map((name) => `.${name}`).join("");
  const heading = (column) => {
    const on = column.name === sort;
    const order = on && descending ? "up" : undefined;
    const label = column.label ?? null;
    return h(
      `th${kind(column)}`,
      { scope: "col", "aria-sort": on ? (descending ? "descending" : "ascending") : undefined },
      h("a.sort", { href: changed({ sort: column.name, order: order ?? [], page: [] }), ...(label ? {} : { "data-term": column.name }) }, label ?? termLabel(column.name), h("span.arrow", { "aria-hidden": "true" }, on ? (descending ? " ↓" : " ↑") : "")),
    );
  };
  return h(
    "div.scroll.listed",
    { tabindex: "0", role: "region", "aria-label": list.title },
    h(
      "table.list",
      {},
      h("thead", {}, h("tr", {}, columns.map(heading))),
      h("tbody", {}, rows.map((row) => h("tr", {}, columns.map((column, place) => (place ? h(`td${kind(column)}`, {}, column.cell(row)) : h("th", { scope: "row" }, column.cell(row))))))),
    ),
  );
}

const termLabel = (name) => term(name).textContent;

function pages(page, total) {
  const lastPage = Math.max(1, Math.ceil(total / PAGE));
  const to = (n, label, off) => (off ? h("span.button.off", { "aria-disabled": "true" }, label) : h("a.button", { href: changed({ page: n === 1 ? [] : String(n) }) }, label));
  const from = (page - 1) * PAGE + 1;
  return h(
    "nav.pages",
    { "aria-label": "Pages of the list" },
    to(page - 1, "Previous", page <= 1),
    h("span", {}, from > total ? "Nothing on this page" : `${format.count(from)}–${format.count(Math.min(page * PAGE, total))} of ${format.count(total)}`),
    to(page + 1, "Next", page >= lastPage),
  );
}
