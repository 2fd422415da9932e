// The unit's series as a line under the text, with its axes, the cursor and the selection; zoomed by brushing.
"use strict";

const SERIES = { left: 52, right: 12, top: 8, axis: 24, letters: 18, letter: 8.5 }; // pixels

class Series {
  constructor(app, text, root) {
    Object.assign(this, { app, text, root, values: null });
    this.svg = makeSvg("svg", { tabindex: "0", role: "group", "aria-describedby": "series-help" });
    const keys = "Plus and minus zoom, 0 shows all, up and down move the cursor.";
    const help = make("p", { id: "series-help", class: "unseen" }, keys);
    this.title = make("span", { class: "mono" });
    root.append(make("figcaption", {}, this.title, this.buttons(), this.saves()), help, this.svg);
    new SeriesGestures(this);
    app.store.draw("text", ["model", "unit", "stretch", "scheme", "zoom"], (state) => this.draw(state));
    app.store.draw("text", ["at", "hover", "span"], () => this.drawMarks());
    new ResizeObserver(([{ contentRect }]) => this.resize(contentRect)).observe(this.svg);
  }

  buttons() {
    const button = (label, said, action) => makeButton(label, action, { "aria-label": said, title: said });
    this.zoomed = [
      button("−", "Wider (minus)", () => this.zoomBy(2)), button("◂", "Back", () => this.pan(-0.5)),
      button("▸", "On", () => this.pan(0.5)),
      button("All", "All of this part (0)", () => this.app.store.set({ zoom: null })),
    ];
    return make("span", { class: "zoom" }, this.zoomed, button("+", "Closer (plus)", () => this.zoomBy(0.5)));
  }

  saves() {
    const titles = () => [[this.title.textContent, null]];
    return chartButtons("series", () => this.table(), () => standaloneSvg(this.svg, titles()));
  }

  /** The values in view, a row a step. */
  table() {
    const { characters } = this.app.page.text;
    const [first] = this.window;
    const rows = Array.from(this.shown, (value, place) => [first + place, characters[first + place], csvNumber(value)]);
    return { columns: ["step", "character", this.app.store.state.unit], rows };
  }

  /** The size is told here and not asked for when drawing, which would have the whole page laid out first. */
  resize({ width, height }) {
    if (!width) return; // in a tab that is not shown
    Object.assign(this, { width, height });
    if (this.values) this.redraw();
  }

  async draw({ model, unit, stretch }) {
    const values = await this.app.signals.series(model, unit, stretch);
    const { state } = this.app.store;
    if (state.model !== model || state.unit !== unit || state.stretch !== stretch) return; // overtaken
    this.values = values;
    this.start = this.app.page.text.stretches[stretch].start;
    if (this.width) this.redraw();
  }

  /** The first step that is shown, and the one after the last. */
  get window() {
    return this.app.store.state.zoom ?? [this.start, this.start + this.values.length];
  }

  redraw() {
    const { model, unit, zoom } = this.app.store.state;
    const [first, last] = this.window;
    this.shown = this.values.subarray(first - this.start, last - this.start);
    this.setScale(this.app.signals.find(unit, model).signal, this.app.signals.range(model, unit));
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
    this.svg.setAttribute("aria-label", `${unit} from step ${first} to ${last - 1}`);
    this.title.textContent = `${unit}${zoom ? `, steps ${shownCount(first)} to ${shownCount(last - 1)}` : ""}`;
    for (const button of this.zoomed) button.disabled = !zoom;
    this.marks = makeSvg("g", { class: "marks" });
    const drawn = [seriesGradient(this, this.app.colours), seriesAxes(this), ...seriesLines(this), this.letters()];
    this.svg.replaceChildren(...drawn, this.marks);
    this.drawMarks();
  }

  /** From zero, or a gate's end, as far as the values go in all of the stretch; and below it all the characters. */
  setScale({ gate }, [low, high]) {
    this.range = [low, high];
    let [least, most] = gate ? [low, high] : [0, 0];
    for (const value of this.values) {
      if (value < least) least = value;
      if (value > most) most = value;
    }
    const [first, last] = this.window;
    const inner = this.width - SERIES.left - SERIES.right;
    this.lettered = inner / (last - first) >= SERIES.letter;
    this.bottom = this.height - SERIES.axis - (this.lettered ? SERIES.letters : 0);
    this.span = [least, most];
    this.x = (step) => SERIES.left + ((step - first) / (last - first)) * inner;
    this.y = (value) => SERIES.top + ((most - value) / (most - least || 1)) * (this.bottom - SERIES.top);
    this.stepAt = (x) => Math.max(first, Math.min(last, first + ((x - SERIES.left) / inner) * (last - first)));
  }

  /** The characters, where there is room for them. */
  letters() {
    const [first, last] = this.window;
    const group = makeSvg("g", { class: "letters", "aria-hidden": "true" });
    for (let step = first; this.lettered && step < last; step++) {
      const seen = this.text.seen(step);
      group.append(makeSvg("text", { x: this.x(step + 0.5), y: this.bottom + 14 }, seen === " " ? "·" : seen));
    }
    return group;
  }

  drawMarks() {
    if (!this.values || !this.width) return;
    const { at, hover, span } = this.app.store.state;
    const [first, last] = this.window;
    const { bottom } = this;
    const marks = [];
    if (span && span[1] > first && span[0] < last) {
      const [from, to] = [this.x(Math.max(span[0], first)), this.x(Math.min(span[1], last))];
      const box = { x: from, y: SERIES.top, width: Math.max(1, to - from), height: bottom - SERIES.top };
      marks.push(makeSvg("rect", { class: "chosen", ...box }));
    }
    for (const [name, step] of [["at", at], ["hover", hover]]) {
      if (step === null || step < first || step >= last) continue;
      const x = this.x(step + 0.5);
      marks.push(makeSvg("line", { class: name, x1: x, x2: x, y1: SERIES.top, y2: bottom }));
      const value = this.values[step - this.start];
      if (!Number.isNaN(value)) marks.push(makeSvg("circle", { class: name, cx: x, cy: this.y(value), r: 4 }));
    }
    this.marks.replaceChildren(...marks);
  }

  /** Show so many times as many steps, around the cursor if it is in sight. */
  zoomBy(factor) {
    const { at, stretch } = this.app.store.state;
    this.app.store.set({ zoom: zoomedBy(factor, this.window, at, this.app.page.text.stretches[stretch]) });
  }

  pan(share) {
    const [first, last] = this.window;
    this.show(first + Math.round(share * (last - first)), last - first);
  }

  /** Show so many steps from one on, as far as the stretch goes. */
  show(first, wide) {
    const stretch = this.app.page.text.stretches[this.app.store.state.stretch];
    this.app.store.set({ zoom: zoomTo(first, wide, stretch) });
  }
}
