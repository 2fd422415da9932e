// A drawing of the page as a file that looks the same without the page.
"use strict";

const DRAWN_BY_CSS = [
  "fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linejoin", "opacity", "visibility", "text-anchor",
  "font-family", "font-size",
];
const TITLE_HIGH = 20; // pixels of a line of the titles

/** An SVG on the screen as a file: what CSS gives to it written down, its titles, [text, path or null], above it. */
function standaloneSvg(svg, titles) {
  const copy = svg.cloneNode(true);
  const copies = copy.querySelectorAll("*");
  svg.querySelectorAll("*").forEach((element, place) => writeStyle(copies[place], element));
  const { width, height } = svg.viewBox.baseVal;
  const above = TITLE_HIGH * titles.length;
  const inks = inksOf(svg);
  const box = { x: 0, y: -above, width, height: height + above };
  const file = makeSvg(
    "svg",
    { width, height: box.height, viewBox: `0 ${-above} ${width} ${box.height}` },
    makeSvg("rect", { ...box, fill: inks.card }),
    titles.map(([text, path], line) => svgTitle(text, path, TITLE_HIGH * (line + 0.5) - above, inks)),
    [...copy.childNodes],
  );
  return new XMLSerializer().serializeToString(file);
}

function writeStyle(copy, element) {
  const style = getComputedStyle(element);
  for (const name of DRAWN_BY_CSS) copy.setAttribute(name, style.getPropertyValue(name));
  copy.removeAttribute("class");
}

/** A line of text, after a piece of the path that it names. */
function svgTitle(text, path, y, inks) {
  const sample = path && makeSvg("line", { x1: 8, x2: 34, y1: y, y2: y });
  if (sample) {
    writeStyle(sample, path);
    sample.setAttribute("stroke-width", 3);
  }
  const font = { "font-family": "sans-serif", "font-size": 12, "dominant-baseline": "central" };
  return [sample, makeSvg("text", { x: path ? 42 : 8, y, fill: inks.ink, ...font }, text)];
}

/** Buttons that save what a chart shows: its numbers, and the drawing. */
function chartButtons(name, table, svg) {
  const saves = { class: "saves", role: "group", "aria-label": `Download ${name}` };
  return make("span", saves, csvButton(name, table), figureButtons(svg, name));
}
