import type { TaskTable, ThreadEnvironment } from '../../threads/threads.js';

/**
 * mirrorRows(address, bytes, stride, first, count): of a square of entries of 2, 4 or 8 bytes, copies what lies left of
 * the diagonal in rows [first, first + count) to its place above. Calls for different rows write different entries.
 */
export function mirrorTasks({ buffer }: ThreadEnvironment): TaskTable {
  const halves = new Uint16Array(buffer);
  const words = new Uint32Array(buffer);
  const doubles = new Float64Array(buffer);
  return {
    mirrorRows([address, bytes, stride, first, count]) {
      const view = bytes === 2 ? halves : bytes === 4 ? words : doubles;
      const base = address! / bytes!;
      const end = first! + count!;
      // Columns outside: what is written lies together, and what is read stays in the cache for the next columns.
      for (let column = 0; column < end - 1; column++) {
        for (let row = Math.max(first!, column + 1); row < end; row++)
          view[base + column * stride! + row] = view[base + row * stride! + column]!;
      }
    },
  };
}
