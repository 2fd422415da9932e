// A chart of two lines over the steps of a stretch: as much of it as the zoom shows.
"use strict";

const COMPARED = { left: 46, right: 8, top: 6, bottom: 20, wide: 26 };

class CompareChart {
  constructor(app, title, height) {
    this.app = app;
    this.height = height;
    this.svg = makeSvg("svg", { role: "img", height });
    this.key = make("div", { class: "compare-key" });
    const saves = chartButtons(title, () => this.table(), () => this.file());
    const heading = make("h3", { class: "view-heading" }, title);
    const tools = make("div", { class: "tools" }, heading, this.buttons(), saves);
    this.root = make("figure", { class: "block compare-figure" }, tools, this.key, this.svg);
    this.svg.addEventListener("click", (event) => this.ask(event));
    new ResizeObserver(() => this.svg.clientWidth !== this.width && this.redraw()).observe(this.root);
  }

  buttons() {
    const button = (label, said, action) =>
      makeButton(label, action, { "aria-label": said, title: said, class: "small" });
    return make(
      "div",
      { class: "chart-zoom", role: "group", "aria-label": "Zoom" },
      button("−", "Wider", () => this.zoom(2)),
      button("+", "Closer", () => this.zoom(0.5)),
      button("All", "All of this part", () => this.app.store.set({ zoom: null })),
    );
  }

  /** given: {lines: [{values, name, column}], low, high, start, length, said}, the values of the whole stretch. */
  draw(given) {
    this.given = given;
    this.redraw();
  }

  /** The first step that is shown, and the one after the last. */
  get shown() {
    const { start, length } = this.given;
    return this.app.store.state.zoom ?? [start, start + length];
  }

  /** The numbers of the lines, a row a step. */
  table() {
    const { lines, start } = this.given;
    const [first, last] = this.shown;
    const { characters } = this.app.page.text;
    const rows = Array.from({ length: last - first }, (_, place) => {
      const values = lines.map(({ values }) => csvNumber(values[first - start + place]));
      return [first + place, characters[first + place], ...values];
    });
    return { columns: ["step", "character", ...lines.map(({ column }) => column)], rows };
  }

  file() {
    const paths = this.svg.querySelectorAll(".line");
    return standaloneSvg(this.svg, this.given.lines.map(({ name }, number) => [name, paths[number]]));
  }

  /** Show so many times as many steps, around the cursor if it is in sight. */
  zoom(factor) {
    const { at, stretch } = this.app.store.state;
    this.app.store.set({ zoom: zoomedBy(factor, this.shown, at, this.app.page.text.stretches[stretch]) });
  }

  ask({ clientX }) {
    const [first, last] = this.shown;
    const inner = this.width - COMPARED.left - COMPARED.right;
    const share = (clientX - this.svg.getBoundingClientRect().left - COMPARED.left) / inner;
    if (share >= 0 && share < 1) this.app.store.set({ at: Math.floor(first + share * (last - first)) });
  }

  redraw() {
    if (!this.given || !this.svg.clientWidth) return;
    const { lines, low, high, said } = this.given;
    const [first, last] = this.shown;
    this.width = this.svg.clientWidth;
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
    this.svg.setAttribute("aria-label", `${said}, steps ${shownCount(first)} to ${shownCount(last - 1)}`);
    const inner = this.width - COMPARED.left - COMPARED.right;
    const tall = this.height - COMPARED.top - COMPARED.bottom;
    this.x = (step) => COMPARED.left + ((step - first) / (last - first)) * inner;
    this.y = (value) => COMPARED.top + (1 - (value - low) / (high - low || 1)) * tall;
    const dense = last - first > inner / 3;
    const drawn = lines.map(({ values }, number) =>
      makeSvg("path", {
        class: `line line-${number}${dense ? " dense" : ""}`,
        d: this.path(values, first, last, inner),
      }),
    );
    this.cursor = makeSvg("line", { class: "at", y1: COMPARED.top, y2: COMPARED.top + tall });
    this.svg.replaceChildren(...this.axes(first, last, inner), ...drawn, this.cursor);
    this.key.replaceChildren(
      ...lines.map(({ name }, number) =>
        make("span", {}, make("i", { class: `key line-${number}`, "aria-hidden": "true" }), name),
      ),
    );
    this.point(this.app.store.state.at);
  }

  axes(first, last, inner) {
    const { low, high } = this.given;
    const rows = roundTicks(low, high, 3).flatMap((value) => [
      makeSvg("line", {
        class: "grid",
        x1: COMPARED.left,
        x2: COMPARED.left + inner,
        y1: this.y(value),
        y2: this.y(value),
      }),
      makeSvg(
        "text",
        { class: "value", x: COMPARED.left - 6, y: this.y(value) + 4 },
        shownNumber(value, decimalsOf((high - low) / 3)),
      ),
    ]);
    const steps = roundTicks(first, last - 1, inner / 110)
      .filter(Number.isInteger)
      .map((step) => makeSvg("text", { class: "step", x: this.x(step + 0.5), y: this.height - 5 }, shownCount(step)));
    return [...rows, ...steps];
  }

  /** A line with gaps; where there are more steps than pixels, the lowest and highest of each few. */
  path(all, first, last, inner) {
    const values = all.subarray(first - this.given.start, last - this.given.start);
    return runs(values)
      .filter(([, , empty]) => !empty)
      .map(([from, to]) => {
        const points = thinned(values, from, to, Math.ceil(inner)).map(
          ([place, value]) => `${this.x(first + place + 0.5).toFixed(1)},${this.y(value).toFixed(1)}`,
        );
        return `M${(points.length === 1 ? [points[0], points[0]] : points).join("L")}`;
      })
      .join("");
  }

  point(at) {
    if (!this.cursor) return;
    const [first, last] = this.shown;
    const inside = at !== null && at >= first && at < last;
    this.cursor.setAttribute("visibility", inside ? "visible" : "hidden");
    if (!inside) return;
    this.cursor.setAttribute("x1", this.x(at + 0.5));
    this.cursor.setAttribute("x2", this.x(at + 0.5));
  }
}
