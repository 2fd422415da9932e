// The cursor in the text: the step that the mouse is on, that was tapped, or that the keys went to.
"use strict";

class TextCursor {
  constructor(app, text) {
    Object.assign(this, { app, store: app.store, text });
    const { root } = text;
    root.addEventListener("pointerover", ({ target, pointerType }) => {
      if (pointerType === "mouse") this.store.set({ hover: target.step ?? null });
    });
    root.addEventListener("pointerleave", () => this.store.set({ hover: null }));
    root.addEventListener("click", ({ target }) => {
      if (getSelection().isCollapsed && target.step !== undefined) this.store.set({ at: target.step });
    });
    root.addEventListener("keydown", (event) => this.press(event));
    document.addEventListener("keydown", (event) => this.enter(event));
    this.store.watch(["at", "stretch", "tab"], (state) => this.show(state));
  }

  press(event) {
    const { at, span, stretch } = this.store.state;
    const { start, stop } = this.app.page.text.stretches[stretch];
    const here = at ?? start - 1;
    const to = this.goal(event, here, start, stop);
    if (to === undefined) return;
    event.preventDefault();
    const next = Math.max(start, Math.min(stop - 1, to));
    if (!event.shiftKey) return this.store.set({ at: next, hover: null });
    const anchor = this.anchor !== undefined && span ? this.anchor : Math.max(here, start);
    this.anchor = anchor;
    this.store.set({ at: next, hover: null, span: [Math.min(anchor, next), Math.max(anchor, next) + 1] });
  }

  /** Up and down go into the text from wherever they do nothing else. */
  enter(event) {
    const { defaultPrevented, key, shiftKey, ctrlKey, target } = event;
    if (defaultPrevented || shiftKey || ctrlKey || (key !== "ArrowUp" && key !== "ArrowDown")) return;
    if (this.store.state.tab !== "text" || !(target === document.body || target.closest("button"))) return;
    if (target.closest("dialog")) return;
    this.press(event);
    if (event.defaultPrevented) this.text.root.focus({ preventScroll: true });
  }

  /** The step that a key goes to; undefined if it is no key of the cursor. */
  goal({ key, shiftKey, ctrlKey, altKey, metaKey }, here, start, stop) {
    if (altKey || metaKey) return undefined;
    const by = { ArrowUp: -1, ArrowDown: 1, ...(shiftKey && { ArrowLeft: -1, ArrowRight: 1 }) }[key];
    if (by !== undefined) return ctrlKey ? this.lineFrom(Math.max(here, start), by) : here + by;
    return { Home: start, End: stop - 1 }[key];
  }

  /** The step above or below on the screen; the end of the text where there is no further line. */
  lineFrom(step, by) {
    const box = this.text.at(step).getBoundingClientRect();
    let best, line;
    for (let other = step + by; this.text.at(other); other += by) {
      const place = this.text.at(other).getBoundingClientRect();
      if (Math.abs(place.top - box.top) < box.height / 2) continue;
      line ??= place.top;
      if (Math.abs(place.top - line) > box.height / 2) break;
      const far = Math.abs(place.left - box.left);
      if (!best || far < best.far) best = { other, far };
    }
    return best?.other ?? step;
  }

  show({ at, span }) {
    this.text.mark("data-at", ...(at === null ? [0, 0] : [at, at + 1]));
    if (!span) this.anchor = undefined;
    if (this.store.state.tab === "text") this.text.at(at)?.scrollIntoView({ block: "nearest" });
  }
}
