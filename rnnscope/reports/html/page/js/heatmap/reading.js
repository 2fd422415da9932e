// What a heatmap says in words and numbers.
"use strict";

/** The value of a row at a step of the stretch; NaN where there is none. */
function heatmapValue({ rows, matrix }, row, step) {
  const code = matrix.codes[rows[row] * matrix.length + step];
  return code === NO_VALUE ? NaN : code * matrix.steps[rows[row]];
}

/** Say what is shown, and what stands under the cross or else at the cursor. */
function sayHeatmap(view) {
  const { at, unit } = view.app.store.state;
  const { steps, rows } = view.part;
  const [from, to] = steps.shown.map((step) => shownCount(view.start + step));
  view.canvas.setAttribute(
    "aria-label",
    `${view.signal.address}, ${view.app.signals.name(view.signal)}: ` +
      `${Math.round(rows.size)} of ${rows.length} units, steps ${from} to ${to}, ` +
      `by ${view.orderName}; ${unit} is chosen`,
  );
  const cell = view.cross ?? (at === null ? null : { row: view.row(unit), step: at - view.start });
  view.parts.said.textContent = cell ? cellSaid(view, cell) : unit;
  const { across, down } = view.drawn;
  view.parts.coarse.hidden = across * down === 1;
  view.parts.coarse.textContent =
    `A dot of the picture stands for ${across} × ${down} cells (steps × units). It shows the ` +
    "one farthest from its unit's mean, so that a short switch is seen too.";
  view.parts.whole.disabled = steps.whole && rows.whole;
}

function cellSaid(view, { row, step }) {
  const { characters, shown } = view.app.page.text;
  const character = characters[view.start + step];
  const seen = character === " " ? "space" : (shown[character] ?? character);
  const value = shownNumber(heatmapValue(view, row, step), decimalsOf(view.matrix.steps[view.rows[row]]));
  return `${view.labels[row]}   step ${shownCount(view.start + step)}   ${seen}   ${value}`;
}

/** The steps and units in view, one row a step. */
function heatmapTable(view) {
  const { characters } = view.app.page.text;
  const { steps, rows } = view.part;
  const shown = [...view.labels.keys()].slice(...rows.shown);
  const [from, to] = steps.shown;
  const lines = Array.from({ length: to - from }, (_, place) => {
    const values = shown.map((row) => heatmapValue(view, row, from + place));
    return [view.start + from + place, characters[view.start + from + place], ...values.map(csvNumber)];
  });
  return { columns: ["step", "character", ...shown.map((row) => view.labels[row])], rows: lines };
}
