// Spans of time through which units are on together, found in one pass: rnnscope/analysis/spans.py, step by step.
// A span is {missing, others, length, start, stop}; the better of two has fewer missing, then fewer others, then more
// length, then an earlier start.
"use strict";

class SpanSearch {
  /** signs: 1 or -1 of the wanted units, 0 of the others. No span may overlap the query [start, stop]. */
  constructor(signs, query, count) {
    this.units = signs.length;
    this.signs = Int8Array.from(signs);
    this.wanted = [...signs.keys()].filter((unit) => signs[unit]);
    this.query = query;
    this.count = count;
    this.fewest = Math.max(Math.ceil(this.wanted.length / 2), Math.min(2, this.wanted.length));
    this.spans = [];
    this.unsettled = 0;
    this.states = new Int8Array(this.units);
    this.began = new Float64Array(this.units); // the step since which a unit is as it is
    this.step = -1;
    this.document = -1;
  }

  /** Takes in a step that the layer takes: its number, its document, and 1, 0 or -1 of each unit. */
  read(step, document, states) {
    const other = document !== this.document;
    if (this.#endsOne(states, other)) this.#close(states, other);
    for (let unit = 0; unit < this.units; unit++) {
      if (other || states[unit] !== this.states[unit]) this.began[unit] = step;
    }
    this.states.set(states);
    this.step = step;
    this.document = document;
  }

  /** The best spans, the very best first. */
  finish() {
    this.read(this.step + 1, -1, new Int8Array(this.units));
    this.settle();
    return this.spans;
  }

  #on(unit) {
    return this.states[unit] === this.signs[unit];
  }

  #endsOne(states, other) {
    return this.wanted.some((unit) => this.#on(unit) && (other || states[unit] !== this.states[unit]));
  }

  /** The spans that end before the next step: from the start of any wanted unit, if one that is shared ends here. */
  #close(states, other) {
    const on = this.wanted.filter((unit) => this.#on(unit)).sort((a, b) => this.began[a] - this.began[b]);
    if (on.length < this.fewest) return;
    const through = this.began.filter((_, unit) => this.states[unit] !== 0).sort();
    let ended = false;
    on.forEach((unit, place) => {
      ended ||= other || states[unit] !== this.states[unit];
      const start = this.began[unit];
      const longest = place + 1 === on.length || start < this.began[on[place + 1]];
      if (ended && longest && place + 1 >= this.fewest) this.#keep(start, place + 1, countUpTo(through, start));
    });
    if (this.unsettled > 4096) this.settle();
  }

  #keep(start, shared, through) {
    const stop = this.step + 1;
    if (stop > this.query[0] && start < this.query[1]) return;
    const missing = this.wanted.length - shared;
    this.spans.push({ missing, others: through - shared, length: stop - start, start, stop });
    this.unsettled += 1;
  }

  /**
   * Drops what overlaps a better span, and what is worse than enough spans that nothing to come can drop: a span to
   * come that overlaps an earlier one shares units that were on before its end and are still on.
   */
  settle() {
    const alive = Float64Array.from(
      this.wanted.filter((unit) => this.#on(unit)),
      (unit) => this.began[unit],
    ).sort();
    const sure = [];
    const kept = [];
    for (const span of this.spans.sort(betterSpan)) {
      if (sure.some((better) => overlap(span, better))) continue;
      const rivals = countUpTo(alive, span.stop - 1);
      const shared = this.wanted.length - span.missing;
      if (shared > rivals && !kept.some((better) => overlap(span, better))) sure.push(span);
      kept.push(span);
      if (sure.length === this.count) {
        this.fewest = shared;
        break;
      }
    }
    this.spans = kept;
    this.unsettled = 0;
  }
}

function betterSpan(a, b) {
  return a.missing - b.missing || a.others - b.others || b.length - a.length || a.start - b.start;
}

function overlap(a, b) {
  return a.start < b.stop && b.start < a.stop;
}

/** How many of some sorted numbers are at most a limit. */
function countUpTo(sorted, limit) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
