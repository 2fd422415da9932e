// The text of a stretch, one element a step, each on the colour of the unit's value.
"use strict";

const GAP = 256; // stands for the number of a colour where there is no value

class ColouredText {
  constructor({ page, signals, colours }, root) {
    Object.assign(this, { page, signals, colours, root, characters: [], first: 0 });
  }

  /** Write the characters of a stretch, a paragraph for each line. */
  write(number) {
    const { start, stop, document: home } = this.page.text.stretches[number];
    this.first = start;
    this.characters = [];
    this.table = null;
    const lines = [];
    let line = [];
    for (let step = start; step < stop; step++) {
      const element = make("span", {}, this.seen(step));
      element.step = step;
      this.characters.push(element);
      line.push(element);
      if (this.page.text.characters[step] === "\n") {
        lines.push(line);
        line = [];
      }
    }
    if (line.length) lines.push(line);
    this.root.replaceChildren(...lines.map((each) => make("p", { dir: "auto" }, each)));
    this.root.setAttribute("aria-label", `The text: ${this.page.text.documents[home].name}`);
  }

  /** A character as something that can be seen. */
  seen(step) {
    const character = this.page.text.characters[step];
    return this.page.text.shown[character] ?? (character.isWellFormed?.() === false ? "\uFFFD" : character);
  }

  /** Put each character on the colour of its code; those that stand on it already are let be. */
  colour(codes, size, [low, high]) {
    const { table } = this.colours;
    if (this.table !== table) this.shown = new Int16Array(this.characters.length).fill(-1);
    this.table = table;
    const papers = table.map((rgb) => this.colours.css(rgb));
    const inks = table.map((rgb) => this.colours.ink(rgb));
    this.characters.forEach(({ style, classList }, place) => {
      const code = codes[place];
      const number = code === NO_VALUE ? GAP : this.colours.number(code * size, low, high);
      if (number === this.shown[place]) return;
      this.shown[place] = number;
      classList.toggle("gap", number === GAP);
      style.backgroundColor = papers[number] ?? "";
      style.color = inks[number] ?? "";
    });
  }

  /** The element of a step; undefined if it is not in the stretch. */
  at(step) {
    return step === null ? undefined : this.characters[step - this.first];
  }

  /** Mark the steps of a span, and no other, with an attribute. */
  mark(name, start, stop) {
    for (const element of this.root.querySelectorAll(`[${name}]`)) element.removeAttribute(name);
    for (let step = start; step < stop; step++) this.at(step)?.setAttribute(name, "");
  }
}
