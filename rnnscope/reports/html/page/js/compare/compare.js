// The tab "Compare": two models on the same text, side by side, a unit of the one with its partner in the other.
"use strict";

class Compare {
  /** Whether there is anything to compare. */
  static has({ page }) {
    return page.models.length > 1;
  }

  constructor(root, app) {
    this.root = root;
    this.app = app;
    this.asked = 0;
    declareOther(app);
    this.chosen = new CompareTools(this, app);
    this.left = new ComparePane(app, "left");
    this.right = new ComparePane(app, "right");
    this.left.follow(this.right);
    this.series = new CompareSeries(app);
    this.cost = new CompareCost(app);
    this.pairs = make("section", { class: "block" });
    root.append(
      this.chosen.root,
      make("div", { class: "panes" }, this.left.root, this.right.root),
      this.series.root,
      this.cost.root,
      this.pairs,
    );
    app.store.draw("compare", ["model", "unit", "other", "partner", "stretch", "scheme"], (state) =>
      this.update(state),
    );
    app.store.draw("compare", ["at"], ({ at }) => this.point(at));
    app.store.draw("compare", ["zoom"], () => [this.series, this.cost].forEach(({ chart }) => chart.redraw()));
  }

  /** The two sides: number of the model, address of the unit, and the alignment that pairs them. */
  sides({ model, unit, other, partner }) {
    const right = otherModel(this.app.page, model, other);
    const alignment = alignmentOf(this.app.page, model, right);
    const pair = pairOf(alignment, unit);
    const byHand = partner && this.app.signals.find(partner, right) ? partner : null;
    const found =
      byHand ??
      (pair && this.app.signals.find(pair.partner, right)
        ? pair.partner
        : firstUnit(this.app.page, this.app.signals, right));
    return {
      left: { model, unit },
      right: { model: right, unit: found },
      alignment,
      pair: pair?.partner === found ? pair : null,
      byHand,
    };
  }

  async update(state) {
    const asked = ++this.asked;
    const { app } = this;
    const sides = this.sides(state);
    const { left, right } = sides;
    const series = await Promise.all(
      [left, right].map(({ model, unit }) => app.signals.series(model, unit, state.stretch)),
    );
    const costs = await Promise.all([left, right].map(({ model }) => stretchCost(app, model, state.stretch)));
    await Promise.all([this.left.draw(left, state.stretch), this.right.draw(right, state.stretch)]);
    if (asked !== this.asked) return;
    this.chosen.draw(sides, correlationOf(...series));
    this.series.draw(sides, series, state.stretch);
    this.cost.draw(sides, costs, state.stretch);
    this.list(sides);
    this.point(app.store.state.at);
  }

  point(at) {
    this.left.point(at);
    this.right.point(at);
    this.series.chart.point(at);
    this.cost.chart.point(at);
  }

  /** The pairs of the alignment, the closest first. */
  list({ alignment, left, right }) {
    const title = make("h3", { class: "view-heading" }, "Pairs of units");
    if (!alignment)
      return this.pairs.replaceChildren(
        title,
        make("p", { class: "quiet" }, "The units of these two models were not paired."),
      );
    const pairs = [...alignment.pairs].sort((one, other) => strength(other) - strength(one));
    const { store } = this.app;
    const rows = pairs.map(({ unit, partner, correlation, diverges }) => {
      const choose = makeButton(`${unit} – ${partner}`, () => store.set({ unit, partner: null }), {
        class: "link mono",
      });
      const part = diverges === null || diverges === undefined ? "–" : stepButton(this.app, diverges);
      const row = make(
        "tr",
        { "aria-current": unit === left.unit && partner === right.unit ? "true" : null },
        make("td", {}, choose),
        make("td", { class: "number" }, signedNumber(correlation)),
        make("td", { class: "number" }, part),
      );
      return row;
    });
    const head = ["Pair", "Correlation", "Part at step"].map((name, place) =>
      make("th", { scope: "col", class: place ? "number" : null }, name),
    );
    const table = make("table", { class: "numbers" }, make("thead", {}, make("tr", {}, head)), make("tbody", {}, rows));
    const columns = Object.keys(pairs[0] ?? { unit: null, partner: null });
    const save = csvButton("pairs of units", () => ({
      columns,
      rows: pairs.map((pair) => columns.map((name) => pair[name])),
    }));
    this.pairs.replaceChildren(
      make("div", { class: "tools" }, title, make("div", { class: "saves" }, save)),
      ...alignment.said.map((sentence) => make("p", { class: "quiet" }, sentence)),
      make("div", { class: "scrolls", tabindex: 0, role: "region", "aria-label": "Pairs of units" }, table),
    );
  }
}

/** A step as a button that puts the cursor there. */
function stepButton(app, step, label = shownCount(step)) {
  return makeButton(label, () => app.store.set({ at: step }), { class: "link", title: `To step ${shownCount(step)}` });
}

/** The other model, by its number, and the partner that was chosen by hand; null is the next model, and the pair's. */
function declareOther({ store, page, signals }) {
  const known = (address) => page.models.some((_, model) => signals.find(address, model));
  store.declare("other", {
    start: null,
    read: (text) => (/^\d{1,3}$/.test(text) && Number(text) < page.models.length ? Number(text) : undefined),
  });
  store.declare("partner", { start: null, read: (text) => (known(text) ? text : undefined) });
}

/** The model on the right: the one that was chosen, unless it is the one on the left. */
function otherModel(page, model, other) {
  return other !== null && other !== model ? other : (model + 1) % page.models.length;
}
