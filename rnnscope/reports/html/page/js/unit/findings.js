// What searches and experiments say of a unit: its scores for the concepts, and what it costs to take it away.
"use strict";

const SCORES = { auroc: "AUROC", spearman: "Spearman", eta_squared: "eta²" };

/** This unit's score for each concept, beside the best unit's; null where no concept was looked for in its signal. */
function conceptScores(app, { address, model, signal, place }) {
  const concepts = (model.concepts ?? []).filter((concept) => concept.units?.[signal.address]);
  if (!concepts.length) return null;
  const rows = concepts
    .map((concept) => {
      const own = concept.units[signal.address].scores[place];
      return {
        concept,
        own,
        best: concept.unit === address,
        height: own === null ? -1 : aboveChance(own, concept.measure),
      };
    })
    .sort((one, other) => other.height - one.height);
  const body = rows.map(({ concept, own, best, height }) =>
    make(
      "tr",
      { "aria-current": best ? "true" : null },
      make("th", { scope: "row" }, concept.name),
      make("td", {}, bar(height)),
      make("td", { class: "number" }, shownNumber(own)),
      make("td", {}, scoreName(concept.measure)),
      make("td", {}, best ? "this unit" : bestUnit(app, model, concept)),
      make("td", { class: "number" }, shownNumber(concept.score)),
      make("td", { class: "number quiet" }, `${shownNumber(concept.low)} to ${shownNumber(concept.high)}`),
      make("td", { class: "number" }, shownChance(concept.p)),
    ),
  );
  const names = ["Concept", "", "This unit", "Measure", "Best unit", "Its score", "95 %", "p"];
  const head = names.map((name) =>
    make("th", { scope: "col", class: ["This unit", "Its score", "95 %", "p"].includes(name) ? "number" : null }, name),
  );
  const table = make("table", { class: "numbers" }, make("thead", {}, make("tr", {}, head)), make("tbody", {}, body));
  const save = csvButton(`concepts of ${address}`, () => ({
    columns: ["concept", "measure", "score", "best_unit", "best_score", "best_low", "best_high", "best_p"],
    rows: rows.map(({ concept: { name, measure, unit, score, low, high, p }, own }) => [
      name,
      measure,
      own,
      unit,
      score,
      low,
      high,
      p,
    ]),
  }));
  return make(
    "section",
    { class: "block wide" },
    make("h3", { class: "view-heading" }, "Concepts"),
    foldingTable(table),
    make("div", { class: "saves" }, save),
  );
}

/** A score from 0, what chance gives, to 1. */
function aboveChance(score, measure) {
  return measure === "auroc" ? Math.abs(2 * score - 1) : Math.abs(score);
}

function scoreName(measure) {
  return SCORES[measure] ?? measure;
}

/** The best unit of a concept, as a button if it is in this page. */
function bestUnit(app, model, { unit }) {
  return app.signals.find(unit, app.page.models.indexOf(model))
    ? unitButton(app, unit)
    : make("span", { class: "mono" }, unit);
}

function shownChance(p) {
  if (p === null || p === undefined) return "–";
  return p < 0.001 ? "< 0.001" : shownNumber(p, 3);
}

/** The ablations of this unit, a card each; and the units that were ablated, if this one was not. */
function ablationCards(app, { address, model }) {
  const all = model.ablations ?? [];
  const own = all.filter(({ unit }) => unit === address);
  if (own.length) return own.map((ablation) => ablationCard(ablation));
  if (!all.length) return [];
  const links = [...new Set(all.map(({ unit }) => unit))].flatMap((unit) => [" ", bestUnit(app, model, { unit })]);
  return [
    make(
      "section",
      { class: "block" },
      make("h3", { class: "view-heading" }, "Ablation"),
      make("p", { class: "quiet" }, "This unit was not taken away. These were:", links),
    ),
  ];
}

function ablationCard({ unit, concept, title, said, columns, rows }) {
  const save = csvButton(`ablation of ${unit}${concept ? ` ${concept}` : ""}`, () => ({ columns, rows }));
  return make(
    "section",
    { class: "block wide" },
    make("h3", { class: "view-heading" }, title),
    said.map((sentence) => make("p", {}, sentence)),
    foldingTable(numberTable(columns, rows)),
    make("div", { class: "saves" }, save),
  );
}
