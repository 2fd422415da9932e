// The keys of the state that all views share, how each is read from the fragment, and what one asks of the others.
"use strict";

/**
 * model      number of the model
 * unit       address of the unit, such as l0.c.170
 * stretch    number of the part of the text that is on the screen
 * at         the step that the cursor is on, counted from the start of the text; or null
 * hover      the step that the mouse is on; or null (not in the fragment)
 * span       [first step, the one after the last] of what is selected; or null
 * zoom       [first, after the last] step of what the series shows; null for the whole stretch
 * tab        text, heatmap, unit, span, model, compare
 * order      of units in the heatmap
 * rank       by what the units are ranked that left and right go through: address, a measure, or concept:NAME
 */
function declareState(store, page, signals) {
  const length = page.text.stretches.at(-1)?.stop ?? 0;
  const whole = (below) => (text) => (/^\d{1,9}$/.test(text) && Number(text) < below ? Number(text) : undefined);
  const range = (text) => {
    const [, start, stop] = /^(\d{1,9}):(\d{1,9})$/.exec(text)?.map(Number) ?? [];
    return start < stop && stop <= length ? [start, stop] : undefined;
  };
  const colon = { start: null, read: range, write: (value) => value.join(":") };
  const known = (address) => page.models.some((_, model) => signals.find(address, model));
  const word = (text) => (/^[\w:.\- ]{1,60}$/.test(text) ? text : undefined);

  store.declare("model", { start: 0, read: whole(page.models.length), turns: true });
  store.declare("unit", { start: firstUnit(page, signals, 0), read: (text) => (known(text) ? text : undefined) });
  store.declare("stretch", { start: 0, read: whole(page.text.stretches.length) });
  store.declare("at", { start: null, read: whole(length) });
  store.declare("hover", { start: null });
  store.declare("span", colon);
  store.declare("zoom", colon);
  store.declare("tab", { start: "text", read: (text) => (TABS.includes(text) ? text : undefined), turns: true });
  store.declare("order", { start: "address", read: word });
  store.declare("rank", { start: "switch", read: (text) => (isRanking(page, text) ? text : undefined) });
  store.settle = (state, patch) => settle(state, patch, page, signals);
}

const TABS = ["text", "heatmap", "unit", "span", "model", "compare"];

/** What one key asks of the others: the stretch is where the cursor is, the unit is one that the model has. */
function settle(state, patch, page, signals) {
  const settled = { ...state };
  const { stretches } = page.text;
  if (!signals.find(settled.unit, settled.model)) settled.unit = firstUnit(page, signals, settled.model);
  if (settled.at !== null && !within(settled.at, stretches[settled.stretch])) {
    if ((patch.at ?? null) === null) settled.at = null;
    else settled.stretch = stretchOf(stretches, settled.at);
  }
  const { start, stop } = stretches[settled.stretch];
  if (settled.zoom && !(settled.zoom[0] >= start && settled.zoom[1] <= stop)) settled.zoom = null;
  if (!within(settled.hover, stretches[settled.stretch])) settled.hover = null;
  return settled;
}

/** So many times as many steps, around the cursor if it is in sight; null for all of the stretch. */
function zoomedBy(factor, [first, last], at, stretch) {
  const middle = at !== null && at >= first && at < last ? at + 0.5 : (first + last) / 2;
  const wide = Math.max(10, Math.round((last - first) * factor));
  return zoomTo(Math.round(middle - wide / 2), wide, stretch);
}

/** So many steps from one on, as far as the stretch goes; null for all of it. */
function zoomTo(first, wide, { start, stop }) {
  if (wide >= stop - start) return null;
  const from = Math.max(start, Math.min(stop - wide, first));
  return [from, from + wide];
}

function within(step, { start, stop }) {
  return step !== null && start <= step && step < stop;
}

/** The number of the stretch that holds a step. */
function stretchOf(stretches, step) {
  return stretches.findIndex((stretch) => within(step, stretch));
}

/** The unit to begin with: of the memory, the most switch-like one where that is known. */
function firstUnit(page, signals, model) {
  const { memory, signals: all } = page.models[model];
  const signal = signals.signal(memory, model) ?? all[0];
  return signals.address(signal, rankedPlaces(page.models[model], signal, "switch")[0]);
}
