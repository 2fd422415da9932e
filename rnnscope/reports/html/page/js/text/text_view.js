// The tab of the text: the coloured text, the card of a step beside it, the unit's series under it.
"use strict";

class TextView {
  constructor(root, app) {
    this.app = app;
    this.heading = make("h2", { class: "document" });
    const said = "Up and down go through the characters, left and right through the units.";
    const help = make("p", { id: "text-help", class: "unseen" }, said);
    const named = { tabindex: "0", role: "group", "aria-describedby": "text-help" };
    const body = make("div", { id: "text", class: "coloured", ...named });
    const series = make("figure", { id: "series", class: "series" });
    const card = make("aside", { id: "step-card", class: "step-card", "aria-label": "The step" });
    const chosen = { id: "selection-bar", role: "group", "aria-label": "The selection" };
    const bar = make("div", { class: "selection-bar", hidden: true, ...chosen });
    const sheet = make("div", { class: "sheet" }, this.heading, help, body);
    root.append(make("div", { class: "reading" }, sheet, series, card), bar);
    this.text = new ColouredText(app, body);
    this.written = null;
    app.store.draw("text", ["model", "unit", "stretch", "scheme"], (state) => this.draw(state));
    this.selection = new TextSelection(app, this.text, bar);
    new StepCard(app, this.text, card);
    new Series(app, this.text, series);
    new TextCursor(app, this.text);
  }

  async draw({ model, unit, stretch }) {
    const { signals, store } = this.app;
    if (this.written !== stretch) this.write(stretch);
    const { signal, place } = signals.find(unit, model);
    const { codes, steps, length } = await signals.matrix(model, signal.address, stretch);
    const { state } = store;
    if (state.model !== model || state.unit !== unit || state.stretch !== stretch) return; // overtaken
    const own = codes.subarray(place * length, (place + 1) * length);
    await this.text.colour(own, steps[place], signals.range(model, unit));
  }

  write(stretch) {
    const { documents, stretches } = this.app.page.text;
    const { name, answer } = documents[stretches[stretch].document];
    const answered = answer === null || answer === undefined ? null : make("span", { class: "answer" }, answer);
    this.heading.hidden = documents.length === 1 && !answered;
    this.heading.replaceChildren(make("bdi", { title: name }, name), ...(answered ? [answered] : []));
    this.text.write(stretch);
    this.written = stretch;
    this.app.store.tell(["span", "at"]);
  }
}
