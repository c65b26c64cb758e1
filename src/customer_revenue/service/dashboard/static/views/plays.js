// Plays: the decisions of the day, taken together as campaigns.

import { get } from "../api.js";
import { h, own } from "../dom.js";
import * as format from "../format.js";
import { term } from "../hints.js";
import { basis, empty, folded, tile } from "../parts.js";
import { link } from "../place.js";
import { T } from "../texts.js";

const SHOWN = 8;

export async function draw(_, __, signal) {
  const answer = await get("/dashboard/plays", {}, signal);
  const { plays, total } = answer;
  const head = h("div.head", {}, h("div", {}, h("h1", {}, T.plays.title), h("p.below", {}, T.plays.lead(format.many(total.customers, "customer"), format.count(answer.customers_considered)))));
  if (!plays.length) return { title: T.plays.title, parts: [head, empty(...T.plays.none)] };
  return {
    title: T.plays.title,
    parts: [
      head,
      tiles(answer),
      h("ol.plays", {}, plays.slice(0, SHOWN).map(row)),
      plays.length > SHOWN ? folded(T.plays.smaller(plays.length - SHOWN), h("ol.plays", {}, plays.slice(SHOWN).map(row))) : null,
      h("p.below.foot-note", {}, T.plays.margin(format.percent(answer.margin_percent / 100), answer.margin_basis), " ", T.plays.limit(format.percent(answer.most_promised_percent / 100), format.money(answer.expected_revenue_cents))),
    ],
  };
}

function tiles({ total, customers_left_alone: alone }) {
  return h(
    "dl.tiles",
    {},
    tile("at_stake", format.money(total.profit_cents), T.range(...format.ends(total.profit_low_cents, total.profit_high_cents)), T.plays.total),
    h("div.tile", {}, h("dt", {}, T.plays.gain), h("dd", {}, h("span.value", {}, format.money(total.gain_cents)))),
    tile("play_cost", format.money(total.cost_cents), null, T.plays.cost),
    h("div.tile", {}, h("dt", {}, T.plays.alone), h("dd", {}, h("span.value", {}, h("a.quiet-link", { href: link("customers", "", { decision: "leave_alone" }) }, format.count(alone))), h("span.below", {}, T.plays.aloneBelow))),
  );
}

function row(play) {
  const silence = play.median_silence_days === null ? null : T.plays.who(format.many(play.customers, "customer"), format.many(play.median_orders, "order"), format.days(play.median_silence_days));
  return h(
    "li.card.play-row",
    {},
    h(
      "div.who",
      {},
      h("h2", {}, h("a", { href: link("plays", play.code) }, own(play.text)), " ", basis(play.basis)),
      h("p", {}, silence ?? T.plays.nobody),
      h("p.below", {}, [T.channel(play.channel), T.plays.costs(format.money(play.cost_cents)), play.discount_percent > 0 && T.plays.discount(format.percent(play.discount_percent / 100))].filter(Boolean).join(" · ")),
    ),
    h(
      "div.worth",
      {},
      h("span.value", {}, format.money(play.profit_cents)),
      h("span.below", {}, term("play_profit", T.plays.profit)),
      h("span.below", {}, T.range(...format.ends(play.profit_low_cents, play.profit_high_cents))),
    ),
  );
}
