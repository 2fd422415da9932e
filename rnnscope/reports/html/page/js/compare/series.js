// The series of a unit and of its partner in the other model, over each other.
"use strict";

/** Both units, each by its own reach or range; the partner turned over where the two run against each other. */
class CompareSeries {
  constructor(app) {
    this.app = app;
    this.chart = new CompareChart(app, "Both units", 150);
    this.root = this.chart.root;
    this.said = make("p", { class: "quiet" });
    this.root.append(this.said);
  }

  draw({ left, right }, series, stretch) {
    const { signals, page } = this.app;
    const against = correlationOf(...series) < 0;
    const lines = [left, right].map(({ model, unit }, side) => {
      const [low, high] = signals.range(model, unit);
      const turn = side && against ? -1 : 1;
      const middle = (low + high) / 2;
      const values = series[side].map((value) => (turn * (value - middle)) / (high - middle));
      const name = `${page.models[model].name} ${unit}${turn < 0 ? ", turned over" : ""}`;
      return { values, name, column: `${name}, by its own reach` };
    });
    const all = lines.flatMap(({ values }) => Array.from(values)).filter((value) => !Number.isNaN(value));
    const far = all.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    this.said.textContent =
      "Each by its own reach: from −1 to 1 lie 99 % of the unit's values, of a gate all that it can take.";
    const { start } = page.text.stretches[stretch];
    this.chart.draw({
      lines,
      low: -far,
      high: far,
      start,
      length: series[0].length,
      said: `${lines.map(({ name }) => name).join(" and ")}, each by its own reach`,
    });
  }
}
