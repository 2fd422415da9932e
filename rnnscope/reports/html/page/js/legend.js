// The colour scale with its numbers.
"use strict";

class Legend {
  constructor(app) {
    this.app = app;
    this.root = document.getElementById("legend");
    app.store.watch(["model", "unit", "stretch", "scheme"], (state) => this.draw(state));
  }

  draw({ model, unit, stretch }) {
    const { signals } = this.app;
    const { signal } = signals.find(unit, model);
    const gap = make("span", { class: "legend-gap", hidden: true }, make("i", { class: "gap" }), "no value");
    const caption = make("figcaption", {}, signals.name(signal), gap);
    const numbers = this.numbers(signals.range(model, unit), signal.low === null).map((text) => make("span", {}, text));
    this.root.replaceChildren(caption, this.strip(), make("div", { class: "legend-numbers" }, numbers));
    signals.series(model, unit, stretch).then((values) => (gap.hidden = !values.some(Number.isNaN)));
  }

  /** The colours from low to high. */
  strip() {
    const { colours } = this.app;
    const label = "purple is low, orange is high";
    const canvas = make("canvas", { width: 256, height: 1, role: "img", "aria-label": label });
    const image = canvas.getContext("2d");
    colours.table.forEach((rgb, place) => {
      image.fillStyle = colours.css(rgb);
      image.fillRect(place, 0, 1, 1);
    });
    return canvas;
  }

  /** What the ends and the middle stand for; a state may go beyond its ends. */
  numbers([low, high], open) {
    const decimals = decimalsOf((high - low) / 20);
    const [least, middle, most] = [low, (low + high) / 2, high].map((value) => shownNumber(value, decimals));
    return open ? [`≤ ${least}`, middle, `≥ ${most}`] : [least, middle, most];
  }
}
