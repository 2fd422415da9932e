// The tab "Model": the model's card, and a panel for each analysis that was made.
"use strict";

class Panels {
  constructor(root, app) {
    this.root = root;
    this.app = app;
    this.asked = 0;
    this.urls = [];
    app.store.draw("model", ["model"], (state) => this.update(state));
  }

  async update({ model }) {
    const asked = ++this.asked;
    const { page, blocks } = this.app;
    const panels = page.panels.filter((panel) => panel.model === null || panel.model === model);
    const figures = await Promise.all(panels.map(({ figure }) => (figure ? blocks.bytes(figure) : null)));
    if (asked !== this.asked) return;
    this.urls.forEach((url) => URL.revokeObjectURL(url));
    this.urls = [];
    const drawn = panels.map((panel, place) => this.panel(panel, figures[place]));
    this.root.replaceChildren(this.card(page.models[model]), make("div", { class: "panels" }, drawn));
  }

  card({ name, card, task }) {
    const rows = card.length ? card : [["task", task]];
    return make(
      "section",
      { class: "block panel" },
      make("h2", { class: "view-title" }, name),
      make(
        "dl",
        { class: "facts" },
        rows.map(([label, value]) => [make("dt", {}, label), make("dd", {}, String(value))]).flat(),
      ),
    );
  }

  panel({ id, title, said, columns, rows }, figure) {
    const svg = figure && new TextDecoder().decode(figure);
    const saves = [csvButton(id, () => ({ columns, rows })), ...(svg ? figureButtons(svg, id) : [])];
    return make(
      "section",
      { class: "block panel", id: `panel-${id}` },
      make("h3", { class: "view-heading" }, title),
      make(
        "div",
        { class: "panel-said" },
        said.map((sentence) => make("p", {}, sentence)),
      ),
      svg ? this.picture(svg, title, said) : null,
      foldedTable(`The numbers: ${counted(rows.length, "row")}`, columns, rows),
      make("div", { class: "saves" }, saves),
    );
  }

  picture(svg, title, said) {
    this.urls.push(svgUrl(svg));
    return make("img", {
      class: "figure",
      src: this.urls.at(-1),
      alt: [title, ...said].join(". ").replaceAll("..", "."),
    });
  }
}
