// The data of the page: blocks of bytes, each base64 of gzip in a script element, inflated when first needed.
"use strict";

class Blocks {
  constructor() {
    this.inflated = new Map();
  }

  /** The bytes of a block. */
  bytes(id) {
    if (!this.inflated.has(id)) this.inflated.set(id, inflate(id));
    return this.inflated.get(id);
  }

  /** A block that is JSON. */
  async json(id) {
    return JSON.parse(new TextDecoder().decode(await this.bytes(id)));
  }

  /** A block as an array of numbers, such as Float32Array. */
  async numbers(id, Numbers) {
    const bytes = await this.bytes(id);
    return new Numbers(bytes.buffer, bytes.byteOffset, bytes.byteLength / Numbers.BYTES_PER_ELEMENT);
  }
}

async function inflate(id) {
  const element = document.getElementById(`block-${id}`);
  if (!element) throw new Error(`This report holds no block ${id}; its file is damaged.`);
  const packed = atob(element.textContent.trim());
  const bytes = new Uint8Array(packed.length);
  for (let place = 0; place < packed.length; place++) bytes[place] = packed.charCodeAt(place);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
