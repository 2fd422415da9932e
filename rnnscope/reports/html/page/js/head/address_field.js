// The field that names the unit: type an address or a part of it, choose from the list, Enter goes there.
"use strict";

const LISTED = 12;

class AddressField {
  constructor({ page, signals, store }) {
    Object.assign(this, { page, signals, store, chosen: -1 });
    this.field = document.getElementById("address");
    this.list = document.getElementById("addresses");
    this.said = document.getElementById("address-said");
    this.field.addEventListener("input", () => this.search());
    this.field.addEventListener("keydown", (event) => this.press(event));
    this.field.addEventListener("focus", () => this.field.select());
    this.field.addEventListener("blur", () => this.leave());
    this.list.addEventListener("pointerdown", (event) => this.pick(event));
    store.watch(["model", "unit"], () => this.leave());
    store.watch(["model"], (state) => this.fit(state));
  }

  /** Room for the longest address. */
  fit({ model }) {
    const { signals } = this.page.models[model];
    const longest = Math.max(...signals.map(({ address, size }) => `${address}.${size - 1}`.length));
    this.field.style.setProperty("--characters", Math.max(9, longest));
  }

  search() {
    this.said.textContent = "";
    this.show(this.found(this.field.value.trim()));
  }

  /** Addresses that hold what was typed, those of the signal in force and whole numbers first. */
  found(typed) {
    const { model, unit, rank } = this.store.state;
    if (!typed) return [];
    const here = this.signals.find(unit, model).signal;
    const all = [here, ...this.page.models[model].signals.filter((signal) => signal !== here)].flatMap((signal) =>
      rankedPlaces(this.page.models[model], signal, rank).map((place) => this.signals.address(signal, place)));
    const matching = all.filter((address) => address.includes(typed));
    return [...matching.filter((address) => address.endsWith(`.${typed}`) || address === typed), ...matching]
      .filter((address, place, every) => every.indexOf(address) === place);
  }

  show(addresses) {
    this.chosen = -1;
    this.list.replaceChildren(...addresses.slice(0, LISTED).map((address, place) =>
      make("li", { role: "option", id: `address-${place}`, "aria-selected": "false" }, address)));
    if (addresses.length > LISTED) {
      const more = `${shownCount(addresses.length - LISTED)} more`;
      this.list.append(make("li", { class: "more", role: "presentation" }, more));
    }
    this.open(addresses.length > 0);
  }

  open(shown) {
    this.list.hidden = !shown;
    this.field.setAttribute("aria-expanded", shown);
    this.field.removeAttribute("aria-activedescendant");
  }

  press(event) {
    const options = this.list.querySelectorAll("[role=option]");
    if (event.key === "Enter") this.go(options[this.chosen]?.textContent ?? this.field.value.trim());
    else if (event.key === "Escape") this.field.blur();
    else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && options.length && !this.list.hidden) {
      const by = event.key === "ArrowDown" ? 1 : -1;
      this.chosen = (this.chosen + by + options.length + (this.chosen < 0 && by < 0 ? 1 : 0)) % options.length;
      options.forEach((option, place) => option.setAttribute("aria-selected", place === this.chosen));
      this.field.setAttribute("aria-activedescendant", options[this.chosen].id);
    } else return;
    event.preventDefault();
  }

  pick(event) {
    event.preventDefault(); // the field keeps the focus, so that leaving it does not take the list away first
    const option = event.target.closest("[role=option]");
    if (option) this.go(option.textContent);
  }

  /** Go to a unit; a bare number is one of the signal in force. */
  go(typed) {
    const { model, unit } = this.store.state;
    const { signal } = this.signals.find(unit, model);
    const address = /^\d+$/.test(typed) ? `${signal.address}.${Number(typed)}` : typed;
    if (!this.signals.find(address, model)) {
      this.open(false);
      this.said.textContent = this.advice(address, model);
      return;
    }
    this.store.set({ unit: address });
    this.field.blur();
  }

  advice(address, model) {
    const { signals } = this.page.models[model];
    const signal = signals.find((each) => address.startsWith(`${each.address}.`));
    if (!signal) return `There is no unit ${address} here. Signals: ${signals.map((each) => each.address).join(", ")}.`;
    const { units, size } = signal;
    const all = units.length === size ? `0 to ${size - 1}` : `${units.length} of its ${size} units are in this report`;
    return `There is no unit ${address} here: ${signal.address} has ${all}.`;
  }

  leave() {
    this.open(false);
    this.said.textContent = "";
    this.field.value = this.store.state.unit;
  }
}
