// What a series is drawn of: its axes with numbers, the line with gaps, and the colours under it.
"use strict";

function seriesAxes({ x, y, span, window, width, height, bottom }) {
  const parts = [];
  const values = roundTicks(...span, Math.max(3, Math.floor(bottom / 35)));
  const decimals = values.length > 1 ? decimalsOf(values[1] - values[0]) : 2;
  for (const value of values) {
    const across = { x1: SERIES.left, x2: width - SERIES.right, y1: y(value), y2: y(value) };
    parts.push(makeSvg("line", { class: value === 0 ? "zero" : "grid", ...across }));
    parts.push(makeSvg("text", { class: "value", x: SERIES.left - 8, y: y(value) + 4 }, shownNumber(value, decimals)));
  }
  for (const step of roundTicks(window[0], window[1] - 1, Math.floor(width / 90)).filter(Number.isInteger)) {
    parts.push(makeSvg("line", { class: "tick", x1: x(step + 0.5), x2: x(step + 0.5), y1: bottom, y2: bottom + 4 }));
    parts.push(makeSvg("text", { class: "step", x: x(step + 0.5), y: height - 7 }, shownCount(step)));
  }
  return makeSvg("g", { "aria-hidden": "true" }, parts);
}

/** The line, and the area between it and zero in the colours of the scale; gaps are left open, and marked below. */
function seriesLines(series) {
  const { x, y, window: [first], shown: values, width, bottom, span } = series;
  const zero = y(Math.max(span[0], Math.min(span[1], 0)));
  const lines = [];
  const areas = [];
  const gaps = [];
  for (const [start, stop, empty] of runs(values)) {
    const [from, to] = [x(first + start), x(first + stop)];
    if (empty) {
      const box = { x: from, y: bottom - 3, width: Math.max(1, to - from), height: 3 };
      gaps.push(makeSvg("rect", { class: "nothing", ...box }));
      continue;
    }
    const points = thinned(values, start, stop, Math.ceil(width)).map(([place, value]) =>
      `${x(first + place + 0.5).toFixed(1)},${y(value).toFixed(1)}`);
    if (points.length === 1) points.push(`${to.toFixed(1)},${points[0].split(",")[1]}`);
    const [left, right] = [points[0], points.at(-1)].map((point) => `${point.split(",")[0]},${zero.toFixed(1)}`);
    lines.push(`M${points.join("L")}`);
    areas.push(`M${left}L${points.join("L")}L${right}Z`);
  }
  const line = values.length > width / 2 ? "line dense" : "line";
  return [
    makeSvg("path", { class: "area", d: areas.join("") }), makeSvg("path", { class: line, d: lines.join("") }), ...gaps,
  ];
}

/** The colour scale up the height of the figure. */
function seriesGradient({ y, range: [low, high] }, colours) {
  const stops = Array.from({ length: 17 }, (_, place) =>
    makeSvg("stop", { offset: place / 16, "stop-color": colours.css(colours.rgb(place / 16)) }));
  return makeSvg("defs", {}, makeSvg("linearGradient",
    { id: "scale", gradientUnits: "userSpaceOnUse", x1: 0, x2: 0, y1: y(low), y2: y(high) }, stops));
}
