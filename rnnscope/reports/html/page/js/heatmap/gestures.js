// Wheel, drag, pinch and keys on a heatmap's canvas, told as what they mean: zoom, move, point, choose.
"use strict";

const STILL = 5; // pixels that a finger or a mouse may move and still click
const AGAIN = 220; // milliseconds in which a second click makes a double one

/**
 * Calls of `view`, with shares of the cells' box from its left and its top:
 * zoom(factor of steps, x, factor of rows, y), move(share of steps, share of rows), point(x, y) or point(null),
 * choose(x, y), reset().
 */
class HeatmapGestures {
  constructor(canvas, view) {
    this.canvas = canvas;
    this.view = view;
    this.held = new Map(); // pointers that are down, each with its place
    this.travelled = 0;
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.moved(event));
    canvas.addEventListener("pointerup", (event) => this.up(event));
    canvas.addEventListener("pointercancel", (event) => this.held.delete(event.pointerId));
    canvas.addEventListener("pointerleave", () => view.point(null));
    canvas.addEventListener("pointerdown", () => clearTimeout(this.chosen));
    canvas.addEventListener("dblclick", () => {
      clearTimeout(this.chosen);
      view.reset();
    });
  }

  /** The place of an event as shares of the cells' box. */
  place({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect();
    const { left, top, wide, high } = this.view.layout;
    return [(clientX - box.left - left) / wide, (clientY - box.top - top) / high];
  }

  wheel(event) {
    event.preventDefault();
    const [x, y] = this.place(event);
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY) && !event.shiftKey) {
      this.view.move(event.deltaX / this.view.layout.wide, 0);
      return;
    }
    const turned = (event.deltaY || event.deltaX) * (event.deltaMode === 1 ? 16 : 1);
    const factor = Math.exp(Math.max(-240, Math.min(240, turned)) / 400);
    if (event.shiftKey) this.view.zoom(1, x, factor, y);
    else this.view.zoom(factor, x, 1, y);
  }

  down(event) {
    if (event.button > 0) return;
    if (!this.held.size) this.travelled = 0;
    this.held.set(event.pointerId, this.place(event));
    this.canvas.setPointerCapture(event.pointerId);
  }

  moved(event) {
    const place = this.place(event);
    if (!this.held.has(event.pointerId)) return this.view.point(...place);
    const before = [...this.held.values()];
    const [x, y] = this.held.get(event.pointerId);
    this.held.set(event.pointerId, place);
    const { wide, high } = this.view.layout;
    this.travelled += Math.hypot((place[0] - x) * wide, (place[1] - y) * high);
    if (this.travelled < STILL) return;
    if (this.held.size === 1) this.view.move(x - place[0], y - place[1]);
    else this.pinch(before, [...this.held.values()]);
  }

  /** Two fingers: what was between them stays between them. */
  pinch([one, other], [oneNow, otherNow]) {
    const apart = (a, b, axis) => Math.abs(a[axis] - b[axis]);
    const factor = (axis) =>
      apart(one, other, axis) > 0.1 && apart(oneNow, otherNow, axis) > 0.02
        ? apart(one, other, axis) / apart(oneNow, otherNow, axis)
        : 1;
    const middle = (a, b, axis) => (a[axis] + b[axis]) / 2;
    this.view.move(...[0, 1].map((axis) => middle(one, other, axis) - middle(oneNow, otherNow, axis)));
    this.view.zoom(factor(0), middle(oneNow, otherNow, 0), factor(1), middle(oneNow, otherNow, 1));
  }

  up(event) {
    const alone = this.held.size === 1;
    if (!this.held.delete(event.pointerId)) return;
    if (alone && this.travelled < STILL) {
      const place = this.place(event);
      this.chosen = setTimeout(() => this.view.choose(...place), AGAIN);
    }
    if (event.pointerType !== "mouse") this.view.point(null);
  }
}
