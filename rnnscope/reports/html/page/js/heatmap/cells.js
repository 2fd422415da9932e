// The cells of a heatmap as pixels: from int8 codes, through a table of 256 colours for each unit.
"use strict";

/**
 * A pixel may stand for several cells, where the picture is zoomed out. It then shows the cell that is farthest from
 * the mean of its unit over the stretch, in units of the unit's reach: so a switch that is on for a few steps does not
 * vanish, as it would in a mean, nor one that is low for a few, as it would among the largest.
 */
class HeatmapCells {
  constructor({ codes, length }, signal, colours, gap) {
    this.codes = codes;
    this.length = length;
    this.units = signal.units.length;
    this.measure(signal);
    this.colour(signal, colours, gap);
  }

  /** How far each code of each unit is from the unit's mean; no value is nearer than any. */
  measure(signal) {
    this.far = new Float32Array(this.units * 256);
    signal.steps.forEach((step, unit) => {
      const mean = meanCode(this.codes.subarray(unit * this.length, (unit + 1) * this.length));
      const weight = step / (signal.reach[unit] || 1);
      for (let code = -127; code < 128; code++) this.far[unit * 256 + code + 128] = Math.abs(code - mean) * weight;
      this.far[unit * 256] = -0.5;
    });
  }

  /** The colour of each code of each unit, packed as ImageData has it: a state's by its unit's own reach. */
  colour(signal, colours, gap) {
    const packed = colours.table.map(packColour);
    this.table = new Uint32Array(this.units * 256);
    signal.steps.forEach((step, unit) => {
      const [low, high] = signal.low === null ? [-signal.reach[unit], signal.reach[unit]] : [signal.low, signal.high];
      this.table[unit * 256] = packColour(gap);
      for (let code = -127; code < 128; code++) {
        this.table[unit * 256 + code + 128] = packed[colours.number(code * step, low, high)];
      }
    });
  }

  /**
   * The picture of rows [top, bottom) and steps [first, last), `down` rows and `across` steps a pixel.
   * rows: the units from the top on, as places in the signal's units.
   */
  paint(rows, { first, last, top, bottom, across, down }) {
    const width = Math.ceil((last - first) / across);
    const height = Math.ceil((bottom - top) / down);
    const image = new ImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    const farthest = new Float32Array(width);
    for (let y = 0; y < height; y++) {
      farthest.fill(-1);
      const line = pixels.subarray(y * width, (y + 1) * width);
      for (let row = top + y * down; row < Math.min(bottom, top + (y + 1) * down); row++) {
        this.#paintUnit(rows[row], first, last, across, line, farthest);
      }
    }
    return image;
  }

  #paintUnit(unit, first, last, across, line, farthest) {
    const { codes } = this;
    const table = this.table.subarray(unit * 256, (unit + 1) * 256);
    const far = this.far.subarray(unit * 256, (unit + 1) * 256);
    const begin = unit * this.length;
    for (let step = first, x = 0, left = across; step < last; step++) {
      const code = codes[begin + step] + 128;
      if (far[code] > farthest[x]) {
        farthest[x] = far[code];
        line[x] = table[code];
      }
      if (--left === 0) {
        left = across;
        x += 1;
      }
    }
  }
}

/** The mean of the codes that stand for a value; 0 if none does. */
function meanCode(codes) {
  let sum = 0;
  let count = 0;
  for (const code of codes) {
    if (code !== NO_VALUE) {
      sum += code;
      count += 1;
    }
  }
  return count ? sum / count : 0;
}

function packColour([red, green, blue]) {
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}
