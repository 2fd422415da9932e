// Keys on a heatmap's canvas: up and down through its rows, with Shift along its steps, and zoom.
"use strict";

const CLOSER = 2 / 3; // what a press of + leaves of what is shown

class HeatmapKeys {
  constructor(canvas, view) {
    this.view = view;
    this.store = view.app.store;
    canvas.addEventListener("keydown", (event) => this.press(event));
  }

  press(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const action = {
      ArrowUp: () => this.next(-1),
      ArrowDown: () => this.next(1),
      ArrowLeft: event.shiftKey && (() => this.step(-1)),
      ArrowRight: event.shiftKey && (() => this.step(1)),
      "+": () => this.zoom(CLOSER),
      "=": () => this.zoom(CLOSER),
      "-": () => this.zoom(1 / CLOSER),
      0: () => this.view.reset(),
      Enter: () => this.store.set({ tab: "text" }),
    }[event.key];
    if (!action) return;
    action();
    event.preventDefault();
  }

  /** What is at the cursor stays where it is. */
  zoom(factor) {
    const {
      start,
      part: { steps },
    } = this.view;
    const { at } = this.store.state;
    const share = at === null ? 0.5 : (at - start + 0.5 - steps.from) / steps.size;
    this.view.zoom(factor, share > 0 && share < 1 ? share : 0.5, 1, 0.5);
  }

  next(by) {
    const row = this.view.row(this.store.state.unit) + by;
    if (row >= 0 && row < this.view.labels.length) this.store.set({ unit: this.view.labels[row] });
  }

  step(by) {
    const {
      start,
      part: { steps },
    } = this.view;
    const { at } = this.store.state;
    const step = at === null ? Math.floor(steps.from) : at - start + by;
    if (step < 0 || step >= steps.length) return;
    steps.reach(step);
    this.store.set({ at: start + step, zoom: steps.rounded?.map((each) => each + start) ?? null });
  }
}
