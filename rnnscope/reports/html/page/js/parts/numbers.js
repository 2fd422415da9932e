// Numbers as a reader wants them.
"use strict";

/** Decimals worth showing of numbers that are known within a step. */
function decimalsOf(step) {
  return Math.min(6, Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)));
}

/** A value with a true minus sign and so many decimals; a dash where there is none. */
function shownNumber(value, decimals = 2) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const text = Number(value).toFixed(decimals);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}

/** A number of unknown size at five significant digits. */
function shownFigure(value) {
  return Number.isNaN(value) ? "–" : String(Number(value.toPrecision(5))).replace("-", "−");
}

/** A count with its thousands parted. */
function shownCount(number) {
  return Math.round(number).toLocaleString("en-US");
}

/** So many of something: 1 step, 2 steps. */
function counted(number, thing) {
  return `${shownCount(number)} ${thing}${number === 1 ? "" : "s"}`;
}

/** 1st, 2nd, 3rd, ... */
function ordinal(number) {
  const ending = [, "st", "nd", "rd"][number % 100 > 10 && number % 100 < 14 ? 0 : number % 10] ?? "th";
  return shownCount(number) + ending;
}

/** Round numbers from low to high, about so many. */
function roundTicks(low, high, count) {
  const rough = (high - low) / Math.max(1, count);
  if (!(rough > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, place) => Number(((first + place) * step).toPrecision(12)));
}

/** A value with its sign, plus or minus. */
function signedNumber(value) {
  return (value > 0 ? "+" : "") + shownNumber(value);
}
