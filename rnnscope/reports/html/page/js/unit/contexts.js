// What changes a unit, and where in the text it is highest and lowest; null for a signal without cards.
"use strict";

function cardResponses(app, { card }) {
  if (!card) return null;
  const said =
    "Mean change of the unit at the last character, in standard deviations of the unit, and how often this stands " +
    "in the text.";
  return widePart(
    "What changes it",
    make("div", { class: "beside" }, responseList(app, "Raises it", card.on), responseList(app, "Lowers it", card.off)),
    make("p", { class: "quiet aside" }, said),
  );
}

function responseList(app, title, responses) {
  const most = Math.max(...responses.map(([, effect]) => Math.abs(effect)));
  const rows = responses.map(([ngram, effect, count]) =>
    make(
      "tr",
      {},
      make("td", {}, ngramOf(app, ngram)),
      make("td", {}, bar(effect / most)),
      make("td", { class: "number" }, signedNumber(effect)),
      make("td", { class: "number" }, `${shownCount(count)} ×`),
    ),
  );
  const nothing = make("p", { class: "quiet" }, "Nothing does so often enough.");
  const table = rows.length ? make("table", { class: "numbers" }, make("tbody", {}, rows)) : nothing;
  return make("div", {}, make("h4", {}, title), table);
}

function cardContexts(app, { card }) {
  if (!card) return null;
  const lists = [contextList(app, "Highest", card.highest), contextList(app, "Lowest", card.lowest)];
  return widePart("Where in the text", make("div", { class: "beside" }, lists));
}

function contextList(app, title, contexts) {
  const items = contexts.map(([step, value]) =>
    make(
      "li",
      {},
      make("span", { class: "number" }, shownNumber(value)),
      excerptButton(app, step, step + 1, { reach: 28 }),
    ),
  );
  const nothing = make("p", { class: "quiet" }, "None was found.");
  return make("div", {}, make("h4", {}, title), items.length ? make("ol", { class: "contexts" }, items) : nothing);
}

/** A bar of a share of its width; orange for what is high and purple for what is low. */
function bar(share) {
  const fill = make("i", { class: share < 0 ? "low" : "high" });
  fill.style.width = `${100 * Math.min(1, Math.abs(share) || 0)}%`;
  return make("span", { class: "bar", "aria-hidden": "true" }, fill);
}
