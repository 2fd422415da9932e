// Where else the units are on together that are on through a span: `rnnscope.match`, from the codes in the page.
// A function of its arguments alone, so that it can be held against Python's.
"use strict";

/** What cannot be matched, in the words of Python. */
class MatchError extends Error {}

/**
 * signal: {address, signal, layer, units, steps}, as in the page.
 * text: {documents, stretches}, as in the page.
 * read: of the number of a stretch, a promise of its codes, an Int8Array of (unit, step).
 * Gives {units: [{place, unit, address, sign, mean}] the strongest first,
 *        spans: [{document, start, stop, step, shared, others, length}] the best first}.
 */
async function match({ signal, text, read, span, threshold, count = 20 }) {
  const [start, stop] = checkSpan(text, span);
  const level = signal.signal === "c" ? Math.atanh(threshold) : threshold;
  const inside = await valuesIn(signal, text, read, start, stop);
  if (!inside.length) {
    throw new MatchError(`${signal.layer} takes no step in ${start}:${stop}. Give a span in which it does.`);
  }
  const signs = onThrough(inside, signal, level, threshold);
  const search = new SpanSearch(signs, [start, stop], count);
  const highest = signal.steps.map((step) => firstAbove(level, step));
  for (let number = 0; number < text.stretches.length; number++) {
    readStretch(search, text, number, await read(number), highest);
  }
  const wanted = search.wanted.length;
  const spans = search.finish().map(({ missing, others, length, start, stop }) => {
    const document = documentAt(text, start);
    const step = start - text.documents[document].start;
    return { document, start, stop, step, shared: wanted - missing, others, length };
  });
  return { units: unitsOn(signal, signs, inside), spans };
}

function checkSpan(text, [start, stop]) {
  const size = text.documents[text.documents.length - 1].stop;
  if (!(0 <= start && start < stop && stop <= size)) {
    const many = size.toLocaleString("en");
    throw new MatchError(
      `The trace has ${many} steps; a span START:STOP has 0 <= START < STOP <= ${size}; got ${start}:${stop}.`,
    );
  }
  const home = documentAt(text, start);
  const end = text.documents[home].stop;
  if (stop > end) {
    throw new MatchError(
      `A span lies in one document, but ${start}:${stop} goes beyond the end of document ${home} at step ${end}. ` +
        `End it there: ${start}:${end}.`,
    );
  }
  return [start, stop];
}

function documentAt(text, step) {
  return text.documents.findIndex((document) => step < document.stop);
}

/** The values of a span, a Float64Array of units for each step that the layer takes; NaN where one is missing. */
async function valuesIn(signal, text, read, start, stop) {
  const rows = [];
  for (const [number, stretch] of text.stretches.entries()) {
    if (stretch.stop <= start || stretch.start >= stop) continue;
    const codes = await read(number);
    const length = stretch.stop - stretch.start;
    const last = Math.min(stop, stretch.stop) - stretch.start;
    for (let step = Math.max(start, stretch.start) - stretch.start; step < last; step++) {
      const row = Float64Array.from(signal.steps, (size, unit) => {
        const code = codes[unit * length + step];
        return code === NO_VALUE ? NaN : code * size;
      });
      if (!row.every(Number.isNaN)) rows.push(row);
    }
  }
  return rows;
}

/** Of each unit 1 or -1 if it is on, high or low, at all steps inside; else 0. */
function onThrough(inside, signal, level, threshold) {
  const units = [...signal.units.keys()];
  const above = units.map((unit) => inside.reduce((low, row) => Math.min(low, row[unit]), Infinity));
  const below = units.map((unit) => inside.reduce((low, row) => Math.min(low, -row[unit]), Infinity));
  const signs = units.map((unit) => Number(above[unit] > level) - Number(below[unit] > level));
  if (signs.some(Boolean)) return signs;
  throw new MatchError(
    `No unit of ${signal.address} is on through all of the span at threshold ${threshold}. Give a shorter span.`,
  );
}

function unitsOn(signal, signs, inside) {
  const seen = signal.signal === "c" ? Math.tanh : (value) => value;
  const on = [...signs.keys()].filter((place) => signs[place]);
  return on
    .map((place) => {
      const unit = signal.units[place];
      const mean = inside.reduce((sum, row) => sum + seen(row[place]), 0) / inside.length;
      return { place, unit, address: `${signal.address}.${unit}`, sign: signs[place], mean };
    })
    .sort((a, b) => Math.abs(b.mean) - Math.abs(a.mean));
}

/** The smallest code whose value is above a level. */
function firstAbove(level, step) {
  let code = Math.floor(level / step);
  while (code * step > level) code -= 1;
  while (code * step <= level && code < 128) code += 1;
  return code;
}

function readStretch(search, text, number, codes, highest) {
  const { start, stop } = text.stretches[number];
  const length = stop - start;
  const states = new Int8Array(highest.length);
  let document = documentAt(text, start);
  for (let step = 0; step < length; step++) {
    while (start + step >= text.documents[document].stop) document += 1;
    let taken = false;
    for (let unit = 0, place = step; unit < states.length; unit++, place += length) {
      const code = codes[place];
      const high = highest[unit];
      taken ||= code !== NO_VALUE;
      states[unit] = code >= high ? 1 : code <= -high && code !== NO_VALUE ? -1 : 0;
    }
    if (taken) search.read(start + step, document, states);
  }
}
