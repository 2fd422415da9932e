// Tables of numbers and words, in the page and as files.
"use strict";

/** A table; a column of numbers is set to the right, with as many decimals for all. A cell may be an element. */
function numberTable(columns, rows) {
  const writers = columns.map((_, place) => columnWriter(rows.map((row) => row[place])));
  const kind = (place) => (writers[place] ? "number" : null);
  const head = columns.map((column, place) => make("th", { scope: "col", class: kind(place) }, columnTitle(column)));
  const cell = (value, place) => make("td", { class: kind(place) }, shownCell(value, writers[place]));
  const body = rows.map((row) => make("tr", {}, row.map(cell)));
  return make("table", { class: "numbers" }, make("thead", {}, make("tr", {}, head)), make("tbody", {}, body));
}

const COLUMN_TITLES = {
  probability_ablated: "probability without",
  controls: "controls' change",
  controls_low: "controls from",
  controls_high: "controls to",
  low: "from",
  high: "to",
};

/** The name of a column as a reader wants it. */
function columnTitle(column) {
  return COLUMN_TITLES[column] ?? column.replaceAll("_", " ");
}

/** How the numbers of a column are written: the largest with three digits that count; null if they are no numbers. */
function columnWriter(values) {
  const told = values.filter((value) => value !== null && value !== undefined);
  if (!told.length || !told.every((value) => typeof value === "number")) return null;
  if (told.every(Number.isInteger)) return (value) => shownCount(value).replace("-", "−");
  const decimals = Math.max(0, Math.min(6, 2 - Math.floor(Math.log10(Math.max(...told.map(Math.abs)) || 1))));
  const least = 10 ** -decimals;
  return (value) => (value && Math.abs(value) < least ? smallNumber(value) : shownNumber(value, decimals));
}

/** A number that the decimals of its column would hide. */
function smallNumber(value) {
  return (Math.abs(value) < 1e-4 ? value.toExponential(1) : value.toPrecision(2)).replaceAll("-", "−");
}

function shownCell(value, write) {
  if (value === null || value === undefined) return "–";
  if (write) return write(value);
  return value instanceof Node ? value : String(value);
}

/** A table of many columns, which a narrow screen folds: each cell stands there after the name of its column. */
function foldingTable(table) {
  const names = [...table.tHead.rows[0].cells].map((head) => head.textContent);
  for (const { cells } of table.tBodies[0].rows) {
    for (const cell of cells) cell.dataset.name = names[cell.cellIndex];
  }
  return make("div", { class: "scrolls folds" }, table);
}

/** A table behind a line that opens it; it is built when it is opened. */
function foldedTable(said, columns, rows) {
  const details = make("details", {}, make("summary", {}, said));
  details.addEventListener("toggle", () => {
    if (details.open && details.children.length === 1) {
      details.append(
        make("div", { class: "scrolls", tabindex: 0, role: "region", "aria-label": said }, numberTable(columns, rows)),
      );
    }
  });
  return details;
}
