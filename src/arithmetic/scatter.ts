export interface ScatterKernels {
  /**
   * Copies rows `order[from..to)` of a block to their buckets' cursors until one bucket's slot is full.
   * `order`, `buckets`, `cursors`, `limits` are addresses of u32 arrays; `buckets` is parallel to `order`.
   * With `order` 0 the rows are taken as they lie: row i at position i.
   * Returns the first position not copied, or `to`.
   */
  scatterRows(
    base: number,
    rowBytes: number,
    order: number,
    buckets: number,
    from: number,
    to: number,
    cursors: number,
    limits: number,
  ): number;
}

export function plainScatter(buffer: SharedArrayBuffer): ScatterKernels {
  const bytes = new Uint8Array(buffer);
  const words = new Uint32Array(buffer);
  return {
    scatterRows(base, rowBytes, order, buckets, from, to, cursors, limits) {
      for (let i = from; i < to; i++) {
        const bucket = words[(buckets >>> 2) + i]!;
        const cursor = words[(cursors >>> 2) + bucket]!;
        if (cursor >= words[(limits >>> 2) + bucket]!) return i;
        const row = base + (order === 0 ? i : words[(order >>> 2) + i]!) * rowBytes;
        bytes.copyWithin(cursor, row, row + rowBytes);
        words[(cursors >>> 2) + bucket] = cursor + rowBytes;
      }
      return to;
    },
  };
}
