// Files made in the page: text, tables as CSV, figures as SVG and PNG.
"use strict";

/** Save a text or a Blob under a name. */
function download(name, data) {
  const type = name.endsWith(".csv") ? "text/csv" : name.endsWith(".svg") ? "image/svg+xml" : "text/plain";
  const blob = data instanceof Blob ? data : new Blob([data], { type: `${type};charset=utf-8` });
  const link = make("a", { href: URL.createObjectURL(blob), download: fileName(name) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** A name that all systems take. */
function fileName(name) {
  return (
    name
      .replace(/[^\p{L}\p{N}._-]+/gu, "-")
      .replace(/^[-.]+/, "")
      .slice(-100) || "download"
  );
}

/** A table as CSV (RFC 4180); a missing value is an empty cell. */
function csvOf(columns, rows) {
  return [columns, ...rows].map((row) => row.map(csvCell).join(",") + "\r\n").join("");
}

function csvCell(value) {
  const text = value === null || value === undefined || Number.isNaN(value) ? "" : String(value);
  return /[",\r\n]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A number that is known to a few digits, without those that say nothing. */
function csvNumber(value) {
  return Number.isNaN(value) ? null : Number(value.toPrecision(6));
}

/** A button that saves a table; it asks for it, {columns, rows}, when it is pressed. */
function csvButton(name, table) {
  return makeButton(
    "CSV",
    async () => {
      const { columns, rows } = await table();
      download(`${name}.csv`, csvOf(columns, rows));
    },
    { class: "save", "aria-label": `Download the numbers of ${name} as CSV` },
  );
}

/** Buttons that save a figure, as SVG and as PNG. */
function figureButtons(svgText, name) {
  const text = () => (typeof svgText === "function" ? svgText() : svgText);
  return [
    makeButton("SVG", () => download(`${name}.svg`, text()), {
      class: "save",
      "aria-label": `Download ${name} as SVG`,
    }),
    makeButton("PNG", async () => download(`${name}.png`, await pngOf(text())), {
      class: "save",
      "aria-label": `Download ${name} as PNG`,
    }),
  ];
}

/** An SVG drawn as a PNG, so many times as large as it says. */
async function pngOf(svgText, scale = 2) {
  const image = new Image();
  image.src = svgUrl(svgText);
  await image.decode();
  const canvas = make("canvas", { width: image.naturalWidth * scale, height: image.naturalHeight * scale });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(image.src);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

/** Where an SVG can be had as a picture, until it is revoked. */
function svgUrl(svgText) {
  return URL.createObjectURL(new Blob([svgText], { type: "image/svg+xml" }));
}
