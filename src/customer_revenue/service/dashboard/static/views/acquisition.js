// Acquisition: what new customers are worth by what is known of them on their first day, and what one may cost.

import { get, keep } from "../api.js";
import { h, own } from "../dom.js";
import * as format from "../format.js";
import { term } from "../hints.js";
import { card, empty, plain, saver } from "../parts.js";
import { changed } from "../place.js";
import { T } from "../texts.js";

const SHOWN = [30, 90, 365];
const MOST = 40;

export async function draw({ parameters }, context, signal) {
  const given = parameters.get("by");
  const by = given in T.acquisition.groups ? given : "channel";
  const answer = await get("/acquisition", { by }, signal);
  const unknown = answer.groups.every((one) => one.level === null);
  return {
    title: T.acquisition.title,
    parts: [
      h("div.head", {}, h("div", {}, h("h1", {}, T.acquisition.title), h("p.below", {}, T.acquisition.lead)), chooser(by)),
      tiles(answer),
      h("div.grid", {}, groupsCard(answer, by, unknown), channelsCard(answer), bidsCard()),
    ],
  };
}

function chooser(by) {
  const select = h("select", { id: "by", onchange: () => (location.hash = changed({ by: select.value })) }, Object.entries(T.acquisition.groups).map(([key, text]) => h("option", { value: key, selected: key === by }, text)));
  return h("div.field", {}, h("label", { for: "by" }, T.acquisition.by), select);
}

const value = (group, days) => group.values.find((one) => one.days === days);

function tiles({ all, margin_percent: margin, margin_basis: rests, payback_days: days }) {
  const year = value(all, 365);
  const range = year && T.range(...format.ends((year.low_cents * margin) / 100, (year.high_cents * margin) / 100));
  return h(
    "dl.tiles.three",
    {},
    h("div.tile", {}, h("dt", {}, T.acquisition.worth), h("dd", {}, h("span.value", {}, format.money(year?.profit_cents)), h("span.below", {}, range, " · ", T.plays.margin(format.percent(margin / 100), rests)))),
    h("div.tile", {}, h("dt", {}, term("max_cost", T.acquisition.may)), h("dd", {}, h("span.value", {}, format.money(all.max_acquisition_cost_cents)), h("span.below", {}, T.acquisition.mayBelow(format.days(days))))),
    h("div.tile", {}, h("dt", {}, T.acquisition.customers), h("dd", {}, h("span.value", {}, format.count(all.customers)))),
  );
}

const SIZE = /^\d+: (below|from) (\d+)$/;

/** A group as people name it: the sizes of first orders come with one of their limits, in cents. */
function named(level, by, groups) {
  if (level === null) return T.acquisition.unknown;
  if (by === "month") return format.month(level);
  const size = by === "size" && SIZE.exec(level);
  if (!size) return own(level);
  const end = Number(size[2]);
  const smaller = groups.map((one) => Number(SIZE.exec(one.level ?? "")?.[2])).filter((one) => one < end);
  if (size[1] === "from") return T.acquisition.from(format.money(end));
  return smaller.length ? T.acquisition.between(format.money(Math.max(...smaller)), format.money(end)) : T.acquisition.below(format.money(end));
}

function groupsCard({ groups }, by, unknown) {
  const title = T.acquisition.table;
  if (unknown && by !== "all") return card(title, { wide: 12 }, empty(T.acquisition.onlyUnknown(T.acquisition.groups[by].toLowerCase())));
  const rows = groups.slice(0, MOST).map((one) => [
    named(one.level, by, groups),
    format.count(one.customers),
    ...SHOWN.map((days) => {
      const found = value(one, days);
      return found?.is_observed ? format.money(found.profit_cents) : h("i", {}, format.money(found?.profit_cents));
    }),
    format.money(one.max_acquisition_cost_cents),
  ]);
  const head = [T.acquisition.groups[by], T.acquisition.customers, ...SHOWN.map((days) => T.acquisition.within(format.days(days))), term("max_cost", T.acquisition.max)];
  return card(title, { wide: 12, note: T.acquisition.note }, plain(title, head, rows, [1, 2, 3, 4, 5]));
}

function channelsCard({ channels }) {
  if (!channels?.length) return card(T.acquisition.channels, { wide: 6 }, empty(...T.acquisition.noCosts));
  const rows = channels.map((one) => [own(one.channel), format.month(one.month), format.money(one.cost_cents), format.count(one.customers), format.money(one.cac_cents), one.ltv_to_cac === null ? "–" : format.count(one.ltv_to_cac, 1), one.payback_month === null ? T.acquisition.never : T.acquisition.months(one.payback_month)]);
  const head = [T.acquisition.groups.channel, T.acquisition.month, T.acquisition.cost, T.acquisition.customers, T.acquisition.cac, T.acquisition.ratio, T.acquisition.payback];
  return card(T.acquisition.channels, { wide: 6 }, plain(T.acquisition.channels, head, rows, [2, 3, 4, 5, 6]));
}

function bidsCard() {
  const said = h("p.below", { role: "status" });
  const save = (label, form, name) =>
    saver(label, async () => {
      const answer = await get("/bidding", { form });
      keep(answer.file, name);
      said.textContent = T.acquisition.exported(format.count(answer.conversions), format.money(answer.total_value_cents));
    });
  return card(T.acquisition.bids, { wide: 6 }, h("p", {}, T.acquisition.bidsText), h("div.buttons", {}, save(T.acquisition.google, "google", "bids-google.csv"), save(T.acquisition.meta, "meta", "bids-meta.jsonl")), said);
}
