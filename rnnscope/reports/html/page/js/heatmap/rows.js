// The orders in which a heatmap shows its units.
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
