// What stands above and below a heatmap: the order of its units, buttons that zoom, its scale, and files of it.
"use strict";

/** The parts of the heatmap's panel, and the buttons bound to the view. */
function heatmapParts(view) {
  const order = make("select", {});
  order.addEventListener("change", () => view.app.store.set({ order: order.value, rows: null }));
  const button = (sign, said, action) => makeButton(sign, action, { "aria-label": said, title: said });
  const zoom = (name, steps, rows) =>
    make(
      "div",
      { class: "heatmap-zoom", role: "group", "aria-label": `Zoom ${name}` },
      make("span", { "aria-hidden": "true" }, name),
      button("−", `Show more ${name}`, () => view.zoom(1 / steps, 0.5, 1 / rows, 0.5)),
      button("+", `Show fewer ${name}, larger`, () => view.zoom(steps, 0.5, rows, 0.5)),
    );
  const whole = makeButton("Whole", () => view.reset(), { title: "Show all of it (0, or a double click)" });
  const canvas = make("canvas", {
    tabindex: 0,
    role: "application",
    "aria-roledescription": "heatmap",
    "aria-describedby": "heatmap-keys",
  });
  const parts = {
    order,
    whole,
    canvas,
    said: make("output", { class: "heatmap-said mono" }),
    scale: make("canvas", { "aria-hidden": "true" }),
    scaleEnds: [make("span"), make("span"), make("span")],
    coarse: make("p", { class: "quiet heatmap-coarse" }),
  };
  const saves = make(
    "div",
    { class: "saves", role: "group", "aria-label": "Download what is shown" },
    csvButton("heatmap", () => view.table()),
    figureButtons(() => view.svg(), "heatmap"),
  );
  const tools = make(
    "div",
    { class: "tools" },
    make("label", {}, "Units by ", order),
    zoom("steps", CLOSER, 1),
    zoom("units", 1, CLOSER),
    whole,
    saves,
  );
  const legend = make(
    "div",
    { class: "heatmap-legend" },
    parts.scaleEnds[0],
    parts.scale,
    parts.scaleEnds[2],
    make("span", { class: "legend-gap" }, make("i", { class: "heatmap-gap", "aria-hidden": "true" }), "no value"),
    parts.scaleEnds[1],
  );
  view.root.append(
    tools,
    canvas,
    make("div", { class: "heatmap-below" }, parts.said, legend),
    parts.coarse,
    heatmapKeys(),
  );
  return parts;
}

function heatmapKeys() {
  const keys = [
    ["↑ ↓", "unit above, below"],
    ["Shift ← →", "step by step"],
    ["+ −", "zoom"],
    ["0", "whole"],
    ["Enter", "to the text"],
  ];
  return make(
    "p",
    { id: "heatmap-keys", class: "quiet heatmap-keys" },
    keys.flatMap(([key, said]) => [make("kbd", {}, key), ` ${said} `]),
    "Wheel or pinch zooms, with Shift the units; drag moves; a click goes to the unit and the place in the text.",
  );
}

/** The scale: a gate's range, or so many times a unit's own reach. */
function drawHeatmapScale({ scale, scaleEnds }, signal, colours) {
  colours.draw(scale);
  const state = signal.low === null;
  const ends = state ? ["− reach", "+ reach"] : [shownNumber(signal.low, 0), shownNumber(signal.high, 0)];
  scaleEnds[0].textContent = ends[0];
  scaleEnds[2].textContent = ends[1];
  scaleEnds[1].textContent = state ? "Reach: how far from zero 99 % of a unit's own values stay." : "";
}
