// How a unit ranks among those of its signal, without any label; null where nothing was measured.
"use strict";

function cardMeasures(app, { model, signal, place }) {
  const all = model.measures?.[signal.address];
  if (!all) return null;
  const value = (key) => all[key]?.[place] ?? null;
  const ranked = (key) => {
    if (value(key) === null) return "";
    return `${ordinal(rankedPlaces(model, signal, key).indexOf(place) + 1)} of ${signal.units.length}`;
  };
  const rows = [
    ["Switch-likeness", shownNumber(value("switch")), ranked("switch")],
    ["Memory length", shownSteps(value("timescale") || null), ranked("timescale")],
    ["Counting", countedSince(app, value("counter"), value("event")), ranked("counter")],
    ["On (above the threshold)", shownShare(value("on")), ""],
    ["Stays in its rarer mode", shownSteps(value("dwell")), ""],
  ];
  const lines = rows.map(([name, said, rank]) =>
    make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, said), make("td", { class: "quiet" }, rank)),
  );
  const named = { class: "numbers measures", "aria-label": "Measures" };
  return cardPart("Measures", make("table", named, make("tbody", {}, lines)));
}

/** How well a unit counts, and from what on. */
function countedSince(app, counter, event) {
  if (counter === null) return "–";
  if (!event) return shownNumber(counter);
  return [shownNumber(counter), " since ", ngramOf(app, event, event === "start")];
}

/** A piece of text so that it can be seen, spaces too; or a word for it. */
function ngramOf({ page }, text, isWord = false) {
  const seen = (character) => (character === " " ? "·" : (page.text.shown[character] ?? character));
  return make("bdi", { class: "ngram mono" }, isWord ? text : Array.from(text, seen).join(""));
}

function shownShare(share) {
  return share === null ? "–" : `${shownNumber(100 * share, share < 0.1 ? 1 : 0)} %`;
}

function shownSteps(steps) {
  return steps === null ? "cannot be told" : `${shownNumber(steps, steps < 10 ? 1 : 0)} steps`;
}
