// The help: which keys there are, and how to read the page.
"use strict";

const KEYS = [
  [["←", "→"], "previous and next unit of the ranking"],
  [["↑", "↓"], "in the text: back and on by a character; with Ctrl by a line; Home and End"],
  [["Shift", "arrows"], "in the text: select"],
  [["PageUp", "PageDown"], "previous and next part of the text"],
  [["/"], "search for a unit: l0.c.170 or a part of it, then Enter"],
  [["+", "−", "0"], "in the series and the heatmap: closer, wider, all"],
  [["↑", "↓"], "in the heatmap: the unit above and below; Enter goes to the text"],
  [["Shift", "←", "→"], "in the heatmap: back and on by a step"],
  [["Esc"], "let go of the selection, the zoom, the cursor"],
  [["?"], "this help"],
];

const READING = [
  "Each character stands on the colour of the unit's value after reading it: orange is high, purple is low.",
  "Point at a character, or tap it, to see its numbers. Drag over text to select it, over the series to zoom.",
  "The address of the page holds what you see: copy it, and who opens it in the same file sees the same.",
];

class Help {
  constructor() {
    this.dialog = document.getElementById("help");
    const keys = KEYS.flatMap(([names, what]) => [
      make("dt", {}, names.map((name) => make("kbd", {}, name))),
      make("dd", {}, what),
    ]);
    this.dialog.append(
      make("h2", { id: "help-title" }, "How to read and steer this page"),
      make("ul", {}, ...READING.map((sentence) => make("li", {}, sentence))),
      make("dl", {}, ...keys),
      makeButton("Close", () => this.dialog.close()),
    );
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    document.getElementById("help-button").addEventListener("click", () => this.dialog.showModal());
  }
}
