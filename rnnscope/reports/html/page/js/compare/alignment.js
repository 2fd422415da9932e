// Which unit of one model goes with which of another: the alignments of the page, from either side.
"use strict";

/** The alignment of two models, `left` first: {pairs, signals, first_guess, said}; null if there is none. */
function alignmentOf({ alignments = [] }, left, right) {
  const straight = alignments.find(({ models }) => models[0] === left && models[1] === right);
  if (straight) return straight;
  const turned = alignments.find(({ models }) => models[0] === right && models[1] === left);
  if (!turned) return null;
  const pairs = turned.pairs.map((pair) => ({
    ...pair,
    unit: pair.partner,
    partner: pair.unit,
    slope: pair.slope && 1 / pair.slope,
  }));
  return { ...turned, signals: [...turned.signals].reverse(), pairs };
}

/** The pair that a unit is in, the one that correlates best if there are several; undefined if it is in none. */
function pairOf(alignment, unit) {
  return alignment?.pairs.filter((pair) => pair.unit === unit).sort((one, other) => strength(other) - strength(one))[0];
}

function strength({ correlation }) {
  return Math.abs(correlation ?? 0);
}

/** The correlation of two series over the steps at which both have a value; NaN where it cannot be told. */
function correlationOf(one, other) {
  let [count, sumX, sumY] = [0, 0, 0];
  const both = (step) => !Number.isNaN(one[step]) && !Number.isNaN(other[step]);
  for (let step = 0; step < one.length; step++) {
    if (both(step)) [count, sumX, sumY] = [count + 1, sumX + one[step], sumY + other[step]];
  }
  let [xx, yy, xy] = [0, 0, 0];
  for (let step = 0; step < one.length; step++) {
    if (!both(step)) continue;
    const [x, y] = [one[step] - sumX / count, other[step] - sumY / count];
    [xx, yy, xy] = [xx + x * x, yy + y * y, xy + x * y];
  }
  return xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : NaN;
}
