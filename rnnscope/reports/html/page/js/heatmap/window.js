// The part of a heatmap that is shown: [from, to) of its steps and of its rows, in fractions while it is dragged.
"use strict";

const FEWEST_STEPS = 10;
const FEWEST_ROWS = 4;

class HeatmapWindow {
  constructor() {
    this.steps = new Extent(1, FEWEST_STEPS);
    this.rows = new Extent(1, FEWEST_ROWS);
  }

  /** Take over a size in steps and rows, and what of it is shown; null is all. */
  show(length, zoom, count, rows) {
    this.steps.show(length, zoom);
    this.rows.show(count, rows);
  }
}

/** A part [from, to) of something long. */
class Extent {
  constructor(length, fewest) {
    this.fewest = fewest;
    this.show(length, null);
  }

  get size() {
    return this.to - this.from;
  }

  get whole() {
    return this.size >= this.length;
  }

  /** What is shown, in whole numbers. */
  get shown() {
    return [Math.round(this.from), Math.round(this.to)];
  }

  /** The same as it stands in the URL; null if all is shown. */
  get rounded() {
    return this.whole ? null : this.shown;
  }

  /** What is on the screen, [first, after the last], and how many share a dot of it, where each takes so many dots. */
  dots(size) {
    const shared = Math.max(1, Math.ceil(1 / size - 1e-9));
    const first = Math.floor(this.from / shared) * shared;
    return [first, Math.min(this.length, Math.ceil(this.to / shared) * shared), shared];
  }

  show(length, part) {
    if (this.length === length && String(this.rounded) === String(part)) return;
    this.length = length;
    [this.from, this.to] = part ?? [0, length];
    this.#settle(this.size);
  }

  /** Make a part `factor` times as long, with what is at a share of it left where it is. */
  zoom(factor, share = 0.5) {
    const still = this.from + share * this.size;
    const size = Math.min(this.length, Math.max(Math.min(this.fewest, this.length), this.size * factor));
    this.from = still - share * size;
    this.#settle(size);
  }

  move(by) {
    const size = this.size;
    this.from += by;
    this.#settle(size);
  }

  /** Move as little as is needed to show a place. */
  reach(place) {
    if (place < this.from) this.move(place - this.from);
    else if (place + 1 > this.to) this.move(place + 1 - this.to);
  }

  #settle(size) {
    size = Math.min(this.length, Math.max(Math.min(this.fewest, this.length), size));
    this.from = Math.min(Math.max(0, this.from), this.length - size);
    this.to = this.from + size;
  }
}
