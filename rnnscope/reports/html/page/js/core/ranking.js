// The order in which left and right go through the units of a signal.
"use strict";

const MEASURES = { switch: "switch-likeness", timescale: "memory length", counter: "counting" };

/** Ways to rank the units of a signal: [key, name] each. */
function rankings(model, signal) {
  const measures = Object.entries(MEASURES).filter(([key]) => model.measures?.[signal.address]?.[key]);
  const concepts = (model.concepts ?? []).filter((concept) => concept.units?.[signal.address]);
  return [
    ["address", "address"],
    ...measures,
    ...concepts.map((concept) => [`concept:${concept.name}`, concept.name, "concept"]),
  ];
}

/** Whether any model of the page has such a ranking. */
function isRanking(page, key) {
  return page.models.some((model) =>
    model.signals.some((signal) => rankings(model, signal).some(([each]) => each === key)));
}

/** The numbers by which the units of a signal are ranked, one a unit; null for the order of addresses. */
function rankNumbers(model, signal, key) {
  if (key in MEASURES) return model.measures?.[signal.address]?.[key] ?? null;
  const concept = (model.concepts ?? []).find(({ name }) => key === `concept:${name}`);
  return concept?.units?.[signal.address]?.scores ?? null;
}

/** The places of a signal's units, best first; those without a number last. A score's sign does not matter. */
function rankedPlaces(model, signal, key) {
  const places = signal.units.map((_, place) => place);
  const numbers = rankNumbers(model, signal, key);
  if (!numbers) return places;
  const height = (place) => (numbers[place] === null ? -Infinity : Math.abs(numbers[place]));
  return places.sort((one, other) => height(other) - height(one) || one - other);
}

/** The unit that is so many further in the ranking, round its end; and where that is. */
function neighbour(app, by) {
  const { model, unit, rank } = app.store.state;
  const { signal, place } = app.signals.find(unit, model);
  const order = rankedPlaces(app.page.models[model], signal, rank);
  const next = (order.indexOf(place) + by + order.length) % order.length;
  return app.signals.address(signal, order[next]);
}
