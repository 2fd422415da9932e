// The rows of a heatmap: the orders in which it shows its units, and which of them are in view.
"use strict";

/** Orders of a signal's units: [key, name, group] each. */
function rowOrders(model, signal) {
  const clusters = Object.keys(signal.orders ?? {}).map((key) => [
    key,
    key === "cluster" ? "units that behave alike" : key,
  ]);
  const [address, ...others] = rankings(model, signal).filter(
    ([key]) => !clusters.some(([cluster]) => cluster === key),
  );
  return [address, ...clusters, ...others];
}

/** The places of a signal's units from the top row on; by address where there is no such order. */
function rowsInOrder(model, signal, order) {
  const places = signal.orders?.[order];
  return places ? [...places] : rankedPlaces(model, signal, order);
}

/** The rows in view, [first, after the last] in the order chosen; null for all. */
function declareRows(store) {
  const read = (text) => {
    const [, first, last] = /^(\d{1,6}):(\d{1,6})$/.exec(text)?.map(Number) ?? [];
    return first < last ? [first, last] : undefined;
  };
  store.declare("rows", { start: null, read, write: (rows) => rows.join(":") });
}
