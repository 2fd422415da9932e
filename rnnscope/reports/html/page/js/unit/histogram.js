// How often a unit takes each value, over the whole text.
"use strict";

const BINS = 64;

/** Bins of equal width: [{from, to, count}], from the lowest value to the highest; none if there is no value. */
async function histogramBins({ page, signals }, model, address) {
  const { signal, place } = signals.find(address, model);
  const counts = new Float64Array(256);
  const all = page.text.stretches.map((_, stretch) => signals.matrix(model, signal.address, stretch));
  for (const { codes, length } of await Promise.all(all)) {
    for (const code of codes.subarray(place * length, (place + 1) * length)) counts[code + 128] += 1;
  }
  counts[NO_VALUE + 128] = 0;
  const first = counts.findIndex(Boolean);
  const last = counts.findLastIndex(Boolean);
  if (first < 0) return [];
  const size = Math.ceil((last - first + 1) / BINS);
  return Array.from({ length: Math.ceil((last - first + 1) / size) }, (_, bin) => {
    const code = first + bin * size;
    const [from, to] = [code - 128.5, code + size - 128.5].map((edge) => edge * signal.steps[place]);
    return { from, to, count: counts.slice(code, code + size).reduce((sum, each) => sum + each, 0) };
  });
}

/**
 * The bins as an SVG, each in the colour of its values and as high as the root of its count, so that a rare mode is
 * seen beside a common one; a line where the unit switches, if `threshold` is not null.
 */
function histogramSvg(bins, { range: [low, high], threshold, colours, inks, said }) {
  const [wide, tall, foot] = [480, 120, 22];
  const from = bins[0].from;
  const to = bins.at(-1).to;
  const x = (value) => 6 + ((value - from) / (to - from)) * (wide - 12);
  const root = Math.sqrt(Math.max(...bins.map(({ count }) => count)));
  const bars = bins.map((bin) => {
    const height = bin.count ? Math.max(1, (Math.sqrt(bin.count) / root) * (tall - foot - 4)) : 0;
    const title = `${shownNumber(bin.from, 3)} to ${shownNumber(bin.to, 3)}: ${counted(bin.count, "step")}`;
    return makeSvg(
      "rect",
      {
        x: x(bin.from),
        y: tall - foot - height,
        width: x(bin.to) - x(bin.from) + 0.3,
        height,
        fill: colours.css(colours.of((bin.from + bin.to) / 2, low, high)),
        stroke: inks.line,
        "stroke-width": 0.4,
      },
      makeSvg("title", {}, title),
    );
  });
  const ticks = roundTicks(from, to, 6).map((value) =>
    makeSvg(
      "text",
      {
        x: x(value),
        y: tall - 6,
        fill: inks.quiet,
        "font-size": 11,
        "font-family": "sans-serif",
        "text-anchor": "middle",
      },
      shownNumber(value, decimalsOf((to - from) / 6)),
    ),
  );
  const parts =
    threshold !== null
      ? makeSvg(
          "line",
          {
            x1: x(threshold),
            x2: x(threshold),
            y1: 2,
            y2: tall - foot,
            stroke: inks.ink,
            "stroke-dasharray": "3 3",
          },
          makeSvg("title", {}, `threshold ${shownNumber(threshold, 3)}`),
        )
      : null;
  const ground = makeSvg("line", {
    x1: 6,
    x2: wide - 6,
    y1: tall - foot,
    y2: tall - foot,
    stroke: inks.quiet,
  });
  return makeSvg(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      viewBox: `0 0 ${wide} ${tall}`,
      width: wide,
      height: tall,
      role: "img",
      "aria-label": said,
    },
    bars,
    ground,
    parts,
    ticks,
  );
}
