// Draws a heatmap's cells and marks: on a canvas, or as the text of an SVG.
"use strict";

/** A canvas that holds the pixels of an image, one to one. */
function canvasOf(image) {
  const canvas = make("canvas", { width: image.width, height: image.height });
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

/** cells: {canvas, x, y, wide, high}, where the picture of the cells goes; it may reach beyond the layout's box. */
function drawHeatmap(pen, layout, cells, marks, inks) {
  pen.fillStyle = inks.card;
  pen.fillRect(0, 0, layout.width, layout.height);
  pen.save();
  pen.beginPath();
  pen.rect(layout.left, layout.top, layout.wide, layout.high);
  pen.clip();
  pen.imageSmoothingEnabled = false;
  pen.drawImage(cells.canvas, cells.x, cells.y, cells.wide, cells.high);
  pen.restore();
  pen.textBaseline = "middle";
  for (const mark of marks) drawMark(pen, mark, inks);
}

function drawMark(pen, mark, inks) {
  pen.globalAlpha = mark.share ?? 1;
  if (mark.text !== undefined) {
    pen.fillStyle = inks[mark.ink];
    pen.textAlign = mark.align;
    pen.font = `${mark.bold ? "bold " : ""}${mark.large ? 12 : 10}px ${MARK_FONT}`;
    pen.fillText(mark.text, mark.x, mark.y);
  } else if (mark.hollow) {
    pen.strokeStyle = inks[mark.ink];
    pen.strokeRect(mark.x, mark.y, mark.wide, mark.high);
  } else {
    pen.fillStyle = inks[mark.ink];
    pen.fillRect(mark.x, mark.y, mark.wide, mark.high);
  }
  pen.globalAlpha = 1;
}

const MARK_FONT = '"DejaVu Sans Mono", Menlo, Consolas, monospace';

/** The same as an SVG: the cells as an embedded picture, all else as lines and text. */
function heatmapSvg(layout, cells, marks, inks) {
  const { width, height, left, top, wide, high } = layout;
  const box = { x: left, y: top, width: wide, height: high };
  const image = makeSvg("image", {
    href: cells.canvas.toDataURL(),
    x: cells.x,
    y: cells.y,
    width: cells.wide,
    height: cells.high,
    preserveAspectRatio: "none",
    "image-rendering": "pixelated",
    "clip-path": "url(#cells)",
  });
  const svg = makeSvg(
    "svg",
    { xmlns: "http://www.w3.org/2000/svg", width, height, viewBox: `0 0 ${width} ${height}` },
    makeSvg("clipPath", { id: "cells" }, makeSvg("rect", box)),
    makeSvg("rect", { width, height, fill: inks.card }),
    image,
    marks.map((mark) => svgMark(mark, inks)),
  );
  return new XMLSerializer().serializeToString(svg);
}

function svgMark(mark, inks) {
  const { text, x, y, wide: width, high: height } = mark;
  const ink = inks[mark.ink];
  if (text === undefined) {
    return makeSvg("rect", {
      x,
      y,
      width,
      height,
      opacity: mark.share ?? null,
      fill: mark.hollow ? "none" : ink,
      stroke: mark.hollow ? ink : null,
    });
  }
  return makeSvg(
    "text",
    {
      x,
      y,
      fill: ink,
      "font-family": MARK_FONT,
      "font-size": mark.large ? 12 : 10,
      "dominant-baseline": "central",
      "font-weight": mark.bold ? "bold" : null,
      "text-anchor": { left: "start", center: "middle", right: "end" }[mark.align],
    },
    text,
  );
}
