// What stands above the two texts: which models, which units, how alike these are, and where they part.
"use strict";

class CompareTools {
  constructor(view, app) {
    this.app = app;
    this.model = make("select", {});
    this.model.addEventListener("change", () => app.store.set({ other: Number(this.model.value), partner: null }));
    this.partner = make("input", {
      type: "text",
      class: "mono partner",
      spellcheck: "false",
      autocomplete: "off",
      autocapitalize: "off",
      list: "partners",
      "aria-describedby": "partner-said",
    });
    this.partner.addEventListener("change", () => this.choose());
    this.units = make("datalist", { id: "partners" });
    this.said = make("p", { id: "partner-said", role: "alert", class: "partner-said" });
    this.back = makeButton("By correlation", () => app.store.set({ partner: null }), {
      title: "The partner that correlates best",
    });
    this.facts = make("p", { class: "compare-facts" });
    this.root = make(
      "div",
      {},
      make(
        "div",
        { class: "tools" },
        make("label", {}, "Beside ", this.model),
        make("label", {}, "Partner ", this.partner, this.units),
        this.back,
        this.said,
      ),
      this.facts,
    );
  }

  /** A partner by hand; an address that the other model has not is said, and changes nothing. */
  choose() {
    const partner = this.partner.value.trim();
    const { name } = this.app.page.models[this.right.model];
    const known = partner === "" || this.app.signals.find(partner, this.right.model);
    this.said.textContent = known ? "" : `${name} has no unit ${partner} in this page. Try ${this.right.unit}.`;
    if (known) this.app.store.set({ partner: partner || null });
  }

  draw({ left, right, alignment, pair, byHand }, correlation) {
    const { page, signals } = this.app;
    this.right = right;
    fillSelect(
      this.model,
      page.models.map(({ name }, number) => [number, name]).filter(([number]) => number !== left.model),
    );
    this.model.value = right.model;
    this.partner.value = right.unit;
    this.said.textContent = "";
    this.back.disabled = !byHand;
    const all = page.models[right.model].signals.flatMap((signal) =>
      signal.units.map((_, place) => signals.address(signal, place)),
    );
    this.units.replaceChildren(...all.map((value) => make("option", { value })));
    const facts = [
      make("b", { class: "mono" }, `${left.unit} – ${right.unit}`),
      `: correlation ${signedNumber(correlation)} in this part of the text`,
    ];
    if (pair) facts.push(`, ${signedNumber(pair.correlation)} where they were paired`);
    facts.push(". ");
    if (pair && (pair.diverges ?? null) !== null)
      facts.push(
        "The pair parts first at ",
        stepButton(this.app, pair.diverges, `step ${shownCount(pair.diverges)}`),
        ". ",
      );
    if (alignment && (alignment.first_guess ?? null) !== null) {
      facts.push(
        "The models' first guesses differ first at ",
        stepButton(this.app, alignment.first_guess, `step ${shownCount(alignment.first_guess)}`),
        ".",
      );
    } else if (alignment) facts.push("The models' first guesses are the same everywhere.");
    this.facts.replaceChildren(...facts);
  }
}
