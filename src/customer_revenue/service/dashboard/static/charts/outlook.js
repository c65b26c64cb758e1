// Months that are over as bars, parts of months hatched, and the months to come as a line with its band.

import { s } from "../dom.js";
import { area, curveMonotoneX, line, scaleBand, scaleLinear } from "./d3.js";
import { chart, pointed, xAxis, yAxis } from "./frame.js";

/** past: [{ label, value, complete }]; ahead: [{ label, value, low, high }]; tell(row) is the text under the pointer. */
export function outlook({ label, past, ahead, write, short, tell, names, tall = 280 }) {
  const rows = [...past.map((row) => ({ ...row, is: "past" })), ...ahead.map((row) => ({ ...row, is: "ahead" }))].map((row, place) => ({ ...row, place }));
  const draw = (plot) => {
    const x = scaleBand(rows.map((row) => row.place), [plot.left, plot.right]).paddingInner(0.25).paddingOuter(0.05);
    const highest = Math.max(1, ...rows.map((row) => row.high ?? row.value));
    const lowest = Math.min(0, ...rows.map((row) => row.low ?? row.value));
    const y = scaleLinear([lowest, highest], [plot.bottom, plot.top]).nice(4);
    yAxis(plot, y, short);
    const id = `hatch-${Math.random().toString(36).slice(2)}`;
    plot.svg.append(s("defs", {}, s("pattern", { id, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, s("rect.hatch-ground", { width: 6, height: 6 }), s("rect.hatch-line", { width: 3, height: 6 }))));
    const middle = (row) => x(row.place) + x.bandwidth() / 2;
    for (const row of rows.filter((one) => one.is === "past")) {
      const [from, to] = [y(Math.max(0, row.value)), y(Math.min(0, row.value))];
      const bar = s("rect.bar.one", { x: x(row.place), y: from, width: x.bandwidth(), height: Math.max(to - from, 0.5), rx: 1.5 });
      if (!row.complete) bar.style.setProperty("fill", `url(#${id})`);
      plot.svg.append(bar);
    }
    const to = rows.filter((one) => one.is === "ahead");
    if (to.length) {
      plot.svg.append(
        s("path.band", { d: area().x(middle).y0((p) => y(p.low)).y1((p) => y(p.high)).curve(curveMonotoneX)(to) }),
        s("path.curve", { d: line().x(middle).y((p) => y(p.value)).curve(curveMonotoneX)(to) }),
      );
    }
    plot.svg.append(s("line.base", { x1: plot.left, x2: plot.right, y1: y(0), y2: y(0) }));
    xAxis(plot, rows.map((row) => [middle(row), row.label]));
    pointed(plot, (px) => {
      const row = rows[Math.floor((px - plot.left) / x.step())];
      return row ? { text: tell(row), x: middle(row), y: y(row.value), mark: row.is === "ahead" } : null;
    });
  };
  const table = () => ({
    head: names,
    rows: rows.map((row) => [row.label, row.is === "past" ? write(row.value) : "", row.is === "ahead" ? `${write(row.value)} (${write(row.low)} – ${write(row.high)})` : ""]),
  });
  return chart({ label, tall, gap: { left: 56 }, draw, table });
}
