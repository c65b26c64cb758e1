// Trust: what was said and what came, in words first; the technical figures folded.

import { get, post } from "../api.js";
import { curve } from "../charts/curves.js";
import { h, own, say } from "../dom.js";
import * as format from "../format.js";
import { term } from "../hints.js";
import { badge, card, empty, folded, optional, plain } from "../parts.js";
import { T } from "../texts.js";

const OURS = "customer-revenue";
const NAIVE = "naive rule";
const HIGHER = ["purchases_spearman", "revenue_gini", "probability_auc"];
const WRITE = {
  purchases_bias: (v) => format.change(v),
  revenue_bias: (v) => format.change(v),
  revenue_mae: format.money,
  revenue_rmse: format.money,
  next_date_error_days: (v) => format.days(v),
};

export async function draw(_, context, signal) {
  const [answer, models] = await Promise.all([get("/model", {}, signal), optional(get("/models", {}, signal))]);
  return {
    title: T.trust.title,
    parts: [
      h("div.head", {}, h("div", {}, h("h1", {}, T.trust.title), h("p.below", {}, T.trust.lead))),
      words(answer),
      h("h2.section", {}, T.trust.model),
      tiles(answer),
      models.error ? null : h("div.grid", {}, versions(models, context)),
      folded(T.trust.details, h("div.grid", {}, backtest(answer), calibration(answer), run(answer))),
    ],
  };
}

/** The back-test in sentences. */
function words({ figures, backtest: test, backtest_under_way: underWay, coverage, calibration: bins }) {
  if (underWay) return h("section.card", {}, empty(...T.trust.waits));
  if (!figures.length || !test) return h("section.card", {}, empty(...T.trust.none));
  const figure = (name) => figures.find((one) => one.name === name)?.values;
  const bias = figure("revenue_bias")?.[OURS];
  const error = figure("revenue_mae");
  const lines = [];
  if (typeof bias === "number") lines.push(Math.abs(bias) < 0.01 ? T.trust.exact : T.trust.revenue(format.percent(Math.abs(bias)), bias > 0 ? T.trust.more : T.trust.less));
  const sorted = [...(bins ?? [])].sort((a, b) => a.predicted - b.predicted);
  for (const one of sorted.length > 1 ? [sorted.at(-1), sorted[Math.floor(sorted.length / 2)], sorted[0]] : sorted) lines.push(T.trust.buyers(format.percent(one.predicted), format.percent(one.observed)));
  if (coverage.interval_mass) lines.push(T.trust.ranges(format.percent(coverage.revenue_coverage), format.percent(coverage.interval_mass)));
  if (error && typeof error[NAIVE] === "number" && error[OURS] > 0) {
    const gap = error[NAIVE] / error[OURS] - 1;
    lines.push(gap >= 0 ? T.trust.naive(format.percent(gap)) : T.trust.naiveWorse(format.percent(-gap)));
  }
  return h("section.card.said", {}, h("h2", {}, T.trust.said(format.day(test.cutoff), format.days(test.horizon_days))), h("ul.reasons", {}, lines.map((text) => h("li", {}, text))));
}

/** The trained versions; whose key has the scope admin may let another answer. */
function versions({ versions: all, changes }, context) {
  const may = !context.who.keys_required || context.who.scopes.includes("admin");
  const wrong = h("p.wrong", { role: "alert" });
  const ask = async (path, body) => {
    try {
      await post(path, body);
      say(T.trust.taken);
      wrong.textContent = "";
      dispatchEvent(new HashChangeEvent("hashchange"));
    } catch (error) {
      wrong.textContent = [error.message, ...error.details].join("; ");
    }
  };
  const rows = all.map((one) => [
    [own(one.version), one.champion && [" ", badge("champion", "model", T.trust.champion)]],
    format.day(one.trained_until),
    [T.trust.gate[one.gate] ?? format.words(one.gate), one.refusals.length > 0 && h("span.below", {}, `: ${one.refusals.join("; ")}`)],
    may && one.promotable && !one.champion ? confirmed(T.trust.promote, T.trust.promoteWhy, (why) => ask("/models/promote", { version: one.version, why })) : "",
  ]);
  const last = changes[0];
  const by = last && h("p.below", {}, T.trust.last(format.time(last.at), last.by), own(last.why));
  const back = may && changes.length > 1 && confirmed(T.trust.rollback, T.trust.rollbackWhy, (why) => ask("/models/rollback", { why }));
  return card(T.trust.versions, { wide: 12 }, plain(T.trust.versions, [T.trust.versionHead, T.trust.until, T.trust.gateHead, ""], rows), by, back, wrong);
}

/** A button that asks for a reason before it does anything. */
function confirmed(label, question, act) {
  const why = h("input", { type: "text", required: true, maxlength: "500", "aria-label": question, placeholder: question });
  const submit = (event) => {
    event.preventDefault();
    act(why.value.trim());
  };
  return h("details.menu.confirm", {}, h("summary", {}, label), h("form.line", { onsubmit: submit }, why, h("button", { type: "submit" }, label)));
}

