// One of the two texts, coloured by a unit of its model; the other is scrolled with it.
"use strict";

class ComparePane {
  constructor(app, side) {
    this.app = app;
    this.title = make("h3", { class: "view-heading" });
    this.body = make("div", { class: "coloured pane-text", tabindex: 0, role: "group" });
    this.root = make("section", { class: `pane ${side}` }, this.title, this.body);
    this.text = new ColouredText(app, this.body);
    this.body.addEventListener(
      "click",
      ({ target }) => target.step !== undefined && app.store.set({ at: target.step }),
    );
  }

  /** Scroll two panes together. */
  follow(other) {
    const together = (one, two) =>
      one.body.addEventListener("scroll", () => {
        if (Math.abs(two.body.scrollTop - one.body.scrollTop) > 1) two.body.scrollTop = one.body.scrollTop;
      });
    together(this, other);
    together(other, this);
  }

  async draw({ model, unit }, stretch) {
    const { page, signals } = this.app;
    const { signal, place } = signals.find(unit, model);
    const { codes, steps, length } = await signals.matrix(model, signal.address, stretch);
    if (this.written !== stretch) this.text.write(stretch);
    this.written = stretch;
    const own = codes.subarray(place * length, (place + 1) * length);
    const coloured = this.text.colour(own, steps[place], signals.range(model, unit));
    this.title.replaceChildren(page.models[model].name, make("span", { class: "mono quiet" }, ` ${unit}`));
    this.body.setAttribute("aria-label", `The text, coloured by ${unit} of ${page.models[model].name}`);
    await coloured;
  }

  /** Mark the step of the cursor, and bring it into sight. */
  point(at) {
    this.text.mark("data-at", at ?? 0, at === null ? 0 : at + 1);
    const element = this.text.at(at);
    if (!element) return;
    const [box, own] = [this.body.getBoundingClientRect(), element.getBoundingClientRect()];
    if (own.top < box.top || own.bottom > box.bottom) this.body.scrollTop += own.top - box.top - box.height / 3;
  }
}
