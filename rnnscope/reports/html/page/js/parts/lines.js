// What a line through many values is drawn of.
"use strict";

/** Stretches of values and of gaps: [start, stop, whether it is a gap]. */
function runs(values) {
  const found = [];
  for (let start = 0, place = 1; place <= values.length; place++) {
    const empty = Number.isNaN(values[start]);
    if (place < values.length && Number.isNaN(values[place]) === empty) continue;
    found.push([start, place, empty]);
    start = place;
  }
  return found;
}

/** [place, value] of what can be seen: all, or where there are more than pixels, the lowest and highest of each few. */
function thinned(values, start, stop, pixels) {
  const few = Math.max(1, Math.floor((stop - start) / pixels));
  const points = [];
  for (let from = start; from < stop; from += few) {
    let [low, high] = [from, from];
    for (let place = from; place < Math.min(stop, from + few); place++) {
      if (values[place] < values[low]) low = place;
      if (values[place] > values[high]) high = place;
    }
    const places = low === high ? [low] : [Math.min(low, high), Math.max(low, high)];
    points.push(...places.map((place) => [place, values[place]]));
  }
  return points;
}
