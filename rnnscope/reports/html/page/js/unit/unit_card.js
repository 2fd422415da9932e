// The tab "Unit": all that is known of the unit that is chosen.
"use strict";

const KINDS = { switch: "a switch", counter: "a counter", slow: "a slow unit" };

class UnitCard {
  constructor(root, app) {
    this.root = root;
    this.app = app;
    this.asked = 0;
    app.store.draw("unit", ["model", "unit", "scheme"], (state) => this.update(state));
  }

  async update(state) {
    const asked = ++this.asked;
    const { app } = this;
    const { signal, place } = app.signals.find(state.unit, state.model);
    const model = app.page.models[state.model];
    const block = model.cards?.[signal.address];
    const [cards, bins] = await Promise.all([
      block ? app.blocks.json(block) : null,
      histogramBins(app, state.model, state.unit),
    ]);
    if (asked !== this.asked) return;
    const unit = { address: state.unit, number: state.model, model, signal, place, card: cards?.[place], bins };
    const parts = [
      this.values(unit),
      cardMeasures(app, unit),
      cardResponses(app, unit),
      cardContexts(app, unit),
      conceptScores(app, unit),
      ...ablationCards(app, unit),
    ];
    this.root.replaceChildren(this.head(unit), make("div", { class: "cards" }, parts));
  }

  head({ address, signal, place, model }) {
    const kind = KINDS[model.measures?.[signal.address]?.kind?.[place]];
    const said = `${this.app.signals.name(signal)}${kind ? `, ${kind}` : ""}`;
    return make(
      "h2",
      { class: "view-title" },
      make("span", { class: "mono" }, address),
      make("span", { class: "quiet card-kind" }, said),
    );
  }

  values({ address, number, signal, place, model, bins }) {
    if (!bins.length) return cardPart("Values", make("p", {}, "The unit has no value in this text."));
    const threshold = model.measures?.[signal.address]?.threshold?.[place] ?? NaN;
    const steps = bins.reduce((sum, { count }) => sum + count, 0);
    const [low, high] = [bins[0].from, bins.at(-1).to].map((value) => shownNumber(value));
    const between = signal.signal === "c" ? Math.atanh(threshold) : threshold;
    const switches = between > bins[0].from && between < bins.at(-1).to;
    const svg = histogramSvg(bins, {
      range: this.app.signals.range(number, address),
      threshold: switches ? between : null,
      colours: this.app.colours,
      inks: inksOf(this.root),
      said: `Histogram of ${address}: ${counted(steps, "step")} with values from ${low} to ${high}`,
    });
    const table = () => ({
      columns: ["from", "to", "steps"],
      rows: bins.map(({ from, to, count }) => [csvNumber(from), csvNumber(to), count]),
    });
    const saves = make(
      "div",
      { class: "saves" },
      csvButton(`values of ${address}`, table),
      figureButtons(() => new XMLSerializer().serializeToString(svg), `values of ${address}`),
    );
    return cardPart(
      "Values",
      make(
        "figure",
        { class: "histogram" },
        svg,
        make(
          "figcaption",
          { class: "quiet" },
          `${counted(steps, "step")}; a bar is as high as the root of their number. `,
          switches ? "The dashed line parts the two modes." : "",
        ),
      ),
      saves,
    );
  }
}

/** A part of the card with its title. */
function cardPart(title, ...children) {
  return make("section", { class: "block" }, make("h3", { class: "view-heading" }, title), ...children);
}

/** As `cardPart`, over the whole width. */
function widePart(title, ...children) {
  const part = cardPart(title, ...children);
  part.classList.add("wide");
  return part;
}
