// What each character costs the two models, in bits, as a mean over the characters around it.
"use strict";

const SMOOTH = 25; // characters that a point of the lines is the mean of
const CHEAPER = 0.1; // bits

class CompareCost {
  constructor(app) {
    this.app = app;
    this.chart = new CompareChart(app, "Cost of the characters", 130);
    this.root = this.chart.root;
    this.said = make("p", { class: "quiet" });
    this.root.append(this.said);
  }

  draw({ left, right }, costs, stretch) {
    const { page } = this.app;
    this.root.hidden = costs.some((cost) => cost === null);
    if (this.root.hidden) return;
    const { start, stop } = page.text.stretches[stretch];
    const lines = [left, right].map(({ model }, side) => ({
      values: smoothed(costs[side], SMOOTH),
      name: `${page.models[model].name}, ${shownNumber(meanOf(costs[side]))} bits`,
      column: `${page.models[model].name}, bits, mean of ${SMOOTH}`,
    }));
    const high = lines.reduce(
      (most, { values }) => values.reduce((top, value) => Math.max(top, value || 0), most),
      0.1,
    );
    const [one, other] = [left, right].map(({ model }) => page.models[model].name);
    const less = (here, there) =>
      costs[here].reduce((count, cost, step) => count + (costs[there][step] - cost > CHEAPER ? 1 : 0), 0);
    this.said.textContent =
      `Bits a character, the mean of ${SMOOTH} around each; in the key the mean of this part. ` +
      `${shownCount(less(0, 1))} characters cost ${one} at least ${CHEAPER} bits less, ` +
      `${shownCount(less(1, 0))} characters cost ${other} so much less.`;
    this.chart.draw({
      lines,
      low: 0,
      high,
      start,
      length: stop - start,
      said: `Cost: ${lines.map(({ name }) => name).join("; ")}`,
    });
  }
}

/** What the characters of a stretch cost a model, in bits; null if the page does not have it. */
async function stretchCost({ page, blocks }, model, stretch) {
  const block = page.models[model].nll?.[stretch];
  if (!block) return null;
  return (await blocks.numbers(block, Float32Array)).map((nats) => nats / Math.LN2);
}

function meanOf(values) {
  const told = values.filter((value) => !Number.isNaN(value));
  return told.reduce((sum, value) => sum + value, 0) / told.length;
}

/** The mean of the values around each, as far as there are any; NaN where there are none. */
function smoothed(values, wide) {
  const half = Math.floor(wide / 2);
  let [sum, count] = [0, 0];
  const take = (value, sign) => {
    if (value === undefined || Number.isNaN(value)) return;
    sum += sign * value;
    count += sign;
  };
  for (let step = 0; step < half; step++) take(values[step], 1);
  return values.map((_, step) => {
    take(values[step + half], 1);
    take(values[step - half - 1], -1);
    return count ? sum / count : NaN;
  });
}
