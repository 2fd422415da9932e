// The tab "Heatmap": all units of a signal over a stretch of the text.
"use strict";

const TALLEST_ROW = 22; // pixels

class Heatmap {
  constructor(root, app) {
    this.root = root;
    this.app = app;
    this.part = new HeatmapWindow();
    this.cross = null;
    this.asked = 0;
    declareRows(app.store);
    this.parts = heatmapParts(this);
    this.canvas = this.parts.canvas;
    new HeatmapGestures(this.canvas, this);
    new HeatmapKeys(this.canvas, this);
    const keys = ["model", "unit", "stretch", "zoom", "rows", "order", "scheme", "at", "span"];
    app.store.draw("heatmap", keys, (state) => this.update(state));
    new ResizeObserver(() => this.cells && root.clientWidth && this.draw()).observe(root);
  }

  get model() {
    return this.app.page.models[this.app.store.state.model];
  }

  /** Take over the state; what was asked for last, while a block is inflated, wins. */
  async update(state) {
    const asked = ++this.asked;
    const { signal } = this.app.signals.find(state.unit, state.model);
    const matrix = await this.app.signals.matrix(state.model, signal.address, state.stretch);
    if (asked !== this.asked) return;
    this.signal = signal;
    this.start = this.app.page.text.stretches[state.stretch].start;
    this.sort(state);
    this.colour(matrix, state);
    const zoom = state.zoom?.map((step) => step - this.start) ?? null;
    const asBefore = String(state.rows) === String(this.part.rows.rounded);
    this.part.show(matrix.length, zoom, this.rows.length, state.rows);
    if (asBefore && this.unit !== state.unit) this.part.rows.reach(this.row(state.unit));
    this.unit = state.unit;
    this.draw();
    this.app.store.set({ rows: this.part.rows.rounded });
  }

  /** Put the rows in the order that was chosen. */
  sort({ model, order }) {
    const key = [model, this.signal.address, order].join(" ");
    if (this.sorted === key) return;
    this.sorted = key;
    const orders = rowOrders(this.model, this.signal);
    const used = orders.some(([key]) => key === order) ? order : "address";
    fillSelect(this.parts.order, orders);
    this.parts.order.value = used;
    this.rows = rowsInOrder(this.model, this.signal, used);
    this.labels = this.rows.map((place) => this.app.signals.address(this.signal, place));
    this.orderName = orders.find(([key]) => key === used)[1];
  }

  /** Take over the cells, in the colours of the scheme. */
  colour(matrix, { model, stretch, scheme }) {
    const key = [model, this.signal.address, stretch, scheme].join(" ");
    if (this.coloured === key) return;
    this.coloured = key;
    this.matrix = matrix;
    this.inks = inksOf(this.root);
    const gap = cssRgb(this.inks.gap);
    this.cells = new HeatmapCells(matrix, this.signal, this.app.colours, gap);
    drawHeatmapScale(this.parts, this.signal, this.app.colours);
  }

  row(unit) {
    return this.labels.indexOf(unit);
  }

  /** Where things are, for the size that the canvas has. */
  get layout() {
    const width = this.root.clientWidth;
    const tallest = Math.max(280, Math.min(760, innerHeight - 390));
    const height = Math.min(tallest, this.rows.length * TALLEST_ROW + HEATMAP_TOP + 2);
    return heatmapLayout(width, height, this.labels, this.part);
  }

  draw() {
    const { canvas, layout } = this;
    const fine = devicePixelRatio || 1;
    canvas.width = Math.round(layout.width * fine);
    canvas.height = Math.round(layout.height * fine);
    canvas.style.height = `${layout.height}px`;
    canvas.style.touchAction = this.part.rows.whole ? "pan-y" : "none";
    const pen = canvas.getContext("2d");
    pen.scale(fine, fine);
    this.drawn = this.picture(layout, fine);
    drawHeatmap(pen, layout, this.drawn, this.marks(layout), this.inks);
    sayHeatmap(this);
  }

  /** The cells in view as a canvas, a dot of the screen for each or for several, and where it goes. */
  picture(layout, fine) {
    const { steps, rows } = this.part;
    const [first, last, across] = steps.dots(layout.stepSize * fine);
    const [top, bottom, down] = rows.dots(layout.rowSize * fine);
    const view = { first, last, top, bottom, across, down };
    const key = JSON.stringify(view);
    if (this.painted?.key !== key || this.painted.cells !== this.cells || this.painted.rows !== this.rows) {
      const canvas = canvasOf(this.cells.paint(this.rows, view));
      this.painted = { key, cells: this.cells, rows: this.rows, canvas };
    }
    const { canvas } = this.painted;
    return {
      canvas,
      across,
      down,
      x: layout.x(first),
      y: layout.y(top),
      wide: canvas.width * across * layout.stepSize,
      high: canvas.height * down * layout.rowSize,
    };
  }

  marks(layout, cross = this.cross) {
    const { at, span, unit } = this.app.store.state;
    const { characters, shown } = this.app.page.text;
    return heatmapMarks({
      layout,
      part: this.part,
      labels: this.labels,
      row: this.row(unit),
      cross,
      start: this.start,
      at,
      span,
      characters,
      shown,
    });
  }

  zoom(steps, x, rows, y) {
    this.part.steps.zoom(steps, x);
    this.part.rows.zoom(rows, y);
    this.keep();
  }

  move(steps, rows) {
    this.part.steps.move(steps * this.part.steps.size);
    this.part.rows.move(rows * this.part.rows.size);
    this.keep();
  }

  reset() {
    this.part.show(this.matrix.length, null, this.rows.length, null);
    this.keep();
  }

  /** Keep in the state what of it are whole steps and rows, and draw; browsers tell of gestures once a frame. */
  keep() {
    const zoom = this.part.steps.rounded?.map((step) => step + this.start) ?? null;
    const rows = this.part.rows.rounded;
    const { state } = this.app.store;
    if (String(zoom) === String(state.zoom) && String(rows) === String(state.rows)) this.draw();
    else this.app.store.set({ zoom, rows });
  }

  /** The cell at shares of the box; null outside of it. */
  cell(x, y) {
    if (x === null || !(x >= 0 && x < 1 && y >= 0 && y < 1)) return null;
    const { steps, rows } = this.part;
    return { step: Math.floor(steps.from + x * steps.size), row: Math.floor(rows.from + y * rows.size) };
  }

  point(x, y) {
    const cross = this.cell(x, y);
    if (JSON.stringify(cross) === JSON.stringify(this.cross)) return;
    this.cross = cross;
    this.keep();
  }

  choose(x, y) {
    const cell = this.cell(x, y);
    if (!cell) return;
    this.cross = null;
    this.app.store.set({ unit: this.labels[cell.row], at: this.start + cell.step, tab: "text" });
  }

  table() {
    return heatmapTable(this);
  }

  svg() {
    const { layout } = this;
    return heatmapSvg(layout, this.picture(layout, devicePixelRatio || 1), this.marks(layout, null), this.inks);
  }
}
