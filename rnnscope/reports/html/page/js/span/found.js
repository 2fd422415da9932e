// What a search finds: the units that are on through a span, and other spans at which they are on together.
"use strict";

const UNITS_SHOWN = 40;

/** The units that are on through the span, as chips in the colours of their values. */
function unitsOnThrough(app, units, signal, model) {
  const { colours, signals } = app;
  const chips = units.map(({ address, mean, sign }) => {
    const [low, high] = signal.signal === "c" ? [-1, 1] : signals.range(model, address);
    const rgb = colours.of(mean, low, high);
    const chip = makeButton(
      [make("span", {}, address), ` ${signedNumber(mean)}`],
      () => app.store.set({ unit: address }),
      { class: "chip", name: address, title: sign > 0 ? "on: high" : "on: low" },
    );
    chip.style.backgroundColor = colours.css(rgb);
    chip.style.color = colours.ink(rgb);
    return chip;
  });
  const rest = chips.slice(UNITS_SHOWN);
  rest.forEach((chip) => (chip.hidden = true));
  const more = rest.length
    ? makeButton(
        `and ${rest.length} that are weaker`,
        () => {
          rest.forEach((chip) => (chip.hidden = false));
          more.remove();
        },
        { class: "link" },
      )
    : null;
  const save = csvButton(`${signal.address} on through the span`, () => ({
    columns: ["address", "unit", "sign", "mean"],
    rows: units.map(({ address, unit, sign, mean }) => [address, unit, sign, csvNumber(mean)]),
  }));
  return make(
    "section",
    { class: "block span-units" },
    make(
      "div",
      { class: "tools" },
      make("h3", { class: "view-heading" }, `On through it: ${units.length} of ${signal.units.length} units`),
      make("div", { class: "saves" }, save),
    ),
    make("div", { class: "chips" }, chips, more),
  );
}

/** The other spans through which most of them are on together, the best first. */
function spansAlike(app, { units, spans }, signal) {
  const { text } = app.page;
  const title = make("h3", { class: "view-heading" }, "Where they are on together again");
  if (!spans.length) {
    return make(
      "section",
      { class: "block" },
      title,
      make("p", {}, "There is no other span through which half of them are on together."),
    );
  }
  const columns = ["document", "start", "stop", "step", "shared", "others", "length"];
  const save = csvButton(`spans like the selected one by ${signal.address}`, () => ({
    columns: [...columns, "text"],
    rows: spans.map((span) => [
      ...columns.map((name) => span[name]),
      text.characters.slice(span.start, span.stop).join(""),
    ]),
  }));
  const items = spans.map((span) => spanItem(app, span, units.length));
  return make(
    "section",
    { class: "block" },
    make("div", { class: "tools" }, title, make("div", { class: "saves" }, save)),
    make("ol", { class: "found" }, items),
  );
}

function spanItem(app, { document, start, stop, step, shared, others, length }, wanted) {
  const { documents } = app.page.text;
  const { name } = documents[document];
  const where = documents.length > 1 ? [make("bdi", { title: name }, name), ", "] : [];
  const select = makeButton("search from here", () => app.store.set({ span: [start, stop] }), { class: "link" });
  const said = [
    make("b", {}, `${shared}/${wanted} shared`),
    `, ${others} others, `,
    `${counted(length, "step")}, `,
    ...where,
    `from ${shownCount(step)}`,
    select,
  ];
  return make("li", {}, excerptButton(app, start, stop), make("p", { class: "found-numbers" }, said));
}
