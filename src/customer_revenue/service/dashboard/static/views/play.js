// A play: who is in it, what a hold-out would find, and the campaign that tests it.

import { get, post } from "../api.js";
import { h, own, say } from "../dom.js";
import * as format from "../format.js";
import { term } from "../hints.js";
import { badge, basis, card, customerLink, empty, mayAct, meter, tile } from "../parts.js";
import { link } from "../place.js";
import { T } from "../texts.js";

const LEAST = 20;
const USUAL = 0.2;

export async function draw({ id }, context, signal) {
  const answer = await get(`/dashboard/plays/${encodeURIComponent(id)}`, {}, signal);
  const { play } = answer;
  return {
    title: play.text,
    parts: [
      h("nav.crumbs", { "aria-label": "Back" }, h("a", { href: link("plays") }, T.play.back)),
      h("div.head", {}, h("h1", {}, own(play.text)), basis(play.basis)),
      tiles(play),
      h("div.grid", {}, h("div.column.wide-4", {}, whoCard(play, context), restsCard(play)), h("div.column.wide-8", {}, testCard(answer, context), previewCard(answer))),
    ],
  };
}

function tiles(play) {
  return h(
    "dl.tiles",
    {},
    h("div.tile", {}, h("dt", {}, T.play.customers), h("dd", {}, h("span.value", {}, format.count(play.customers)), h("span.below", {}, T.play.contacted(T.channel(play.channel))))),
    tile("play_profit", format.money(play.profit_cents), T.range(...format.ends(play.profit_low_cents, play.profit_high_cents)), T.play.profit),
    tile("play_cost", format.money(play.cost_cents), T.play.costBelow(play.discount_percent > 0 && format.percent(play.discount_percent / 100)), T.play.cost),
    tile("buyers_anyway", format.percent(play.buyers_anyway_percent / 100), T.play.anywayBelow, T.play.anyway),
  );
}

function whoCard(play, context) {
  const names = context.segments.map((one) => one.name);
  const rows = Object.entries(play.segments).map(([name, count]) =>
    h("li", {}, h("div.line", {}, badge(name), h("a.worth", { href: link("customers", "", { decision: play.code, segment: name }) }, format.count(count))), h("div.line.small", {}, meter(count / play.customers, `segment-${names.indexOf(name)}`))),
  );
  const out = Object.entries(play.left_out).filter(([, count]) => count > 0);
  return card(
    T.play.who,
    { action: h("a.more", { href: link("customers", "", { decision: play.code, sort: "decision_profit_cents" }) }, T.play.all(format.count(play.customers + out.reduce((sum, [, count]) => sum + count, 0)))) },
    play.customers ? h("ul.segments", {}, rows) : empty(T.play.running, T.play.runningText),
    play.customers > 0 && h("dl.pairs", {}, h("div", {}, h("dt", {}, T.play.silence), h("dd", {}, format.days(play.median_silence_days))), h("div", {}, h("dt", {}, T.play.orders), h("dd", {}, format.count(play.median_orders)))),
    h("h3", {}, T.play.leftOut),
    out.length ? h("ul.reasons", {}, out.map(([reason, count]) => h("li", {}, `${format.count(count)} ${T.reasons[reason] ?? reason}`))) : h("p.below", {}, T.play.nobodyLeftOut),
  );
}

function testCard({ play, hold_outs: shares }, context) {
  if (play.customers < LEAST) return card(T.play.test, {}, empty(T.play.few(LEAST), play.customers ? null : T.play.runningText, h("a.button", { href: link("results") }, T.play.results)));
  const words = h("div.power", { role: "status" });
  const explain = (one) => {
    const known = one.detectable_points !== null;
    const settled = one.chance_to_find_percent >= 80;
    words.replaceChildren(
      h("p", {}, T.play.split(format.many(one.treated, "customer"), format.count(one.held_out)), " ", T.play.forgone(format.money(one.share * play.profit_cents))),
      h("p", {}, T.play.believed(format.count(play.believed_points, 2), format.count(play.buyers_anyway_percent, 1))),
      known && h("p", {}, T.play.finds(format.count(one.detectable_points, 1)), " ", T.play.chance(format.percent(one.chance_to_find_percent / 100))),
      h("p", {}, play.customers_needed !== null && !settled && T.play.needed(format.many(play.customers_needed, "customer")), " ", settled ? T.play.enough : T.play.repeat),
    );
  };
  const radios = shares.map((one) =>
    h(
      "label.radio",
      {},
      h("input", { type: "radio", name: "share", value: String(one.share), checked: one.share === USUAL, onchange: () => explain(one) }),
      h("span", {}, format.percent(one.share)),
    ),
  );
  explain(shares.find((one) => one.share === USUAL) ?? shares[0]);
  const may = mayAct(context);
  return card(T.play.test, { note: T.play.why }, may ? form(play, context, radios, words) : [h("fieldset.radios", {}, h("legend", {}, T.play.share), radios), words, h("p.note.warn", {}, T.play.readOnly)]);
}

function form(play, context, radios, words) {
  const day = context.store.as_of_day;
  const name = h("input", { id: "campaign-name", required: true, maxlength: "63", pattern: "[A-Za-z0-9][A-Za-z0-9._\\-]*", autocomplete: "off", "aria-describedby": "campaign-hint", value: `${play.code}-${day}` });
  const days = h("input", { id: "campaign-days", type: "number", min: "1", max: "365", required: true, value: "30" });
  const button = h("button.primary", { type: "submit" }, T.play.create);
  const wrong = h("p.wrong", { role: "alert" });
  const submit = async (event) => {
    event.preventDefault();
    const share = Number(new FormData(event.target).get("share"));
    button.disabled = true;
    button.textContent = T.play.creating;
    wrong.textContent = "";
    try {
      await post("/campaigns", { name: name.value, action: play.code, hold_out: share, days: Number(days.value) });
      location.hash = link("results", name.value);
    } catch (error) {
      wrong.textContent = [error.message, ...(error.details ?? [])].join("; ");
      say(error.message);
      button.disabled = false;
      button.textContent = T.play.create;
    }
  };
  return h(
    "form.test",
    { onsubmit: submit },
    h("fieldset.radios", {}, h("legend", {}, T.play.share), radios),
    words,
    h("div.fields", {}, h("div", {}, h("label", { for: "campaign-name" }, T.play.name), name, h("p.below", { id: "campaign-hint" }, T.play.nameHint)), h("div", {}, h("label", { for: "campaign-days" }, T.play.days), days)),
    wrong,
    button,
  );
}

function previewCard({ preview }) {
  if (!preview.length) return null;
  const rows = preview.map((one) =>
    h(
      "li",
      {},
      h("div.who", {}, customerLink(one), own(format.ours(one.reason), "span.below")),
      h("div.worth", {}, h("span", {}, format.money(one.expected_value_cents)), h("span.below", {}, T.range(...format.ends(one.expected_value_low_cents, one.expected_value_high_cents)))),
    ),
  );
  return card(T.play.preview, {}, h("ol.rows", {}, rows));
}

function restsCard(play) {
  return card(T.play.rests, {}, h("p", {}, T.play.effect(format.count(play.conversion_points, 2)), " ", basis(play.basis)), own(play.source, "p.below"));
}
