// Results: the campaigns, and what each of them brought.

import { get } from "../api.js";
import { h, own } from "../dom.js";
import * as format from "../format.js";
import { empty, optional } from "../parts.js";
import { link } from "../place.js";
import { T } from "../texts.js";
import { actionName, verdict } from "./result.js";

const MEASURED = 12;

export async function draw(_, context, signal) {
  const { campaigns } = await get("/campaigns", {}, signal);
  const head = h("div.head", {}, h("div", {}, h("h1", {}, T.results.title), h("p.below", {}, T.results.lead)));
  if (!campaigns.length) return { title: T.results.title, parts: [head, empty(...T.results.none, h("a.button", { href: link("plays") }, T.results.toPlays))] };
  const newest = campaigns.toReversed();
  const reports = await Promise.all(newest.slice(0, MEASURED).map((one) => optional(get(`/campaigns/${encodeURIComponent(one.campaign)}/report`, {}, signal))));
  return { title: T.results.title, parts: [head, h("ol.plays", {}, newest.map((one, n) => row(one, reports[n], context)))] };
}

/** For whom it was; without conditions, for those whose decision it was. */
const audience = ({ audience: text, action }, context) => (text === `decision ${action}` ? T.results.decided(actionName(action, context)) : T.results.audience(text));

function row(campaign, report, context) {
  const found = report && !report.error ? report : null;
  return h(
    "li.card.play-row",
    {},
    h(
      "div.who",
      {},
      h("h2", {}, h("a", { href: link("results", campaign.campaign) }, own(campaign.campaign))),
      h("p", {}, campaign.running ? T.results.running(format.day(campaign.ends_on)) : T.results.ended(format.day(campaign.ends_on))),
      h("p.below", {}, own(audience(campaign, context))),
      h("p", {}, found ? verdict(found) : T.results.tooEarly),
    ),
    found &&
      h(
        "div.worth",
        {},
        h("span.value", {}, format.money(found.profit_cents.total)),
        h("span.below", {}, T.results.profit),
        h("span.below", {}, T.results.interval(...format.ends(found.profit_cents.total_low, found.profit_cents.total_high))),
      ),
  );
}
