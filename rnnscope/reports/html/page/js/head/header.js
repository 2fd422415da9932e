// The head of the page: its title, the switches of model, signal, ranking and part of the text, and where the unit
// stands in the ranking.
"use strict";

class Header {
  constructor(app) {
    this.app = app;
    this.model = document.getElementById("model");
    this.signal = document.getElementById("signal");
    this.rank = document.getElementById("rank");
    this.stretch = document.getElementById("stretch");
    document.getElementById("title").textContent = app.page.title;
    document.getElementById("notes").replaceChildren(...this.notes());
    this.fill();
    this.listen();
    app.store.watch(["model"], (state) => this.showModel(state));
    app.store.watch(["model", "unit"], (state) => this.showSignal(state));
    app.store.watch(["model", "unit", "rank"], (state) => this.showStanding(state));
    app.store.watch(["stretch"], ({ stretch }) => (this.stretch.value = stretch));
  }

  notes() {
    const { notes, rnnscope } = this.app.page;
    return [...notes.map((note) => make("p", {}, note)), make("p", {}, `Made by rnnscope ${rnnscope}.`)];
  }

  fill() {
    const { models, text } = this.app.page;
    fillSelect(this.model, models.map(({ name }, number) => [number, name]));
    document.getElementById("model-switch").hidden = models.length < 2;
    fillSelect(this.stretch, text.stretches.map((stretch, number) => [number, this.stretchName(stretch, number)]));
    document.getElementById("stretch-switch").hidden = text.stretches.length < 2;
  }

  stretchName({ start, stop, document: number }, place) {
    const { documents, stretches } = this.app.page.text;
    const whole = documents[number].start === start && documents[number].stop === stop;
    const many = documents.length > 1 ? `${documents[number].name}` : `${place + 1} of ${stretches.length}`;
    return whole ? many : `${many}: ${shownCount(start)} to ${shownCount(stop - 1)}`;
  }

  listen() {
    const { store, signals } = this.app;
    this.model.addEventListener("change", () => store.set({ model: Number(this.model.value) }));
    this.stretch.addEventListener("change", () => store.set({ stretch: Number(this.stretch.value) }));
    this.signal.addEventListener("change", () => {
      const { model, unit } = store.state;
      const signal = signals.signal(this.signal.value, model);
      const same = signals.find(`${signal.address}.${unit.split(".").at(-1)}`, model);
      store.set({ unit: signals.address(signal, same?.place ?? this.best(signal)) });
    });
    this.rank.addEventListener("change", () => {
      store.set({ rank: this.rank.value });
      const { signal } = signals.find(store.state.unit, store.state.model);
      store.set({ unit: signals.address(signal, this.best(signal)) });
    });
    for (const [id, by] of [["previous", -1], ["next", 1]]) {
      document.getElementById(id).addEventListener("click", () => store.set({ unit: neighbour(this.app, by) }));
    }
  }

  /** The place of the unit that is first in the ranking. */
  best(signal) {
    const { model, rank } = this.app.store.state;
    return rankedPlaces(this.app.page.models[model], signal, rank)[0];
  }

  showModel({ model }) {
    const { name, task } = this.app.page.models[model];
    const { stretches, documents } = this.app.page.text;
    const many = documents.length > 1 ? `${counted(documents.length, "document")}, ` : "";
    const steps = `${many}${counted(stretches.at(-1).stop, "step")}`;
    const kind = (task ?? "recurrent network").replaceAll("-", " ");
    const said = this.app.page.title.includes(name) ? [kind, steps] : [name, kind, steps];
    document.getElementById("about").textContent = said.join(" · ");
    this.model.value = model;
    const { signals } = this.app.page.models[model];
    fillSelect(this.signal, signals.map((each) => [each.address, `${each.address}  ${this.app.signals.name(each)}`]));
  }

  showSignal({ model, unit }) {
    const { signal } = this.app.signals.find(unit, model);
    this.signal.value = signal.address;
    const options = rankings(this.app.page.models[model], signal);
    const names = options.map(([key, name, group]) => [key, name, group && "score for a concept"]);
    fillSelect(this.rank, names);
  }

  /** Where the unit stands in the ranking. */
  showStanding({ model, unit, rank }) {
    const { signal, place } = this.app.signals.find(unit, model);
    const all = this.app.page.models[model];
    const [key, name] = rankings(all, signal).find(([each]) => each === rank) ?? ["address", "address"];
    this.rank.value = key;
    const number = rankNumbers(all, signal, key)?.[place];
    const value = number === undefined ? "" : `: ${shownNumber(number, key === "timescale" ? 0 : 2)}`;
    const standing = ordinal(rankedPlaces(all, signal, key).indexOf(place) + 1);
    const some = signal.units.length < signal.size ? ` here, of ${shownCount(signal.size)},` : "";
    const said = `${standing} of ${shownCount(signal.units.length)}${some} by ${name}${value}`;
    document.getElementById("standing").textContent = said;
    document.getElementById("said").textContent = `${unit}, ${said}`;
  }
}
