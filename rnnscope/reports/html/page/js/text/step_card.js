// The card of a step: its character, the unit's value and gates there, and what the network expected.
"use strict";

class StepCard {
  constructor(app, text, root) {
    Object.assign(this, { app, text, root });
    app.store.draw("text", ["at", "hover", "model", "unit", "stretch", "scheme"], (state) => this.draw(state));
  }

  async draw(state) {
    const step = state.hover ?? state.at;
    this.root.classList.toggle("empty", step === null);
    if (step === null) return this.root.replaceChildren(make("p", { class: "quiet" },
      "Point at a character, tap it, or go to it with the up and down keys."));
    const facts = await stepFacts(this.app, state, step);
    const now = this.app.store.state;
    if (step !== (now.hover ?? now.at) || state.unit !== now.unit || state.model !== now.model) return; // overtaken
    const parts = [this.head(step), this.value(facts), this.gates(facts), this.cost(facts), this.guesses(facts)];
    this.root.replaceChildren(...parts.filter((part) => part !== null));
    if (state.hover === null) this.say(facts);
  }

  close() {
    const close = () => this.app.store.set({ at: null, hover: null });
    return makeButton("✕", close, { class: "close", "aria-label": "Close the card" });
  }

  head(step) {
    const { characters, documents } = this.app.page.text;
    const number = documents.findIndex((each) => within(step, each));
    const { name, start } = documents[number];
    const home = documents.length > 1 ? make("bdi", { class: "home quiet", title: name }, name) : null;
    const inside = start ? ` · step ${shownCount(step - start)} of it` : "";
    return make("header", {},
      make("span", { class: "character mono" }, make("bdi", {}, this.text.seen(step).replace(" ", "·"))),
      make("div", {}, make("b", {}, `step ${shownCount(step)}`), home,
        make("span", { class: "quiet" }, `${characterName(characters[step])}${inside}`)),
      this.close());
  }

  value({ unit, name, value, size, error }) {
    if (Number.isNaN(value)) {
      return make("p", { class: "value" }, make("b", {}, unit), make("i", { class: "gap swatch" }),
        make("span", {}, "has no value here: a gap in the signal, or a step that its layer does not take."));
    }
    const decimals = decimalsOf(size / 2);
    return make("p", { class: "value" },
      make("span", { class: "quiet" }, `${unit}, ${name}`), this.swatch(value, unit),
      make("output", { "aria-live": "off" }, shownNumber(value, decimals)), // `say` tells it, once
      make("span", { class: "quiet" }, `± ${shownNumber(error, decimals + 1)}`));
  }

  swatch(value, unit) {
    const { signals, colours, store } = this.app;
    const swatch = make("i", { class: "swatch" });
    swatch.style.backgroundColor = colours.css(colours.of(value, ...signals.range(store.state.model, unit)));
    return swatch;
  }

  gates({ unit, gates, gatesLeftOut }) {
    const said = `Its gates are not in this report; one made with --unit ${unit} has them.`;
    if (gatesLeftOut) return make("p", { class: "quiet small" }, said);
    if (gates.every(({ value }) => Number.isNaN(value))) return null;
    return make("dl", { class: "gates" }, gates.map(({ name, short, value, decimals, low, high }) => {
      const place = (number) => (number - low) / (high - low);
      return [
        make("dt", {}, name, " ", make("span", { class: "quiet" }, short)),
        make("dd", {}, gauge(place(value), place(0)), make("span", { class: "number" }, shownNumber(value, decimals))),
      ];
    }));
  }

  cost({ cost, what }) {
    if (what !== "next character" || cost === undefined) return null;
    const unknown = "What this character cost is not known: nothing was expected before it.";
    if (Number.isNaN(cost)) return make("p", { class: "cost quiet" }, unknown);
    return make("p", { class: "cost" }, "It cost ", make("b", {}, `${shownNumber(cost, 2)} nats`),
      make("span", { class: "quiet" }, ` (${shownPercent(Math.exp(-cost))} probable)`));
  }

  guesses({ guesses, what, next, right, stands, predicted }) {
    if (stands !== undefined) return this.forecast(stands, predicted);
    if (!guesses?.length) return null;
    const rows = guesses.map(({ outcome, probability, came }) => make("li", came ? { class: "came" } : {},
      make("span", { class: "mono" }, make("bdi", {}, shownOutcome(outcome, this.app.page.text.shown))),
      gauge(probability, 0), make("span", { class: "number" }, shownPercent(probability))));
    const verdict = next === undefined ? null : this.verdict(next, right);
    const title = what === "next character" ? "Expected next" : `Its best guesses of the ${what}`;
    return make("section", { class: "guesses" }, make("h3", {}, title), make("ol", {}, rows), verdict);
  }

  verdict(next, right) {
    const came = make("bdi", { class: "mono" }, shownOutcome(next, this.app.page.text.shown));
    const said = right ? "✓ its first guess: " : "✗ not its first guess: ";
    return make("p", { class: right ? "right" : "wrong" }, said, came, " came");
  }

  forecast(stands, predicted) {
    const numbers = [stands, predicted].map((value) => make("b", {}, shownFigure(value)));
    return make("p", {}, "Stands at ", numbers[0], "; the next was predicted as ", numbers[1]);
  }

  /** The same in a sentence, for a screen reader. */
  say({ unit, value, size, step, right, next }) {
    const guess = next === undefined ? "" : `, the next is ${right ? "" : "not "}its first guess`;
    const said = Number.isNaN(value) ? "no value" : shownNumber(value, decimalsOf(size));
    const character = this.text.seen(step).replace(" ", "space");
    document.getElementById("said").textContent = `step ${step}, ${character}, ${unit} ${said}${guess}`;
  }
}

/** A small bar from one place to another, both from 0 to 1. */
function gauge(to, from) {
  if (Number.isNaN(to)) return make("span", { class: "gauge" });
  const inside = make("i");
  inside.style.left = `${100 * Math.min(from, to)}%`;
  inside.style.width = `${100 * Math.abs(to - from)}%`;
  return make("span", { class: "gauge", "aria-hidden": "true" }, inside);
}

function characterName(character) {
  const code = character.codePointAt(0);
  const names = { 9: "tab", 10: "newline", 13: "carriage return", 32: "space", 160: "no-break space" };
  const hex = code.toString(16).toUpperCase().padStart(4, "0");
  return `U+${hex}${names[code] ? ` ${names[code]}` : code < 32 || (code >= 127 && code < 160) ? " control" : ""}`;
}

function shownOutcome(outcome, shown) {
  if (outcome === " ") return "·";
  return shown[outcome] ?? (outcome === "\n" ? "⏎" : outcome);
}

function shownPercent(share) {
  const percent = 100 * share;
  return percent > 0 && percent < 0.1 ? "< 0.1 %" : `${percent.toFixed(percent < 9.95 ? 1 : 0)} %`;
}
