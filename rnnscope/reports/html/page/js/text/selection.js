// Selecting a span of the text, with the mouse, a finger or the keys: the browser's own selection, read as steps.
"use strict";

class TextSelection {
  constructor(app, text, bar) {
    Object.assign(this, { store: app.store, page: app.page, text, bar, held: false });
    const root = text.root;
    root.addEventListener("pointerdown", () => (this.held = true));
    document.addEventListener("pointerup", () => ((this.held = false), this.read()));
    document.addEventListener("pointercancel", () => (this.held = false));
    document.addEventListener("selectionchange", () => this.held || this.read());
    root.addEventListener("copy", (event) => this.copy(event));
    this.said = make("span", { class: "mono" });
    const units = makeButton("Units on through it", () => this.store.set({ tab: "span" }), { class: "main" });
    const drop = { "aria-label": "Let go of the selection", title: "Let go of the selection (Esc)" };
    bar.append(this.said, units, makeButton("✕", () => this.drop(), drop));
    this.store.watch(["span", "stretch", "model"], (state) => this.show(state));
  }

  /** The steps that the browser's selection covers, if it is in the text. */
  read() {
    const selection = getSelection();
    if (selection.isCollapsed || !selection.rangeCount) return;
    const range = selection.getRangeAt(0);
    if (!range.intersectsNode(this.text.root)) return;
    const { first, characters } = this.text;
    const start = this.boundary(range.startContainer, range.startOffset) ?? first;
    const stop = this.boundary(range.endContainer, range.endOffset) ?? first + characters.length;
    if (start < stop) this.store.set({ span: [start, stop] });
  }

  /** The step that a place in the document stands before; undefined outside of the text. */
  boundary(node, offset) {
    if (!this.text.root.contains(node)) return undefined;
    if (node.nodeType === Node.TEXT_NODE) return node.parentNode.step + (offset >= node.length ? 1 : 0);
    const inside = (element) => element?.step ?? element?.firstElementChild?.step;
    if (node.step !== undefined) return node.step + (offset > 0 ? 1 : 0);
    const after = inside(node.childNodes[offset]);
    return after ?? (inside(node.lastElementChild?.lastElementChild ?? node.lastElementChild) ?? NaN) + 1;
  }

  /** What is copied is the text itself, not the marks that stand for its newlines. */
  copy(event) {
    const { span } = this.store.state;
    if (!span) return;
    event.clipboardData.setData("text/plain", this.page.text.characters.slice(...span).join(""));
    event.preventDefault();
  }

  drop() {
    getSelection().removeAllRanges();
    this.store.set({ span: null });
  }

  show({ span }) {
    this.text.mark("data-chosen", ...(span ?? [0, 0]));
    this.bar.hidden = !span;
    if (!span) return;
    const [start, stop] = span;
    this.said.textContent = `${shownCount(start)}:${shownCount(stop)} · ${counted(stop - start, "step")}`;
  }
}
