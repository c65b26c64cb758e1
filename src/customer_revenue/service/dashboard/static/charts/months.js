// Bars by month: one series, or two stacked.

import { s } from "../dom.js";
import * as format from "../format.js";
import { max, scaleBand, scaleLinear } from "./d3.js";
import { chart, pointed, xAxis, yAxis } from "./frame.js";
import { T } from "../texts.js";

/** series: [{ name, className, value(row) }, …], the lowest first; write(value) for people, short(value) for the axis. */
export function months({ label, rows, series, write, short, tall = 200 }) {
  const total = (row) => series.reduce((sum, one) => sum + one.value(row), 0);
  const draw = (plot) => {
    const x = scaleBand(rows.map((row) => row.month), [plot.left, plot.right]).paddingInner(0.25).paddingOuter(0.05);
    const y = scaleLinear([0, Math.max(1, max(rows, total))], [plot.bottom, plot.top]).nice(4);
    yAxis(plot, y, short);
    const width = Math.min(x.bandwidth(), 44);
    const inset = (x.bandwidth() - width) / 2;
    for (const row of rows) {
      let below = 0;
      for (const one of series) {
        const value = one.value(row);
        const [from, to] = [y(below), y(below + value)];
        below += value;
        if (from - to < 0.1) continue;
        plot.svg.append(
          s(`rect.bar.${one.className}`, { x: x(row.month) + inset, y: to, width, height: Math.max(from - to, 0.5), rx: 1.5 }),
        );
      }
    }
    plot.svg.append(s("line.base", { x1: plot.left, x2: plot.right, y1: plot.bottom, y2: plot.bottom }));
    xAxis(plot, rows.map((row) => [x(row.month) + x.bandwidth() / 2, format.month(row.month)]));
    pointed(plot, (px) => {
      const place = Math.floor((px - plot.left) / x.step());
      const row = rows[place];
      if (!row) return null;
      const parts = series.length > 1 ? series.map((one) => `${one.name}: ${write(one.value(row))}`) : [write(total(row))];
      const text = [format.month(row.month), ...parts].join("\n");
      return { text, x: x(row.month) + x.bandwidth() / 2, y: y(total(row)), mark: false };
    });
  };
  const table = () => ({
    head: [T.acquisition.month, ...series.map((one) => one.name)],
    rows: rows.map((row) => [format.month(row.month), ...series.map((one) => write(one.value(row)))]),
  });
  return chart({ label, tall, draw, table });
}
