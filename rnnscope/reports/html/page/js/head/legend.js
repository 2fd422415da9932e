// The colour scale with its numbers.
"use strict";

class Legend {
  constructor(app) {
    this.app = app;
    this.root = document.getElementById("legend");
    app.store.watch(["model", "unit", "stretch", "scheme"], (state) => this.draw(state));
  }

  draw({ model, unit, stretch }) {
    const { signals, colours } = this.app;
    const { signal } = signals.find(unit, model);
    const gap = make("span", { class: "legend-gap", hidden: true }, make("i", { class: "gap" }), "no value");
    const strip = make("canvas", { role: "img", "aria-label": "purple is low, orange is high" });
    const caption = make("figcaption", {}, make("span", { class: "legend-name" }, signals.name(signal)), gap);
    const numbers = this.numbers(signals.range(model, unit), signal.low === null).map((text) => make("span", {}, text));
    this.root.replaceChildren(caption, colours.draw(strip), make("div", { class: "legend-numbers" }, numbers));
    signals.series(model, unit, stretch).then((values) => (gap.hidden = !values.some(Number.isNaN)));
  }

  /** What the ends and the middle stand for; a state may go beyond its ends. */
  numbers([low, high], open) {
    const decimals = decimalsOf((high - low) / 20);
    const [least, middle, most] = [low, (low + high) / 2, high].map((value) => shownNumber(value, decimals));
    return open ? [`≤ ${least}`, middle, `≥ ${most}`] : [least, middle, most];
  }
}
