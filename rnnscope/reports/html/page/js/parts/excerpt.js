// Pieces of the text in a line, and buttons that go to their place.
"use strict";

/** The characters of some steps in one line: those that cannot be seen as signs. */
function inALine({ characters, shown }, start, stop) {
  return characters
    .slice(start, stop)
    .map((character) => shown[character] ?? character)
    .join("");
}

/** The steps around a span, of its document, so many on each side. */
function around({ documents }, start, stop, reach) {
  const home = documents.find((document) => start < document.stop);
  return [Math.max(home.start, start - reach), Math.min(home.stop, stop + reach)];
}

/** A span in the text around it, marked; the middle of a long one is left out. */
function excerpt(text, start, stop, { reach = 24, longest = 160 } = {}) {
  const [first, last] = around(text, start, stop, reach);
  const half = Math.floor(longest / 2);
  const inside =
    stop - start <= longest
      ? inALine(text, start, stop)
      : `${inALine(text, start, start + half)} … ${inALine(text, stop - half, stop)}`;
  return [inALine(text, first, start), make("mark", {}, make("bdi", {}, inside)), inALine(text, stop, last)];
}

/** An excerpt as a button that shows its place in the text. */
function excerptButton(app, start, stop, options = {}) {
  const go = () => app.store.set({ at: start, zoom: null, tab: "text", ...options.patch });
  return makeButton(excerpt(app.page.text, start, stop, options), go, {
    class: "excerpt",
    title: `To step ${shownCount(start)} in the text`,
  });
}

/** The address of a unit as a button that chooses it. */
function unitButton(app, address, label = address, patch = {}) {
  return makeButton(label, () => app.store.set({ unit: address, ...patch }), {
    class: "link mono",
    title: `Choose ${address}`,
  });
}
