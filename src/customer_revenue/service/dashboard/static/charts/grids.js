// Heat maps as tables, whose cells can be read and focused; the colour repeats the number.

import { h } from "../dom.js";
import * as format from "../format.js";
import { link } from "../place.js";
import { T } from "../texts.js";

const STEPS = 7;

/** A shade from 0 to 6 for a share from 0 to 1; the square root spreads the many small shares. */
const shade = (share) => Math.min(STEPS - 1, Math.floor(Math.sqrt(Math.max(share, 0)) * STEPS));

export function cohortMap({ unit, rows }) {
  const ages = Math.max(...rows.map((row) => Math.max(0, ...row.cells.map((cell) => cell.age))), 0);
  const best = Math.max(...rows.flatMap((row) => row.cells.filter((cell) => cell.age).map((cell) => cell.retention_percent)), 1);
  const name = T.grids[unit];
  const cells = (row) => {
    const byAge = new Map(row.cells.map((cell) => [cell.age, cell]));
    return Array.from({ length: ages }, (_, place) => {
      const cell = byAge.get(place + 1);
      if (!cell) return h("td", {});
      const text = `${format.cohort(row.cohort)}, ${unit} ${cell.age} after\n${format.count(cell.active_customers)} of ${format.count(row.customers)} bought again: ${format.percent(cell.retention_percent / 100, 1)}\nRevenue: ${format.money(cell.revenue_cents)}`;
      const level = cell.active_customers ? shade(cell.retention_percent / best) : 0;
      return h(`td.heat.heat-${level}`, { "data-tip": text }, format.count(cell.retention_percent, cell.retention_percent < 9.95 ? 1 : 0));
    });
  };
  return h(
    "div.scroll",
    { tabindex: "0", role: "region", "aria-label": T.shop.cohorts },
    h(
      "table.map.cohorts",
      {},
      h("caption.unseen", {}, T.grids.caption(unit)),
      h(
        "thead",
        {},
        h("tr", {}, h("th", { scope: "col" }, T.grids.first), h("th", { scope: "col" }, T.shop.people), Array.from({ length: ages }, (_, n) => h("th", { scope: "col", "aria-label": T.grids.after(name, n + 1) }, String(n + 1)))),
      ),
      h("tbody", {}, rows.map((row) => h("tr", {}, h("th", { scope: "row" }, unit === "month" ? h("a", { href: link("customers", "", { first_month: row.cohort }) }, format.cohort(row.cohort)) : format.cohort(row.cohort)), h("td.size", {}, format.count(row.customers)), cells(row)))),
    ),
  );
}

export function rfmMap(cells, recency, frequency) {
  const most = Math.max(...cells.map((cell) => cell.customers), 1);
  const found = new Map(cells.map((cell) => [`${cell.recency_score}${cell.frequency_score}`, cell]));
  const scores = [1, 2, 3, 4, 5];
  return h(
    "div.scroll",
    { tabindex: "0", role: "region", "aria-label": T.shop.rfm },
    h(
      "table.map.rfm",
      {},
      h("caption.unseen", {}, T.grids.rfmCaption),
      h(
        "tbody",
        {},
        scores
          .toReversed()
          .map((f) =>
            h(
              "tr",
              {},
              h("th", { scope: "row", "aria-label": T.grids.frequency(f) }, String(f)),
              scores.map((r) => {
                const cell = found.get(`${r}${f}`);
                if (!cell) return h("td.none", { "data-tip": T.grids.nobody(r, f) }, "");
                const text = T.grids.cell(r, f, format.many(cell.customers, "customer"), format.words(cell.group).toLowerCase(), format.money(cell.revenue_cents));
                const members = link("customers", "", { recency: String(r), frequency: String(f) });
                return h(`td.heat.heat-${shade(cell.customers / most)}`, {}, h("a", { href: members, "data-tip": text, "aria-label": text.replaceAll("\n", ". ") }, h("b", {}, format.count(cell.customers)), h("span", {}, format.words(cell.group))));
              }),
            ),
          ),
      ),
      h("tfoot", {}, h("tr", {}, h("td.axis", {}, frequency), scores.map((r) => h("th", { scope: "col", "aria-label": T.grids.recency(r) }, String(r)))), h("tr", {}, h("td", {}), h("td.axis", { colspan: "5" }, recency))),
    ),
  );
}

/** Money per customer by cohort and age: columns are ages in days; a cell that is partly predicted is in italics. */
export function moneyMap({ cohorts, ages, label, head, write }) {
  const found = cohorts.map((one) => ({ ...one, cells: new Map(one.curve.map((cell) => [cell.days, cell])) }));
  const best = Math.max(1, ...found.flatMap((one) => ages.map((age) => one.cells.get(age)?.net_revenue_cents ?? 0)));
  const cell = (one, age) => {
    const here = one.cells.get(age);
    if (!here) return h("td", {});
    const value = write(here.net_revenue_cents);
    const text = `${format.month(one.cohort)}, ${format.days(age)}\n${value}${here.complete ? "" : `\n${write(here.low_cents)} to ${write(here.high_cents)}`}`;
    return h(`td.heat.heat-${shade(Math.max(0, here.net_revenue_cents) / best)}${here.complete ? "" : ".predicted"}`, { "data-tip": text }, here.complete ? value : h("i", {}, value));
  };
  return h(
    "div.scroll",
    { tabindex: "0", role: "region", "aria-label": label },
    h(
      "table.map.money",
      {},
      h("thead", {}, h("tr", {}, head.map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, found.map((one) => h("tr", {}, h("th", { scope: "row" }, h("a", { href: link("customers", "", { first_month: one.cohort }) }, format.month(one.cohort))), h("td.size", {}, format.count(one.customers)), ages.map((age) => cell(one, age))))),
    ),
  );
}