function tiles(answer) {
  const { model } = answer;
  return h(
    "dl.tiles",
    {},
    h("div.tile", {}, h("dt", {}, answer.live_since ? T.trust.live : T.trust.trained), h("dd", {}, h("span.value.text", {}, format.time(answer.live_since || answer.trained_at)), h("span.below", {}, T.trust.version(model.version)))),
    h("div.tile", {}, h("dt", {}, T.trust.learned), h("dd", {}, h("span.value.text", {}, `${format.day(model.window_first_day)} – ${format.day(model.window_last_day)}`), h("span.below", {}, answer.warning ? answer.warning : answer.same_data ? T.trust.same : T.trust.changed))),
    h("div.tile", {}, h("dt", {}, term("tier")), h("dd", {}, h("span.value.text", {}, format.words(model.tier)), h("span.below", {}, model.tier_reason))),
    h("div.tile", {}, h("dt", {}, T.trust.ahead), h("dd", {}, h("span.value", {}, format.days(model.horizon_days)), h("span.below", {}, T.trust.aheadBelow))),
  );
}

function backtest({ figures, backtest: test, backtest_under_way: underWay, coverage }) {
  if (underWay) return card(term("backtest"), { wide: 7 }, empty(...T.trust.underWay));
  if (!figures.length) return card(term("backtest"), { wide: 7 }, empty(...T.trust.noBacktest));
  const models = Object.keys(figures[0].values);
  const note = test && T.trust.testNote(format.day(test.cutoff), format.days(test.horizon_days), format.many(test.customers, "customer"));
  const rows = figures.map(({ name, values }) => {
    const write = WRITE[name] ?? ((value) => format.count(value, 3));
    const better = (value) => (name.endsWith("_bias") ? -Math.abs(value) : HIGHER.includes(name) ? value : -value);
    const shown = models.map((one) => (values[one] === null ? null : better(values[one])));
    const best = Math.max(...shown.filter((value) => value !== null));
    return h("tr", {}, h("th.wrap", { scope: "row" }, term(name)), models.map((one, n) => h(shown[n] === best ? "td.number.best" : "td.number", {}, values[one] === null ? "–" : write(values[one]), shown[n] === best && h("span.unseen", {}, " (best)"))));
  });
  const held = coverage.interval_mass && T.trust.held(format.percent(coverage.purchases_coverage, 1), format.percent(coverage.revenue_coverage, 1), format.percent(coverage.interval_mass, 1));
  return card(
    term("backtest"),
    { wide: 7, note },
    h("div.scroll", { tabindex: "0", role: "region", "aria-label": T.trust.figuresLabel }, h("table.plain.wide", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, T.trust.figure), models.map((name) => h("th.number", { scope: "col" }, T.trust.models[name] ?? name)))), h("tbody", {}, rows))),
    h("p.below", {}, T.trust.bold, " ", held),
  );
}

function calibration({ calibration: bins, backtest_under_way: underWay }) {
  if (underWay) return card(term("calibration"), { wide: 5 }, empty(...T.trust.calibrationWaits));
  if (!bins?.length) return card(term("calibration"), { wide: 5 }, empty(...T.trust.noCalibration));
  const points = bins.map((one) => ({ x: one.predicted, y: one.observed, customers: one.customers })).sort((a, b) => a.x - b.x);
  const top = Math.min(1, Math.ceil(Math.max(...points.map((one) => Math.max(one.x, one.y))) * 10) / 10);
  const chart = curve({
    label: T.trust.calibrationLabel,
    points,
    xEnds: [0, top],
    yTop: top,
    write: (value) => format.percent(value),
    xLabels: [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1].filter((value) => value <= top).map((value) => [value, format.percent(value)]),
    ideal: [{ x: 0, y: 0 }, { x: top, y: top }],
    smooth: false,
    dots: true,
    tell: ({ x, y, customers }) => `${format.many(customers, "customer")}\n${format.percent(x, 1)} predicted to buy\n${format.percent(y, 1)} bought`,
    table: () => ({ head: T.trust.calibrationHead, rows: points.map((one) => [format.percent(one.x, 1), format.percent(one.y, 1), format.count(one.customers)]) }),
    tall: 400,
  });
  return card(term("calibration"), { wide: 5, note: T.trust.calibration }, chart);
}

function run({ run: tracked, model, backtest_under_way: underWay }) {
  const packages = Object.entries(model.packages ?? {}).map(([name, version]) => `${name} ${version}`).join(", ");
  const address = tracked && `${tracked.server ?? "http://127.0.0.1:5000"}${tracked.page}`;
  const content = tracked
    ? [
        h("p", {}, h("a", { href: address, target: "_blank", rel: "noreferrer noopener" }, T.trust.run(tracked.run_id.slice(0, 8))), T.trust.registered(tracked.registered_name, tracked.registered_version)),
        !tracked.server && [h("p.below", {}, T.trust.inAFile), h("pre", {}, "mlflow ui --backend-store-uri sqlite:///models/mlflow.db")],
      ]
    : underWay
      ? empty(...T.trust.trainingWaits)
      : empty(...T.trust.noRun);
  return card(T.trust.from, { wide: 12 }, content, h("p.below", {}, packages));
}
