// The keys that work everywhere but in a field: through the units, through the parts of the text, search, help.
"use strict";

class Keys {
  constructor(app) {
    this.app = app;
    document.addEventListener("keydown", (event) => this.press(event));
  }

  press(event) {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target.closest("input, select, textarea, dialog")) return;
    const action = {
      ArrowLeft: () => this.flip(-1),
      ArrowRight: () => this.flip(1),
      PageUp: () => this.turn(-1),
      PageDown: () => this.turn(1),
      "/": () => document.getElementById("address").focus(),
      "?": () => document.getElementById("help").showModal(),
      Escape: () => this.clear(),
    }[event.key];
    if (!action || (event.shiftKey && event.key !== "?" && event.key !== "/")) return;
    if (action() !== false) event.preventDefault();
  }

  flip(by) {
    this.app.store.set({ unit: neighbour(this.app, by) });
  }

  /** To the next part of the text; where there is but one, the key scrolls as it always does. */
  turn(by) {
    const { stretches } = this.app.page.text;
    if (stretches.length < 2) return false;
    const stretch = this.app.store.state.stretch + by;
    if (stretch >= 0 && stretch < stretches.length) this.app.store.set({ stretch });
    return true;
  }

  /** Let go of one thing: the selection, else the zoom, else the cursor. */
  clear() {
    const held = ["span", "zoom", "at"].find((key) => this.app.store.state[key] !== null);
    if (!held) return false;
    this.app.store.set({ [held]: null });
    return true;
  }
}
