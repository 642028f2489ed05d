import type { Workspace } from '../../../threads/workspace.js';
import { type FactorLayout, factorTileCount, rowOffset, slabColumnsOf, tileRowsOf } from './factorLayout.js';
import type { TileReducer } from './tileReducer.js';
import { fillIdentity } from './tileSource.js';

const STRIP = 128;

/**
 * Adds to region `closed inverse diagonal` the elements of diag(A⁻¹) of the rows of tile row j. With A = LLᵀ,
 *
 *   (A⁻¹)_rr = ‖L⁻¹e_r‖² = the sum of squares of row r of X = L⁻ᵀ,
 *
 * and row j of X is reduced as if it were one more row of L below the identity: X_jc = (δ_jc·I − Σ_p X_jp·L_cpᵀ)·L_cc⁻ᵀ,
 * p from j to c − 1. One row of tiles of X is kept in the file, behind the factor.
 */
export async function addInverseDiagonal(
  layout: FactorLayout,
  workspace: Workspace,
  reducer: TileReducer,
  j: number,
): Promise<void> {
  const { arena, threads } = workspace;
  const tile = arena.address('closed tile');
  const floats = new Float32Array(arena.buffer, tile, layout.tileBytes / 4);
  const rows = tileRowsOf(layout, j);
  const target = arena.address('closed inverse diagonal') + 8 * j * layout.tileSize;
  const behind = factorTileCount(layout);
  new Float64Array(arena.buffer, target, rows).fill(0);
  for (let c = j; c < layout.tiles; c++) {
    if (c === j) fillIdentity(layout, floats, rows);
    else floats.fill(0);
    await reducer.reduce({
      column: c,
      rows,
      diagonal: false,
      from: j,
      upper: true,
      tileOf: (p) => behind + p,
      target: c + 1 < layout.tiles ? behind + c : undefined,
    });
    for (let q = 0; slabColumnsOf(layout, c, q) > 0; q++) {
      for (let r = 0; r < rows; r += STRIP) {
        threads.add(
          'addStripSquares',
          Math.min(STRIP, rows - r) / 8,
          slabColumnsOf(layout, c, q),
          tile + q * layout.slabBytes + rowOffset(layout, r),
          layout.slabColumns,
          target + 8 * r,
        );
      }
      threads.run();
    }
  }
}
