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
   * text makes no sense, and is then ignored; write(value) is the text. A change of a key that `turns` the page is one
   * that the browser's back button takes back.
   */
  declare(key, { start, read = null, write = String, turns = false }) {
    this.keys.set(key, { start, read, write, turns });
    this.state[key] ??= start;
  }

  /** Change some keys, and tell those who watch them. */
  set(patch) {
    const before = this.state;
    const after = this.settle({ ...before, ...patch }, patch);
    const changed = Object.keys(after).filter((key) => !same(before[key], after[key]));
    if (!changed.length) return;
    const turned = !this.restoring && changed.some((key) => this.keys.get(key).turns);
    if (turned) this.write(); // so that the way back leads to what was shown last
    this.state = after;
    this.tell(changed);
    this.remember(turned);
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
    this.restoring = true;
    this.set(patch);
    this.restoring = false;
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
  remember(turned) {
    this.turned ||= turned;
    clearTimeout(this.later);
    this.later = setTimeout(() => this.write(), 150);
  }

  /** Write the fragment of what is shown: into the browser's history as a page of its own, if the page was turned. */
  write() {
    clearTimeout(this.later);
    const fragment = this.fragment;
    const apart = this.turned && self === top; // a page within a page leaves the history to the outer one
    this.turned = false;
    if (fragment === location.hash.slice(1)) return;
    const address = fragment ? `#${fragment}` : location.pathname + location.search;
    try {
      history[apart ? "pushState" : "replaceState"](null, "", address);
    } catch {
      // a page within a page, such as a notebook's, may have no address of its own
    }
  }
}

function same(one, other) {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}
