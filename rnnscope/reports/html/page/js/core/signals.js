// The values of units: one int8 code a step, times the size of a quantisation step.
"use strict";

const NO_VALUE = -128;

/** What PyTorch's short names of signals stand for. */
const SIGNAL_NAMES = {
  h: "hidden state", c: "cell state", i: "input gate", f: "forget gate", g: "candidate", o: "output gate",
  r: "reset gate", z: "update gate", n: "candidate",
};

class Signals {
  constructor(page, blocks) {
    this.page = page;
    this.blocks = blocks;
  }

  /** Where a unit is: its signal and its place in the signal's units; null if it is not in this page. */
  find(address, model = 0) {
    const [, whole, number] = /^(.+)\.(\d+)$/.exec(address ?? "") ?? [];
    const signal = this.signal(whole, model);
    const place = signal ? signal.units.indexOf(Number(number)) : -1;
    return place < 0 ? null : { signal, place };
  }

  /** A signal by its address, such as l0.c; undefined if it is not in this page. */
  signal(address, model = 0) {
    return this.page.models[model]?.signals.find((signal) => signal.address === address);
  }

  /** The address of the unit at a place of a signal. */
  address(signal, place) {
    return `${signal.address}.${signal.units[place]}`;
  }

  /** All that is known of a signal in a stretch: codes of (unit, step), one row after another. */
  async matrix(model, address, stretch) {
    const signal = this.signal(address, model);
    const { start, stop } = this.page.text.stretches[stretch];
    const codes = await this.blocks.numbers(signal.blocks[stretch], Int8Array);
    return { codes, steps: signal.steps, units: signal.units, length: stop - start };
  }

  /** The values of one unit in a stretch, NaN where it has none. */
  async series(model, address, stretch) {
    const { signal, place } = this.find(address, model);
    const { codes, steps, length } = await this.matrix(model, signal.address, stretch);
    const values = new Float32Array(length);
    for (let step = 0; step < length; step++) {
      const code = codes[place * length + step];
      values[step] = code === NO_VALUE ? NaN : code * steps[place];
    }
    return values;
  }

  /** The values that the ends of the colour scale stand for: a gate's own range, or as far as 99 % of a state reach. */
  range(model, address) {
    const { signal, place } = this.find(address, model);
    return signal.low === null ? [-signal.reach[place], signal.reach[place]] : [signal.low, signal.high];
  }

  /** What a signal is, in words. */
  name(signal) {
    return SIGNAL_NAMES[signal.signal] ?? signal.signal;
  }
}
