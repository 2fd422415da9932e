// The tab "Span": the units that are on through the selected span, and where else they are on together.
"use strict";

const BREATH = 30; // milliseconds of a search between two moments in which the page can do something else

class SpanView {
  constructor(root, app) {
    this.root = root;
    this.app = app;
    this.asked = 0;
    app.store.draw("span", ["model", "span", "unit", "scheme"], (state) => this.update(state));
  }

  async update({ model, unit, span, scheme }) {
    const { signal } = this.app.signals.find(unit, model);
    const wanted = [model, signal.address, span, scheme].join(" ");
    if (this.drawn === wanted) return this.press(unit);
    const asked = ++this.asked;
    this.drawn = null;
    if (!span) return this.root.replaceChildren(this.heading("No span is selected"), this.advice());
    const waiting = setTimeout(
      () => this.root.replaceChildren(...this.head(span, signal), make("p", {}, "Searching …")),
      150,
    );
    const found = await this.match(model, signal, span).catch(matchError);
    clearTimeout(waiting);
    if (asked !== this.asked) return;
    const parts = found.error
      ? [make("p", { class: "span-error", role: "alert" }, found.error)]
      : [unitsOnThrough(this.app, found.units, signal, model), spansAlike(this.app, found, signal)];
    this.root.replaceChildren(...this.head(span, signal), ...parts);
    this.drawn = wanted;
    this.press(this.app.store.state.unit);
  }

  /** Mark the chip of the unit that is chosen, where there is one. */
  press(unit) {
    for (const chip of this.root.querySelectorAll(".chip")) chip.setAttribute("aria-pressed", chip.name === unit);
  }

  /** What was found last is kept, so that a walk through the units does not search again. */
  match(model, signal, span) {
    const key = [model, signal.address, span].join(" ");
    if (this.key === key) return this.found;
    const { text, threshold } = this.app.page;
    let pause = 0;
    const read = async (stretch) => {
      if (performance.now() > pause) {
        await new Promise((resume) => setTimeout(resume)); // so that the page stays at hand
        pause = performance.now() + BREATH;
      }
      if (this.key !== key) throw new Overtaken();
      return (await this.app.signals.matrix(model, signal.address, stretch)).codes;
    };
    this.key = key;
    this.found = match({ signal, text, read, span, threshold });
    return this.found;
  }

  heading(text) {
    return make("h2", { class: "view-title" }, text);
  }

  advice() {
    return make(
      "p",
      { class: "quiet" },
      "Select characters in the text, with the mouse, a finger or Shift and the arrows. " +
        "Here stand then the units that are on through them, and the other places at which these are on together.",
    );
  }

  head([start, stop], signal) {
    const steps = `Steps ${shownCount(start)} to ${shownCount(stop - 1)}`;
    const { threshold } = this.app.page;
    const seen = signal.signal === "c" ? "the tanh of its value" : "its value";
    const rest =
      signal.units.length < signal.size
        ? ` Of ${shownCount(signal.size)} units the ${shownCount(signal.units.length)} in this page are looked at.`
        : "";
    return [
      this.heading(steps),
      excerptButton(this.app, start, stop, { longest: 400 }),
      make(
        "p",
        { class: "quiet span-about" },
        `A unit of ${signal.address} is on where ${seen} is beyond ${threshold}, ` +
          `above it or below −${threshold}.${rest}`,
      ),
    ];
  }
}

/** A search that nobody waits for any more. */
class Overtaken extends Error {}

function matchError(error) {
  if (error instanceof MatchError || error instanceof Overtaken) return { error: error.message };
  throw error;
}
