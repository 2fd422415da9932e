// The text of a stretch, one element a step, each on the colour of the unit's value.
"use strict";

const GAP = 256; // stands for the number of a colour where there is no value

class ColouredText {
  constructor({ page, signals, colours }, root) {
    Object.assign(this, { page, signals, colours, root, characters: [], first: 0, asked: 0 });
    this.watcher = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) target.inView = isIntersecting;
    });
  }

  /** Write the characters of a stretch, a paragraph for each line. */
  write(number) {
    const { start, stop, document: home } = this.page.text.stretches[number];
    this.first = start;
    this.characters = [];
    this.table = null;
    this.asked += 1; // what waits for a frame was for the lines that go
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
    this.lines = lines.map((each) => make("p", { dir: "auto" }, each));
    this.root.replaceChildren(...this.lines);
    this.watcher.disconnect();
    for (const each of this.lines) this.watcher.observe(each);
    this.root.setAttribute("aria-label", `The text: ${this.page.text.documents[home].name}`);
  }

  /** A character as something that can be seen. */
  seen(step) {
    const character = this.page.text.characters[step];
    return this.page.text.shown[character] ?? (character.isWellFormed?.() === false ? "\uFFFD" : character);
  }

  /**
   * Put each character on the colour of its code: the lines in view at once, the others after the next frame, so that
   * a key held down is followed by the eye. Resolves when all stand on theirs, or when other codes have come meanwhile.
   */
  async colour(codes, size, [low, high]) {
    const asked = ++this.asked;
    const number = (code) => (code === NO_VALUE ? GAP : this.colours.number(code * size, low, high));
    const numbers = Int16Array.from(codes, number);
    const inView = this.table === this.colours.table ? this.lines.filter((line) => line.inView) : [];
    if (this.table !== this.colours.table) this.dip(this.colours.table);
    if (!inView.length) return this.paint(this.lines, numbers); // before the first frame, and at once for a printer
    this.paint(inView, numbers);
    await afterFrame();
    if (asked === this.asked) this.paint(this.lines, numbers);
  }

  /** Take up the colours of a scheme, as CSS has them. */
  dip(table) {
    this.table = table;
    this.papers = table.map((rgb) => this.colours.css(rgb));
    this.inks = table.map((rgb) => this.colours.ink(rgb));
    this.shown = new Int16Array(this.characters.length).fill(-1);
  }

  /** Colour the characters of lines; those that stand on their colour already are let be. */
  paint(lines, numbers) {
    for (const line of lines) {
      for (const { step, style, classList } of line.children) {
        const place = step - this.first;
        const number = numbers[place];
        if (number === this.shown[place]) continue;
        this.shown[place] = number;
        classList.toggle("gap", number === GAP);
        style.backgroundColor = this.papers[number] ?? "";
        style.color = this.inks[number] ?? "";
      }
    }
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

/** When the next frame is on the screen. */
function afterFrame() {
  return new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
}
