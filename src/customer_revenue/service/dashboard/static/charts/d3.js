// D3's published modules, in the order of their dependencies; each extends one global object.
import "../vendor/d3-array-3.2.5.min.js";
import "../vendor/d3-color-3.1.1.min.js";
import "../vendor/d3-interpolate-3.0.2.min.js";
import "../vendor/d3-format-3.1.3.min.js";
import "../vendor/d3-time-3.1.1.min.js";
import "../vendor/d3-time-format-4.1.1.min.js";
import "../vendor/d3-scale-4.0.3.min.js";
import "../vendor/d3-path-3.1.1.min.js";
import "../vendor/d3-shape-3.2.1.min.js";

export const { scaleBand, scaleLinear, scaleUtc, line, area, curveMonotoneX, curveStepAfter, max, min, bisector } =
  globalThis.d3;
