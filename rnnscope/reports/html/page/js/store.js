// What is shown: one state that all views read, that tells them when it changes, and that stands in the URL's fragment.
"use strict";

class Store {
  constructor() {
    this.state = {};
    this.keys = new Map();
    this.watchers = [];
    this.drawing = Promise.resolve();
    this.settle = (state) => state;
    addEventListener("hashchange", () => this.restore());
  }

  /**
   * Add a key to the state. With `read` it stands in the fragment: read(text) gives its value, or undefined where the
   * text makes no sense, and is then ignored; write(value) is the text.
   */
  declare(key, { start, read = null, write = String }) {
    this.keys.set(key, { start, read, write });
    this.state[key] ??= start;
  }

  /** Change some keys, and tell those who watch them. */
  set(patch) {
    const before = this.state;
    const after = this.settle({ ...before, ...patch }, patch);
    const changed = Object.keys(after).filter((key) => !same(before[key], after[key]));
    if (!changed.length) return;
    this.state = after;
    this.tell(changed);
    this.remember();
  }

  /** Call back with the state whenever one of the keys has changed. */
  watch(keys, callback) {
    this.watchers.push({ keys, callback });
  }

  /** As `watch`, for a view in a tab: it draws only while its tab is shown, and then what has changed meanwhile. */
  draw(tab, keys, callback) {
    let stale = true;
    const update = () => {
      if (!stale || this.state.tab !== tab) return;
      stale = false;
      this.drawing = Promise.all([this.drawing, callback(this.state)]);
    };
    this.watch(keys, () => ((stale = true), update()));
    this.watch(["tab"], update);
  }

  tell(changed) {
    for (const { keys, callback } of this.watchers) {
      if (keys.some((key) => changed.includes(key))) callback(this.state);
    }
  }

  /** Show what the fragment says, and the start of all that it does not say. */
  restore() {
    const said = new URLSearchParams(location.hash.slice(1));
    const patch = {};
    for (const [key, { start, read }] of this.keys) {
      if (read) patch[key] = (said.has(key) ? read(said.get(key)) : undefined) ?? start;
    }
    this.set(patch);
  }

  /** The fragment of what is shown; what is as at the start is left out. */
  get fragment() {
    const said = new URLSearchParams();
    for (const [key, { start, read, write }] of this.keys) {
      if (read && !same(this.state[key], start)) said.set(key, write(this.state[key]));
    }
    return String(said).replaceAll("%3A", ":");
  }

  /** Write the fragment, a moment later: browsers refuse to have it changed too often. */
  remember() {
    clearTimeout(this.later);
    this.later = setTimeout(() => {
      const fragment = this.fragment;
      if (fragment === location.hash.slice(1)) return;
      try {
        history.replaceState(null, "", fragment ? `#${fragment}` : location.pathname + location.search);
      } catch {
        // a page within a page, such as a notebook's, may have no address of its own
      }
    }, 150);
  }
}

function same(one, other) {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}
