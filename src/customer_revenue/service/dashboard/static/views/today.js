// Today: the money at stake, what is worth doing first, what changed, what is wrong.

import { get } from "../api.js";
import { h, own } from "../dom.js";
import * as format from "../format.js";
import { term } from "../hints.js";
import { basis, card, empty, folded, later, optional, problem } from "../parts.js";
import { link } from "../place.js";
import { T } from "../texts.js";

const FIRST = 3;
const STORED = "customer-revenue-last-seen";

/** What can be asked for before the context is known, which over a slow network takes as long again. */
export function ahead(signal) {
  const asked = ["/dashboard/plays", "/dashboard/alarms"].map((path) => optional(get(path, {}, signal)));
  for (const promise of asked) promise.catch(() => {}); // handled in the view, unless it is left first
  return asked;
}

export async function draw(_, context, signal, [asked, alarms]) {
  const since = lastVisit(context.store.as_of_day);
  const changes = optional(get("/dashboard/changes", { since }, signal));
  changes.catch(() => {}); // handled below, unless the view is left first
  const plays = await asked;
  return {
    title: T.today.title,
    parts: [
      h("div.head", {}, h("h1", {}, T.today.title), h("p.moment", {}, T.asOf(format.day(context.store.as_of_day)))),
      plays.error ? h("div.card.wide", {}, problem(plays.error)) : stake(plays),
      h("div.grid", {}, !plays.error && plays.plays.length > 0 && firstPlays(plays), alarmsCard(alarms, context, plays.error || !plays.plays.length ? 12 : 4), later(changes, (found) => changesCard(found, since))),
    ],
  };
}

/** The day up to which orders were known at the last visit, if that was another; it is only kept in this browser. */
function lastVisit(day) {
  try {
    const kept = JSON.parse(localStorage.getItem(STORED) ?? "{}");
    if (kept.day !== day) localStorage.setItem(STORED, JSON.stringify({ day, before: kept.day }));
    const before = kept.day === day ? kept.before : kept.day;
    return before && before < day ? before : undefined;
  } catch {
    return undefined;
  }
}

function stake({ total, plays }) {
  if (!plays.length || !total.customers) return h("section.card.stake", {}, h("h2", {}, term("at_stake", T.today.stake)), empty(...T.today.none));
  return h(
    "section.card.stake",
    {},
    h("h2", {}, term("at_stake", T.today.stake)),
    h("p.huge", {}, format.money(total.profit_cents)),
    h("p.range", {}, T.range(...format.ends(total.profit_low_cents, total.profit_high_cents)), " ", basis(total.basis)),
    h("p.below", {}, T.today.stakeBelow(format.many(total.customers, "customer"))),
  );
}

function firstPlays({ plays }) {
  const rows = plays.slice(0, FIRST).map((play) =>
    h(
      "li",
      {},
      h("div.who", {}, h("a.play", { href: link("plays", play.code) }, own(play.text)), h("span.below", {}, `${format.many(play.customers, "customer")} ${T.channel(play.channel)}`), play.hold_out.detectable_points !== null && h("span.below", {}, T.today.test(format.count(play.hold_out.held_out), format.count(play.hold_out.detectable_points, 1)))),
      h("div.worth", {}, h("span", {}, format.money(play.profit_cents)), h("span.below", {}, T.today.profit)),
    ),
  );
  const all = h("a.more", { href: link("plays") }, plays.length > FIRST ? T.today.allPlays(format.count(plays.length)) : T.today.more);
  return card(T.today.plays, { wide: 8, action: all }, h("ol.rows.spaced", {}, rows));
}

function changesCard({ error, now, before, days, quiet_from_days: quiet }, since) {
  if (error) return h("div.card", {}, problem(error));
  const title = since ? T.today.since(format.day(since)) : T.today.lately(format.days(days));
  const figures = [
    [T.today.net, now.net_revenue_cents, before?.net_revenue_cents, format.money, 1, "net_revenue_cents"],
    [T.today.orders, now.orders, before?.orders, format.count, 1, null],
    [T.today.firsts, now.new_customers, before?.new_customers, format.count, 1, null],
    [T.today.quiet, now.gone_quiet, before?.gone_quiet, format.count, -1, "gone_quiet"],
  ];
  const tiles = figures.map(([label, value, then, write, good, name]) =>
    h(
      "div.tile",
      {},
      h("dt", {}, name ? term(name, label) : label),
      h("dd", {}, h("span.value", {}, write(value)), h("span.below", {}, before ? moved(value, then, good, write) : name === "gone_quiet" ? T.today.quietBelow(format.days(quiet)) : "")),
    ),
  );
  const note = before ? T.today.compared(format.days(days)) : T.today.noBefore;
  return card(title, { wide: 12, note }, h("dl.tiles.plain-tiles", {}, tiles));
}

/** A change, coloured by whether it is good; a figure of which more is worse has good -1. */
function moved(value, then, good, write) {
  if (value === then) return T.today.same;
  const way = value > then ? "up" : "down";
  const share = then > 0 && value >= 0 ? format.percent(Math.abs(value / then - 1), 0) : null;
  const better = (value > then ? 1 : -1) === good;
  return [
    h("span.delta", { "data-good": String(better) }, h("span", { "aria-hidden": "true" }, way === "up" ? "▲ " : "▼ "), h("span.unseen", {}, `${way} `), share ?? write(Math.abs(value - then))),
    h("span.then", {}, ` ${T.today.before(write(then))}`),
  ];
}

function alarmsCard(promise, context, wide) {
  const place = h("div", { role: "status" }, h("p.below", {}, T.today.checking));
  promise.then(
    (found) => place.replaceChildren(...(found.error ? [problem(found.error)] : alarmLines(found, context))),
    (error) => error.name !== "AbortError" && place.replaceChildren(problem(error)),
  );
  return card(T.today.alarms, { wide }, place);
}

function alarmLines({ feed, model }, context) {
  const wrong = [...feed.filter((one) => one.alarm).map((one) => one.text), model.problem, model.warning].filter(Boolean);
  const well = [];
  const checked = feed.filter((one) => one.checked).length;
  if (!feed.some((one) => one.alarm)) well.push(checked ? T.today.feedWell(format.count(checked)) : T.today.feedSilent);
  if (!model.problem && !model.warning) well.push(context.backtest_under_way ? T.today.modelWaits : T.today.modelWell);
  return [
    wrong.length ? h("ul.alarms", {}, wrong.map((text) => h("li", {}, h("strong", {}, `${T.today.alarm}: `), own(format.ours(text))))) : h("p.well", {}, T.today.allWell),
    ...well.map((text) => h("p.below", {}, text)),
    feed.length ? folded(T.today.checks, h("ul.reasons", {}, feed.map((one) => own(format.ours(one.text), "li")))) : "",
  ];
}
