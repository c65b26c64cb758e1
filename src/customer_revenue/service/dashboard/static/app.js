// The page: reads the URL, requests the data, and draws the view.

import { alive, get, key } from "./api.js";
import { h, say } from "./dom.js";
import { useCurrency } from "./format.js";
import * as hints from "./hints.js";
import { problem, skeleton } from "./parts.js";
import { read } from "./place.js";
import { askForKey, drawFilters, drawFoot, drawPages, startSearch } from "./shell.js";
import * as customer from "./views/customer.js";
import * as list from "./views/list.js";
import * as models from "./views/models.js";
import * as overview from "./views/overview.js";

const VIEWS = { overview, best: list, risk: list, actions: list, customer, models };
const AGAIN_AFTER = 2000;
const BACKTEST_AFTER = 5000;

const main = document.getElementById("main");
let current = null;
let shown = "";
let context = null;

async function show() {
  current?.abort();
  current = new AbortController();
  const { signal } = current;
  const here = read();
  const view = VIEWS[here.view];
  const name = `${here.view}/${here.id}`;
  hints.hide();
  drawPages();
  const same = name === shown && main.firstChild;
  if (same) main.setAttribute("aria-busy", "true");
  else main.replaceChildren(skeleton(...(view?.bones ?? [40, 200])));
  try {
    if (!view) throw Object.assign(new Error("There is no such page."), { code: "not_found" });
    context ??= await get("/dashboard/context", {}, signal);
    useCurrency(context.meta.currency);
    drawFilters(context, context.meta);
    drawFoot(context, context.meta);
    const drawn = await view.draw(here, context, signal);
    if (signal.aborted) return;
    document.title = `${drawn.title} · Customer revenue`;
    main.replaceChildren(...drawn.parts);
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

async function failed(error, signal) {
  shown = "";
  if (error.code === "unauthorized") {
    const given = await askForKey(Boolean(key.get()));
    if (!given) key.forget();
    if (given) return show();
  }
  context = error.code === "customer_not_found" ? context : null;
  document.title = "Customer revenue";
  main.replaceChildren(h("h1.unseen", {}, "Customer revenue"), problem(error, () => show()));
  if (error.code === "no_answer") wait(signal);
  if (!error.code) console.error(error);
}

/** Poll the health check until the service is back. */
async function wait(signal) {
  await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER));
  if (signal.aborted) return;
  if (await alive()) show();
  else wait(signal);
}

/** Draw again once the model has been back-tested. */
async function awaitBacktest(signal) {
  await new Promise((resolve) => setTimeout(resolve, BACKTEST_AFTER));
  if (signal.aborted) return;
  const newer = await get("/dashboard/context", {}, signal).catch(() => context);
  if (signal.aborted) return;
  if (newer.backtest_under_way) return awaitBacktest(signal);
  context = newer;
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
