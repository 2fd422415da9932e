// The tabs: arrows, Home and End go from one to the next, and a view's panel is shown while its tab is chosen.
"use strict";

class Tabs {
  constructor({ store }, shown) {
    this.store = store;
    this.shown = shown;
    for (const tab of TABS) this.button(tab).hidden = !shown.includes(tab);
    for (const tab of shown) {
      this.button(tab).addEventListener("click", (event) => this.open(event, tab));
      this.button(tab).addEventListener("keydown", (event) => this.move(event, tab));
    }
    store.watch(["tab"], (state) => this.update(state));
  }

  button(tab) {
    return document.getElementById(`open-${tab}`);
  }

  /** After a click of the mouse or a finger the arrows go through the units again. */
  open(event, tab) {
    this.store.set({ tab });
    if (event.detail) this.button(tab).blur();
  }

  move(event, tab) {
    const place = this.shown.indexOf(tab);
    const count = this.shown.length;
    const next = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: count - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    this.store.set({ tab: this.shown[(next + count) % count] });
    this.button(this.store.state.tab).focus();
  }

  /** Where a narrow screen cuts the row of tabs off, bring one into it; the page itself stays where it is. */
  inSight(button) {
    const row = button.parentElement;
    const [from, to] = [button.offsetLeft - row.offsetLeft, button.offsetLeft - row.offsetLeft + button.offsetWidth];
    if (from < row.scrollLeft) row.scrollLeft = from;
    else if (to > row.scrollLeft + row.clientWidth) row.scrollLeft = to - row.clientWidth;
  }

  update({ tab }) {
    if (!this.shown.includes(tab)) return this.store.set({ tab: "text" });
    for (const each of this.shown) {
      this.button(each).setAttribute("aria-selected", each === tab);
      this.button(each).tabIndex = each === tab ? 0 : -1;
      document.getElementById(`tab-${each}`).hidden = each !== tab;
    }
    this.inSight(this.button(tab));
  }
}
