// What is known of a step: the unit's value and gates, what its character cost, and what was expected after it.
"use strict";

async function stepFacts(app, { model: number, unit, stretch }, step) {
  const model = app.page.models[number];
  const { signal, place } = app.signals.find(unit, number);
  const at = step - app.page.text.stretches[stretch].start;
  const [value, gates, costs, guesses, forecast] = await Promise.all([
    valueOf(app, number, unit, stretch, at),
    gatesAt(app, number, signal, signal.units[place], stretch, at),
    model.nll?.[stretch] ? app.blocks.numbers(model.nll[stretch], Float32Array) : undefined,
    guessesAt(app, model, stretch, at),
    forecastAt(app, model, stretch, at),
  ]);
  return {
    step, unit, value, name: app.signals.name(signal), size: signal.steps[place],
    error: roundingError(app.page, signal, place, value), ...gates, cost: costs?.[at],
    what: model.guess?.what ?? "next character", guesses, ...forecast,
    ...whatCame(app, model, step, guesses),
  };
}

async function valueOf(app, model, unit, stretch, at) {
  const { signal, place } = app.signals.find(unit, model);
  const { codes, steps, length } = await app.signals.matrix(model, signal.address, stretch);
  const code = codes[place * length + at];
  return code === NO_VALUE ? NaN : code * steps[place];
}

/** How far off a value may be: half a step; close to the threshold a step, so that it stays on its side of it. */
function roundingError({ threshold }, signal, place, value) {
  const level = signal.signal === "c" ? Math.atanh(threshold) : threshold;
  const step = signal.steps[place];
  return Math.abs(Math.abs(value) - level) <= step ? step : step / 2;
}

/** The gates of the same unit at the step; and whether it has some that are not in this page. */
async function gatesAt(app, model, signal, unit, stretch, at) {
  const own = app.page.models[model].signals.filter((each) => each.gate && each.layer === signal.layer);
  const held = own.filter((each) => each.units.includes(unit));
  const gates = await Promise.all(held.map(async (each) => {
    const address = `${each.address}.${unit}`;
    const [low, high] = app.signals.range(model, address);
    const value = await valueOf(app, model, address, stretch, at);
    const decimals = decimalsOf(each.steps[each.units.indexOf(unit)]);
    return { name: app.signals.name(each), short: each.signal, value, decimals, low, high };
  }));
  return { gates, gatesLeftOut: !held.length && (own.length > 0 || signal.signal === "c") };
}

/** The best guesses after the step, the most probable first: what, and how probable. */
async function guessesAt(app, { guess, outcomes }, stretch, at) {
  if (!guess?.blocks.places) return [];
  const places = await app.blocks.numbers(guess.blocks.places[stretch], Int16Array);
  const probabilities = await app.blocks.numbers(guess.blocks.probabilities[stretch], Uint16Array);
  const ranks = Array.from({ length: guess.ranks }, (_, rank) => at * guess.ranks + rank);
  return ranks.filter((place) => places[place] >= 0)
    .map((place) => ({ outcome: outcomes[places[place]], probability: probabilities[place] / 65535 }));
}

/** Of a forecaster: the value that stands at the step, and its prediction of the next. */
async function forecastAt(app, { guess }, stretch, at) {
  if (!guess?.blocks.predictions) return {};
  const [values, predictions] = await Promise.all(["values", "predictions"].map((name) =>
    app.blocks.numbers(guess.blocks[name][stretch], Float32Array)));
  return { stands: values[at], predicted: predictions[at] };
}

/** Of a network that expects characters: which came next in the document, and whether the best guess was right. */
function whatCame(app, { guess }, step, guesses) {
  const { characters, documents } = app.page.text;
  const { stop } = documents.find((each) => within(step, each));
  if (guess?.what !== "next character" || !guesses.length || step + 1 >= stop) return {};
  const next = characters[step + 1];
  for (const each of guesses) each.came = each.outcome === next;
  return { next, right: guesses[0].came };
}
