// The model in use and its quality.

import { get } from "../api.js";
import { curve } from "../charts/curves.js";
import { h } from "../dom.js";
import * as format from "../format.js";
import { term } from "../hints.js";
import { card, empty, tile } from "../parts.js";

export const bones = [[96, 96, 96, 96], [420, 420]];

const HIGHER = ["purchases_spearman", "revenue_gini", "probability_auc"];
const NAMES = { "customer-revenue": "This model", "naive rule": "Naive rule" };
const WRITE = {
  purchases_bias: (v) => format.change(v),
  revenue_bias: (v) => format.change(v),
  revenue_mae: format.money,
  revenue_rmse: format.money,
  next_date_error_days: (v) => format.days(v),
};

export async function draw(_, __, signal) {
  const answer = await get("/model", {}, signal);
  const { model } = answer;
  return {
    title: "Model",
    parts: [
      h("div.head", {}, h("h1", {}, "The model that answers")),
      h(
        "dl.tiles",
        {},
        h("div.tile", {}, h("dt", {}, answer.live_since ? "Live since" : "Trained"), h("dd", {}, h("span.value.text", {}, format.time(answer.live_since || answer.trained_at)), h("span.below", {}, `version ${model.version}`))),
        h("div.tile", {}, h("dt", {}, "Learned from"), h("dd", {}, h("span.value.text", {}, `${format.day(model.window_first_day)} – ${format.day(model.window_last_day)}`), h("span.below", {}, answer.warning ? answer.warning : answer.same_data ? "the orders that are in the store now" : "the store has changed since: train again to learn from it"))),
        tile("tier", format.words(model.tier), model.tier_reason),
        h("div.tile", {}, h("dt", {}, "Looks ahead"), h("dd", {}, h("span.value", {}, format.days(model.horizon_days)), h("span.below", {}, "for lifetime value and forecasts"))),
      ),
      h("div.grid", {}, backtest(answer), calibration(answer), run(answer)),
    ],
  };
}

function backtest({ figures, backtest: test, backtest_under_way: underWay, coverage }) {
  if (underWay) return card(term("backtest"), { wide: 7 }, empty("The back-test is under way", "How good the predictions are is not known yet. The figures appear here when it is done."));
  if (!figures.length) return card(term("backtest"), { wide: 7 }, empty("No back-test was possible", "The history is too short to hold some of it back."));
  const models = Object.keys(figures[0].values);
  const note = test && `Trained on what was known on ${format.day(test.cutoff)}, and compared with the ${format.days(test.horizon_days)} after it, for ${format.count(test.customers)} customers.`;
  const rows = figures.map(({ name, values }) => {
    const write = WRITE[name] ?? ((value) => format.count(value, 3));
    const better = (value) => (name.endsWith("_bias") ? -Math.abs(value) : HIGHER.includes(name) ? value : -value);
    const shown = models.map((one) => (values[one] === null ? null : better(values[one])));
    const best = Math.max(...shown.filter((value) => value !== null));
    return h("tr", {}, h("th.wrap", { scope: "row" }, term(name)), models.map((one, n) => h(shown[n] === best ? "td.number.best" : "td.number", {}, values[one] === null ? "–" : write(values[one]), shown[n] === best && h("span.unseen", {}, " (best)"))));
  });
  const held = coverage.interval_mass && `Intervals held for ${format.percent(coverage.purchases_coverage, 1)} of purchases and ${format.percent(coverage.revenue_coverage, 1)} of revenue; they state ${format.percent(coverage.interval_mass, 1)}.`;
  return card(
    term("backtest"),
    { wide: 7, note },
    h("div.scroll", { tabindex: "0", role: "region", "aria-label": "Back-test figures" }, h("table.plain.wide", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Figure"), models.map((name) => h("th.number", { scope: "col" }, NAMES[name] ?? name)))), h("tbody", {}, rows))),
    h("p.below", {}, "The best of each row is in bold. ", held),
  );
}

function calibration({ calibration: bins, backtest_under_way: underWay }) {
  if (underWay) return card(term("calibration"), { wide: 5 }, empty("The back-test is under way", "The calibration comes from it."));
  if (!bins?.length) return card(term("calibration"), { wide: 5 }, empty("No calibration is kept", "The next training keeps one."));
  const points = bins.map((one) => ({ x: one.predicted, y: one.observed, customers: one.customers })).sort((a, b) => a.x - b.x);
  const top = Math.min(1, Math.ceil(Math.max(...points.map((one) => Math.max(one.x, one.y))) * 10) / 10);
  const chart = curve({
    label: "Observed share of buyers by predicted chance",
    points,
    xEnds: [0, top],
    yTop: top,
    write: (value) => format.percent(value),
    xLabels: [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1].filter((value) => value <= top).map((value) => [value, format.percent(value)]),
    ideal: [{ x: 0, y: 0 }, { x: top, y: top }],
    smooth: false,
    dots: true,
    tell: ({ x, y, customers }) => `${format.count(customers)} customers\n${format.percent(x, 1)} predicted to buy\n${format.percent(y, 1)} bought`,
    table: () => ({ head: ["Predicted", "Observed", "Customers"], rows: points.map((one) => [format.percent(one.x, 1), format.percent(one.y, 1), format.count(one.customers)]) }),
    tall: 400,
  });
  return card(term("calibration"), { wide: 5, note: "Across: the predicted chance of a purchase. Up: the share who bought." }, chart);
}

function run({ run: tracked, model, backtest_under_way: underWay }) {
  const packages = Object.entries(model.packages ?? {}).map(([name, version]) => `${name} ${version}`).join(", ");
  const address = tracked && `${tracked.server ?? "http://127.0.0.1:5000"}${tracked.page}`;
  const content = tracked
    ? [
        h("p", {}, h("a", { href: address, target: "_blank", rel: "noreferrer noopener" }, `Run ${tracked.run_id.slice(0, 8)} in MLflow`), ` · ${tracked.registered_name}, version ${tracked.registered_version}`),
        !tracked.server && [h("p.below", {}, "The runs are in a file in the folder of models. This opens them:"), h("pre", {}, "mlflow ui --backend-store-uri sqlite:///models/mlflow.db")],
      ]
    : underWay
      ? empty("The training is under way", "Its run is noted when it is done.")
      : empty("No run is noted", "The next training notes its run.");
  return card("Where it comes from", { wide: 12 }, content, h("p.below", {}, packages));
}
