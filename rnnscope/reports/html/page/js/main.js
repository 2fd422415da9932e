// Starts the page: reads its data, makes the parts that the views share, then the views, and shows what the URL says.
"use strict";

/** What the views share; also for whoever looks in with the browser's console. */
let app;

async function main() {
  const blocks = new Blocks();
  const page = await blocks.json("page");
  const signals = new Signals(page, blocks);
  const store = new Store();
  page.text.characters = Array.from(page.text.characters);
  declareState(store, page, signals);
  app = { page, blocks, signals, store, colours: new Colours(page.colours, store) };
  for (const Part of [Header, AddressField, Legend, Help, Keys]) new Part(app);
  const views = [["text", TextView], ["heatmap", Heatmap], ["unit", UnitCard], ["span", SpanView], ["model", Panels],
    ["compare", Compare]];
  const shown = views.filter(([, View]) => View.has?.(app) ?? true);
  new Tabs(app, shown.map(([tab]) => tab)); // first, so that a panel can be seen when its view draws
  for (const [tab, View] of shown) new View(document.getElementById(`tab-${tab}`), app);
  store.restore();
  store.tell([...store.keys.keys()]);
  await store.drawing;
  document.body.dataset.ready = "true";
}

main().catch((error) => {
  const said = `This report cannot be shown: ${error.message}. A browser of 2023 or newer is needed.`;
  document.querySelector("main").replaceChildren(make("p", { class: "problem", role: "alert" }, said));
  document.body.dataset.ready = "false";
  throw error;
});
