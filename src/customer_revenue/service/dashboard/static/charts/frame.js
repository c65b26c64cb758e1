// Common parts of the charts: responsive size, axes, values under the pointer, and a table of the same numbers.

import { h, s } from "../dom.js";
import { hide, tip } from "../hints.js";
import { T } from "../texts.js";

const GAP = { top: 10, right: 12, bottom: 24, left: 48 };

/**
 * A chart.
 * label: description for screen readers. draw(plot) draws it; plot has svg, width, height and the inner edges.
 * table(): { head, rows } with the same numbers. tall: the height in pixels. hidden: the text around it says the same.
 */
export function chart({ label, hidden = false, tall = 220, gap = {}, draw, table }) {
  const edges = { ...GAP, ...gap };
  const stage = h("div.stage", { style: { height: `${tall}px` } });
  let drawn = 0;
  const redraw = () => {
    const width = Math.round(stage.clientWidth);
    if (!width || width === drawn) return;
    drawn = width;
    const svg = s("svg", { viewBox: `0 0 ${width} ${tall}`, width, height: tall, ...(hidden ? { "aria-hidden": "true" } : { role: "img", "aria-label": label }) });
    draw({
      svg,
      width,
      height: tall,
      left: edges.left,
      right: width - edges.right,
      top: edges.top,
      bottom: tall - edges.bottom,
    });
    stage.replaceChildren(svg);
  };
  new ResizeObserver(redraw).observe(stage);
  return h("figure.chart", {}, stage, table && numbers(label, table));
}

/** The same numbers as a table, created when it is opened. */
export function numbers(label, table) {
  const details = h("details.numbers", {}, h("summary", { "aria-label": T.tableOf(label) }, T.table));
  details.addEventListener("toggle", () => {
    if (!details.open || details.children.length > 1) return;
    const { head, rows } = table();
    details.append(
      h(
        "div.scroll",
        { tabindex: "0", role: "region", "aria-label": label },
        h(
          "table.plain",
          {},
          h("thead", {}, h("tr", {}, head.map((text) => h("th", { scope: "col" }, text)))),
          h("tbody", {}, rows.map(([first, ...rest]) => h("tr", {}, h("th", { scope: "row" }, first), rest.map((text) => h("td", {}, text))))),
        ),
      ),
    );
  });
  return details;
}

/** Horizontal lines with their values. */
export function yAxis(plot, y, format, ticks = 4) {
  for (const value of y.ticks(ticks)) {
    plot.svg.append(
      s("line.gridline", { x1: plot.left, x2: plot.right, y1: y(value), y2: y(value) }),
      s("text.tick", { x: plot.left - 8, y: y(value), dy: "0.32em", "text-anchor": "end" }, format(value)),
    );
  }
}

const pen = document.createElement("canvas").getContext("2d");

/** The measured width of a label, since fonts differ and labels must not be cut off. */
function wide(text) {
  pen.font = `12px ${getComputedStyle(document.documentElement).fontFamily}`;
  return pen.measureText(text).width;
}

/** The position of a label: centred, and within the edges of the chart. */
function standing(plot, x, text) {
  const half = wide(text) / 2 + 1;
  return Math.max(half, Math.min(x, plot.width - half));
}

/** Labels along the bottom: [[x, text], …], or every second, third, … of them, so that they do not overlap. */
export function xAxis(plot, labels) {
  const all = labels.filter(([x]) => x >= plot.left - 1 && x <= plot.right + 1).map(([x, text]) => ({ x: standing(plot, x, text), text, half: wide(text) / 2 }));
  const fits = (some) => some.every((one, n) => !n || one.x - some[n - 1].x > one.half + some[n - 1].half + 10);
  let step = 1;
  while (step < all.length && !fits(all.filter((_, n) => n % step === 0))) step += 1;
  for (const { x, text } of all.filter((_, n) => n % step === 0)) {
    plot.svg.append(s("text.tick", { x, y: plot.bottom + 16, "text-anchor": "middle" }, text));
  }
}

/** A few dates along a time scale. */
export function timeAxis(plot, x, format) {
  const ticks = x.ticks(Math.max(3, Math.floor((plot.right - plot.left) / 90)));
  xAxis(plot, ticks.map((date) => [x(date), format(date)]));
}

/** Show what find(x, y) returns: { text, x, y } in the chart, or nothing. */
export function pointed(plot, find) {
  const mark = s("circle.pointed", { r: 4, visibility: "hidden" });
  plot.svg.append(mark);
  const move = (event) => {
    const box = plot.svg.getBoundingClientRect();
    const found = find(event.clientX - box.left, event.clientY - box.top);
    if (!found) return leave();
    if (found.mark !== false) {
      mark.setAttribute("cx", found.x);
      mark.setAttribute("cy", found.y);
      mark.setAttribute("visibility", "visible");
    }
    tip(found.text, box.left + found.x, box.top + found.y);
  };
  const leave = () => {
    mark.setAttribute("visibility", "hidden");
    hide();
  };
  plot.svg.addEventListener("pointermove", move);
  plot.svg.addEventListener("pointerdown", move);
  plot.svg.addEventListener("pointerleave", leave);
}
