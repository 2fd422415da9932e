// The colour scale, purple low and orange high, in the scheme in force: light or dark.
"use strict";

class Colours {
  constructor(tables, store) {
    this.tables = tables;
    this.store = store;
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const print = matchMedia("print");
    const take = (scheme) => {
      document.documentElement.dataset.scheme = scheme;
      store.set({ scheme });
    };
    const update = () => take(dark.matches && !print.matches ? "dark" : "light"); // paper is white
    store.declare("scheme", { start: "light" });
    dark.addEventListener("change", update);
    print.addEventListener("change", update);
    addEventListener("beforeprint", () => take("light"));
    addEventListener("afterprint", update);
    update();
  }

  /** The 256 colours in force, from low to high. */
  get table() {
    return this.tables[this.store.state.scheme];
  }

  /** The number, 0 to 255, of the colour of a value. */
  number(value, low, high) {
    const place = high > low ? (value - low) / (high - low) : 0.5;
    return Math.max(0, Math.min(255, Math.floor(place * 256)));
  }

  /** The colour at a place from 0, the low end, to 1. */
  rgb(place) {
    return this.table[this.number(place, 0, 1)];
  }

  /** The colour of a value on a scale. */
  of(value, low, high) {
    return this.table[this.number(value, low, high)];
  }

  /** Draw the scale from low to high on a canvas. */
  draw(canvas) {
    Object.assign(canvas, { width: this.table.length, height: 8 });
    const pen = canvas.getContext("2d");
    this.table.forEach((rgb, place) => {
      pen.fillStyle = this.css(rgb);
      pen.fillRect(place, 0, 1, 8);
    });
    return canvas;
  }

  /** A colour as CSS has it. */
  css([red, green, blue]) {
    return `rgb(${red}, ${green}, ${blue})`;
  }

  /** Black or white, whichever can be read on a colour; the better of the two has a contrast of at least 4.58. */
  ink(rgb) {
    return luminance(rgb) > 0.1791 ? "#000" : "#fff";
  }
}

/** Relative luminance of a colour (WCAG 2.2). */
function luminance(rgb) {
  const [red, green, blue] = rgb.map((part) => part / 255).map((part) =>
    part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** The colours that CSS gives to what is drawn by hand, by name. */
function inksOf(element) {
  const style = getComputedStyle(element);
  const names = ["card", "ink", "quiet", "line", "accent", "gap"];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

/** The parts of a colour that CSS gives as #rrggbb. */
function cssRgb(colour) {
  return [1, 3, 5].map((place) => parseInt(colour.slice(place, place + 2), 16));
}
