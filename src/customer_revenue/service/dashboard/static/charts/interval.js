// An estimate with its interval on a line through 0; the text next to it has the same figures.

import { s } from "../dom.js";
import { chart } from "./frame.js";

export function interval({ per_customer: value, low, high }) {
  const draw = (plot) => {
    const from = Math.min(low, 0);
    const to = Math.max(high, 0);
    const room = (to - from || 1) * 0.04;
    const x = (at) => plot.left + ((at - from + room) / (to - from + 2 * room || 1)) * (plot.right - plot.left);
    const middle = (plot.top + plot.bottom) / 2;
    plot.svg.append(
      s("line.base", { x1: plot.left, x2: plot.right, y1: middle, y2: middle }),
      s("line.zero", { x1: x(0), x2: x(0), y1: plot.top, y2: plot.bottom }),
      s("line.whisker", { x1: x(low), x2: x(high), y1: middle, y2: middle }),
      s("circle.dot", { cx: x(value), cy: middle, r: 5 }),
    );
  };
  return chart({ label: "", hidden: true, tall: 26, gap: { top: 3, bottom: 3, left: 2, right: 2 }, draw });
}
