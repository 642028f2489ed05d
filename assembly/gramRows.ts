/** Rows of a Gram matrix of doubles, for threads to share out among themselves. */
import { addCrossTile } from './normalProduct';

/** Rows of the Gram matrix that go over one panel of the others while it is in the cache. */
const STRIP: u32 = 32;

/**
 * Rows [from, to) of a packed lower triangle gram += AᵀA, A `rows` rows of d columns in panels (see normalProduct.ts).
 *
 * from   a multiple of 4; so is `to` unless it is d
 * tile   room for 16 doubles
 */
export function addGramRows(panels: u32, rows: u32, d: u32, from: u32, to: u32, tile: u32, gram: u32): void {
  const panelBytes = rows << 5;
  for (let top = from; top < to; top += STRIP) {
    const end = min<u32>(top + STRIP, to);
    for (let j: u32 = 0; j < end; j += 4) {
      const b = panels + (j >> 2) * panelBytes;
      const at = j << 3;
      for (let i = max<u32>(top, j); i < end; i += 4) {
        const a = panels + (i >> 2) * panelBytes;
        const row0 = gram + (((i * (i + 1)) >>> 1) << 3) + at;
        if (j < i && i + 4 <= d) {
          const row1 = row0 + ((i + 1) << 3);
          const row2 = row1 + ((i + 2) << 3);
          addCrossTile(a, b, rows, row0, row1, row2, row2 + ((i + 3) << 3));
          continue;
        }
        memory.fill(tile, 0, 128);
        addCrossTile(a, b, rows, tile, tile + 32, tile + 64, tile + 96);
        let out = row0;
        for (let r: u32 = 0; r < 4 && i + r < d; r++) {
          for (let c: u32 = 0; c < 4 && j + c <= i + r; c++) {
            const cell = out + (c << 3);
            store<f64>(cell, load<f64>(cell) + load<f64>(tile + (((r << 2) + c) << 3)));
          }
          out += (i + r + 1) << 3;
        }
      }
    }
  }
}
