// What stands around and over the cells of a heatmap, as plain marks: drawn on the canvas, and into an SVG.
"use strict";

const HEATMAP_TOP = 34; // pixels above the cells: numbers of steps, then characters
const LABEL_HEIGHT = 12;

/** Where things are, in pixels: the cells from (left, top) on, so wide and high; and how large one cell is. */
function heatmapLayout(width, height, labels, { steps, rows }) {
  const left = Math.ceil(Math.max(...labels.map((label) => label.length)) * 6.1) + 12;
  const wide = Math.max(1, width - left - 2);
  const high = Math.max(1, height - HEATMAP_TOP - 2);
  return {
    width,
    height,
    left,
    top: HEATMAP_TOP,
    wide,
    high,
    stepSize: wide / steps.size,
    rowSize: high / rows.size,
    x: (step) => left + ((step - steps.from) * wide) / steps.size,
    y: (row) => HEATMAP_TOP + ((row - rows.from) * high) / rows.size,
  };
}

/**
 * Marks: {text, x, y, align, ink, bold} or {x, y, wide, high, ink, share, hollow}.
 * scene: layout, part (the HeatmapWindow), labels (of the rows), row (of the unit that is chosen), cross ({row, step}
 * or null), start (the step of the text at which the cells begin), at, span (as in the state), characters, shown.
 */
function heatmapMarks(scene) {
  return [...stepMarks(scene), ...spanMarks(scene), ...rowMarks(scene), ...crossMarks(scene)];
}

function stepMarks({ layout, part: { steps }, start, characters, shown }) {
  const ticks = roundTicks(start + steps.from, start + steps.to - 0.5, layout.wide / 90).filter(Number.isInteger);
  const marks = ticks.flatMap((step) => {
    const x = layout.x(step - start + 0.5);
    const align = x < layout.left + 20 ? "left" : x > layout.left + layout.wide - 24 ? "right" : "center";
    return [
      {
        text: shownCount(step),
        x: align === "center" ? x : Math.min(Math.max(x, layout.left), layout.left + layout.wide),
        y: 9,
        align,
        ink: "quiet",
      },
      { x: x - 0.5, y: 16, wide: 1, high: layout.stepSize < 7 ? HEATMAP_TOP - 16 : 3, ink: "line" },
    ];
  });
  if (layout.stepSize < 7) return marks;
  for (let step = Math.floor(steps.from); step < steps.to; step++) {
    const character = characters[start + step];
    if (character === " " || step + 0.5 < steps.from || step + 0.5 > steps.to) continue;
    marks.push({
      text: shown[character] ?? character,
      x: layout.x(step + 0.5),
      y: 26,
      align: "center",
      ink: "ink",
      large: true,
    });
  }
  return marks;
}

/** The selected span as a bar above the cells, and the step of the cursor as a line through them. */
function spanMarks({ layout, start, at, span }) {
  const marks = [];
  const within = (x) => Math.min(Math.max(x, layout.left), layout.left + layout.wide);
  if (span) {
    const [from, to] = span.map((step) => within(layout.x(step - start)));
    if (to > from) marks.push({ x: from, y: HEATMAP_TOP - 3, wide: to - from, high: 3, ink: "accent" });
  }
  if (at !== null) {
    const x = layout.x(at - start + 0.5);
    if (x === within(x)) marks.push({ x: x - 0.5, y: HEATMAP_TOP - 3, wide: 1, high: layout.high + 3, ink: "accent" });
  }
  return marks;
}

/** The addresses of rows, as many as there is room for; and a frame around the unit that is chosen. */
function rowMarks({ layout, part: { rows }, labels, row }) {
  const marks = [];
  const x = layout.left - 6;
  const middle = (each) => layout.y(each + 0.5);
  const shown = (each) => each + 0.5 >= rows.from && each + 0.5 <= rows.to;
  const every = Math.max(1, Math.ceil(LABEL_HEIGHT / layout.rowSize));
  for (let each = Math.ceil(rows.from / every) * every; each < Math.min(labels.length, rows.to); each += every) {
    if (!shown(each) || (shown(row) && Math.abs(middle(each) - middle(row)) < LABEL_HEIGHT && each !== row)) continue;
    if (each !== row) marks.push({ text: labels[each], x, y: middle(each), align: "right", ink: "quiet" });
  }
  if (!shown(row)) return marks;
  const high = Math.max(3, layout.rowSize);
  marks.push({ text: labels[row], x, y: middle(row), align: "right", ink: "accent", bold: true });
  marks.push({ x: layout.left - 4, y: middle(row) - 1.5, wide: 4, high: 3, ink: "accent" });
  marks.push({ x: layout.left, y: middle(row) - high / 2, wide: layout.wide, high, ink: "accent", hollow: true });
  return marks;
}

function crossMarks({ layout, cross }) {
  if (!cross) return [];
  const x = layout.x(cross.step + 0.5);
  const y = layout.y(cross.row + 0.5);
  return [
    { x: x - 0.5, y: layout.top, wide: 1, high: layout.high, ink: "ink", share: 0.6 },
    { x: layout.left, y: y - 0.5, wide: layout.wide, high: 1, ink: "ink", share: 0.6 },
  ];
}
