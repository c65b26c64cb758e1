// Orders as bars upwards and refunds downwards, by day.

import { s } from "../dom.js";
import * as format from "../format.js";
import { max, scaleLinear, scaleUtc } from "./d3.js";
import { chart, pointed, timeAxis, yAxis } from "./frame.js";
import { T } from "../texts.js";

export function moves({ label, rows, first, last, tall = 180 }) {
  const points = rows
    .map((row) => ({ row, date: format.toDate(row.day), cents: row.kind === "order" ? row.amount_cents : -row.amount_cents }))
    .sort((a, b) => a.date - b.date);
  const draw = (plot) => {
    const x = scaleUtc([format.toDate(first), format.toDate(last)], [plot.left + 6, plot.right - 6]);
    const up = max(points, (p) => Math.max(p.cents, 0)) || 1;
    const down = max(points, (p) => Math.max(-p.cents, 0)) || 0;
    const y = scaleLinear([-down, up], [plot.bottom, plot.top]).nice(4);
    yAxis(plot, y, format.shortMoney);
    timeAxis(plot, x, format.monthAndYear);
    for (const p of points) {
      const kind = p.row.kind === "refund" || p.row.status === "refunded" ? "refund" : "order";
      plot.svg.append(
        s(`line.stem.${kind}`, { x1: x(p.date), x2: x(p.date), y1: y(0), y2: y(p.cents) }),
        s(`circle.tip.${kind}`, { cx: x(p.date), cy: y(p.cents), r: 3.5 }),
      );
    }
    plot.svg.append(s("line.base", { x1: plot.left, x2: plot.right, y1: y(0), y2: y(0) }));
    pointed(plot, (px, py) => {
      let best = null;
      for (const p of points) {
        const distance = Math.hypot(x(p.date) - px, (y(p.cents) - py) / 4);
        if (!best || distance < best.distance) best = { p, distance };
      }
      if (!best || best.distance > 40) return null;
      const { row } = best.p;
      const what = row.kind === "refund" ? T.customer.refund : row.status === "refunded" ? T.customer.refundedLater : T.customer.order;
      return { text: `${what}: ${format.money(row.amount_cents)}\n${format.day(row.day)}`, x: x(best.p.date), y: y(best.p.cents) };
    });
  };
  return chart({ label, tall, gap: { left: 56 }, draw });
}
