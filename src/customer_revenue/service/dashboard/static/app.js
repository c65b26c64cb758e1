// The page: reads the URL, requests the data, and draws the view. A view is loaded when it is first looked at.

import { Problem, alive, get, session } from "./api.js";
import { h, say } from "./dom.js";
import { useCurrency } from "./format.js";
import * as hints from "./hints.js";
import { problem, skeleton } from "./parts.js";
import { read } from "./place.js";
import { askForKey, drawFoot, drawPages, startSearch } from "./shell.js";
import { T } from "./texts.js";

const VIEWS = {
  today: () => import("./views/today.js"),
  plays: (id) => (id ? import("./views/play.js") : import("./views/plays.js")),
  results: (id) => (id ? import("./views/result.js") : import("./views/results.js")),
  customers: () => import("./views/customers.js"),
  customer: () => import("./views/customer.js"),
  shop: () => import("./views/shop.js"),
  acquisition: () => import("./views/acquisition.js"),
  trust: () => import("./views/trust.js"),
  settings: () => import("./views/settings.js"),
};
const AGAIN_AFTER = 2000;
const BACKTEST_AFTER = 5000;

const main = document.getElementById("main");
let current = null;
let shown = "";
let context = null;

async function known(signal) {
  if (context) return context;
  const [found, who] = await Promise.all([get("/dashboard/context", {}, signal), session()]);
  context = { ...found, who };
  useCurrency(context.meta.currency);
  return context;
}

async function show() {
  current?.abort();
  current = new AbortController();
  const { signal } = current;
  const here = read();
  const load = Object.hasOwn(VIEWS, here.view) ? VIEWS[here.view] : null;
  const name = `${here.view}/${here.id}`;
  hints.hide();
  drawPages();
  const same = name === shown && main.firstChild;
  if (same) main.setAttribute("aria-busy", "true");
  else main.replaceChildren(skeleton(60, [120, 120, 120], 320));
  try {
    if (!load) throw Object.assign(new Error(T.problems.not_found[0]), { code: "not_found" });
    const knowing = known(signal);
    knowing.catch(() => {}); // handled below, once the view's module is there
    const view = await loaded(load, here.id);
    const ahead = view.ahead?.(signal);
    await knowing;
    drawFoot(context);
    const drawn = await view.draw(here, context, signal, ahead);
    if (signal.aborted) return;
    document.title = T.title(drawn.title);
    main.replaceChildren(...drawn.parts.flat().filter(Boolean));
    if (!same && shown) {
      main.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    if (shown) say(drawn.title);
    shown = name;
    if (context.backtest_under_way) awaitBacktest(signal);
  } catch (error) {
    if (signal.aborted || error.name === "AbortError") return;
    await failed(error, signal);
  } finally {
    if (!signal.aborted) main.removeAttribute("aria-busy");
  }
}

/** A view's module; where it cannot be fetched, the whole page has to be loaded again. */
async function loaded(load, id) {
  try {
    return await load(id);
  } catch (error) {
    throw Object.assign(new Problem(0, "no_answer", error.message), { reload: true });
  }
}

async function failed(error, signal) {
  shown = "";
  if (error.code === "unauthorized" && (await askForKey())) {
    context = null;
    return show();
  }
  context = ["customer_not_found", "campaign_not_found"].includes(error.code) ? context : null;
  document.title = T.shell.name;
  main.replaceChildren(h("h1.unseen", {}, T.shell.name), problem(error, () => show()));
  if (error.code === "no_answer") wait(signal, error.reload ? () => location.reload() : show);
  if (!error.code) console.error(error);
}

/** Poll the health check until the service is back. */
async function wait(signal, then) {
  await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER));
  if (signal.aborted) return;
  if (await alive()) then();
  else wait(signal, then);
}

/** Draw again once the model has been back-tested. */
async function awaitBacktest(signal) {
  await new Promise((resolve) => setTimeout(resolve, BACKTEST_AFTER));
  if (signal.aborted) return;
  const newer = await get("/dashboard/context", {}, signal).catch(() => context);
  if (signal.aborted) return;
  if (newer.backtest_under_way) return awaitBacktest(signal);
  context = null;
  show();
}

document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
hints.start();
startSearch();
addEventListener("hashchange", show);
show();
