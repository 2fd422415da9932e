// Steering the series: drag to zoom, tap to go to a step, double-click for all, and the keys that do the same.
"use strict";

class SeriesGestures {
  constructor(series) {
    Object.assign(this, { series, store: series.app.store, from: null });
    const { svg } = series;
    svg.addEventListener("pointerdown", (event) => this.down(event));
    svg.addEventListener("pointermove", (event) => this.move(event));
    svg.addEventListener("pointerup", (event) => this.up(event));
    svg.addEventListener("pointercancel", () => this.end());
    svg.addEventListener("pointerleave", () => this.store.set({ hover: null }));
    svg.addEventListener("dblclick", () => this.store.set({ zoom: null }));
    svg.addEventListener("keydown", (event) => this.press(event));
  }

  x(event) {
    return event.clientX - this.series.svg.getBoundingClientRect().left;
  }

  step(event) {
    const [first, last] = this.series.window;
    return Math.max(first, Math.min(last - 1, Math.floor(this.series.stepAt(this.x(event)))));
  }

  down(event) {
    if (!this.series.marks || event.button !== 0) return;
    this.from = this.x(event);
    this.series.svg.setPointerCapture(event.pointerId);
    this.brush = makeSvg("rect", { class: "brush", y: SERIES.top, height: this.series.bottom - SERIES.top });
    this.series.svg.append(this.brush);
  }

  move(event) {
    if (!this.series.marks) return;
    if (this.from === null) return this.store.set({ hover: event.pointerType === "mouse" ? this.step(event) : null });
    const to = this.x(event);
    this.brush.setAttribute("x", Math.min(this.from, to));
    this.brush.setAttribute("width", Math.abs(to - this.from));
  }

  up(event) {
    if (this.from === null) return;
    const ends = [this.from, this.x(event)].sort((one, other) => one - other);
    this.end();
    if (ends[1] - ends[0] < 5) return this.store.set({ at: this.step(event) });
    const [first, last] = ends.map(this.series.stepAt);
    this.series.show(Math.floor(first), Math.max(10, Math.ceil(last) - Math.floor(first)));
  }

  end() {
    this.from = null;
    this.brush?.remove();
  }

  press(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const { series, store } = this;
    const move = (by) => {
      const [first, last] = series.window;
      const at = store.state.at === null ? first : store.state.at + by;
      store.set({ at: Math.max(first, Math.min(last - 1, at)) });
    };
    const action = {
      "+": () => series.zoomBy(0.5), "=": () => series.zoomBy(0.5), "-": () => series.zoomBy(2),
      0: () => store.set({ zoom: null }), ArrowUp: () => move(-1), ArrowDown: () => move(1),
    }[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }
}
