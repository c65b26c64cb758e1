// Line charts over a number or over time, with an optional band and marks.

import { s } from "../dom.js";
import { area, bisector, curveMonotoneX, line, scaleLinear, scaleUtc } from "./d3.js";
import { chart, pointed, timeAxis, xAxis, yAxis } from "./frame.js";

/**
 * points: [{ x, y, low?, high? }, …] by x, a number or a Date. marks: [{ x, label, className? }, …] as upright lines.
 * span: { from, to } shades a range. ideal: a straight line to compare with. tell(point) returns the text under the pointer.
 */
export function curve({ label, points, xEnds, yTop, write, xLabels, timeFormat, marks = [], span, ideal, tell, table, tall = 220, smooth = true, dots = false, gap }) {
  const timed = points[0].x instanceof Date;
  const draw = (plot) => {
    const ends = xEnds ?? [points[0].x, points.at(-1).x];
    const x = (timed ? scaleUtc : scaleLinear)(ends, [plot.left, plot.right]);
    const y = scaleLinear([0, yTop], [plot.bottom, plot.top]);
    yAxis(plot, y, write);
    if (span) {
      const [from, to] = [x(span.from), Math.min(x(span.to), plot.right)];
      if (to > from) plot.svg.append(s("rect.span", { x: from, y: plot.top, width: to - from, height: plot.bottom - plot.top }));
    }
    if (timed) timeAxis(plot, x, timeFormat);
    else xAxis(plot, xLabels.map(([value, text]) => [x(value), text]));
    const shape = smooth ? curveMonotoneX : undefined;
    const along = (generator) => (shape ? generator.curve(shape) : generator);
    if (points[0].low !== undefined) {
      const band = along(area().x((p) => x(p.x)).y0((p) => y(p.low)).y1((p) => y(p.high)));
      plot.svg.append(s("path.band", { d: band(points) }));
    }
    if (ideal) plot.svg.append(s("line.ideal", { x1: x(ideal[0].x), y1: y(ideal[0].y), x2: x(ideal[1].x), y2: y(ideal[1].y) }));
    plot.svg.append(s("path.curve", { d: along(line().x((p) => x(p.x)).y((p) => y(p.y)))(points) }));
    if (dots) for (const p of points) plot.svg.append(s("circle.dot", { cx: x(p.x), cy: y(p.y), r: 3.5 }));
    plot.svg.append(s("line.base", { x1: plot.left, x2: plot.right, y1: plot.bottom, y2: plot.bottom }));
    for (const mark of marks) {
      const at = x(mark.x);
      if (!(at >= plot.left && at <= plot.right + 1)) continue;
      const end = at > (plot.left + plot.right) / 2;
      plot.svg.append(
        s("line.mark", { x1: at, x2: at, y1: plot.top, y2: plot.bottom }),
        s("text.marked", { x: at + (end ? -6 : 6), y: plot.top + 10, "text-anchor": end ? "end" : "start" }, mark.label),
      );
    }
    const nearest = bisector((p) => p.x).center;
    pointed(plot, (px) => {
      const found = points[nearest(points, x.invert(Math.max(plot.left, Math.min(px, plot.right))))];
      return { text: tell(found), x: x(found.x), y: y(found.y) };
    });
  };
  return chart({ label, tall, gap, draw, table });
}
