import { MlmlError } from '../../../errors.js';
import type { Arena } from '../../../memory/arena.js';
import { layOut, type Region } from '../../../memory/plan.js';
import { tileChecksumRegion } from '../../store/tileChecksums.js';
import type { SolverPlan, SystemSize } from '../solver.js';
import { type FactorLayout, factorLayout, factorTileCount, tileSizes } from './factorLayout.js';

/** Below this the inverse, which leave-one-out errors need, is made even when there is nothing to choose. */
const LEAVE_ONE_OUT_ROWS = 20_000;
/** Slabs in memory besides the tile: two operands, twice, so that the next are read meanwhile. */
export const SLOTS = 2;
/** Passes over K of a typical refinement. */
const TYPICAL_REFINEMENTS = 3;

/**
 * Whether leave-one-out errors are made: they double the work of the factorisation (n³/3 more), so only up to 20 000
 * rows, or where they are needed to choose among several regularizations. Never with rows held out.
 */
export function leavesOneOut({ n, regularizations, heldOut }: SystemSize): boolean {
  return !heldOut && (n <= LEAVE_ONE_OUT_ROWS || regularizations > 1);
}

/** Columns of blocks of vectors for one regularization, an even number. */
export function solveWidth(k: number): number {
  return 2 * Math.ceil(k / 2);
}

/** Tiles in the scratch file: the factor, and one row of tiles of its inverse. */
export function scratchTiles(layout: FactorLayout, leaveOneOut: boolean): number {
  return factorTileCount(layout) + (leaveOneOut ? layout.tiles : 0);
}

function regionsOf(size: SystemSize, layout: FactorLayout): Region[] {
  const width = solveWidth(size.k);
  const block = (name: string) => ({ name: `closed ${name}`, bytes: 8 * size.n * width });
  const tiles = scratchTiles(layout, leavesOneOut(size));
  return [
    { name: 'closed tile', bytes: layout.tileBytes },
    { name: 'closed slabs', bytes: 2 * SLOTS * layout.slabBytes },
    { name: 'closed pivot', bytes: 4 * layout.slabColumns * (layout.slabColumns + 1) },
    { name: 'closed solution', bytes: 8 * layout.length * width },
    { name: 'closed inverse diagonal', bytes: 8 * layout.length },
    { name: 'closed checksums', bytes: 4 * tiles * layout.slabs },
    tileChecksumRegion('closed checksum strips'),
    ...['estimate', 'residual', 'correction', 'direction', 'product'].map(block),
  ];
}

/** The layout that the regions of an arena were planned for. */
export function plannedLayout(size: SystemSize, arena: Arena): FactorLayout {
  for (const tileSize of tileSizes(size.n, size.tileSize)) {
    const layout = factorLayout(size.n, size.tileSize, tileSize);
    if (regionsOf(size, layout).every(({ name, bytes }) => arena.byteLength(name) === bytes)) return layout;
  }
  throw new MlmlError('MLML_INTERNAL', 'the arena was not planned for this Cholesky factorisation');
}

const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(bytes < 1e10 ? 2 : 0)} GB`;

/** See `SolverPlan`. The largest tile that fits is best: the factorisation reads 4·n³/(3·tile size) bytes. */
export function planClosed(size: SystemSize, bytes: number): SolverPlan {
  const sizes = tileSizes(size.n, size.tileSize);
  const layouts = sizes.map((tileSize) => factorLayout(size.n, size.tileSize, tileSize));
  const fits = (layout: FactorLayout) => layOut(regionsOf(size, layout)).totalBytes <= bytes;
  const layout = layouts.find(fits) ?? layouts.at(-1)!;
  const { tiles, tileSize, tileBytes } = layout;
  const leaveOneOut = leavesOneOut(size);
  const cube = size.n ** 3 / 3;
  const runs = size.regularizations;
  const scratchBytes = scratchTiles(layout, leaveOneOut) * tileBytes;
  // Tile (i, j) takes the tiles before it in rows i and j (once when i = j) and L_jj; a tile of X likewise.
  const factorReads = (tiles * (tiles - 1) * (2 * tiles - 1)) / 6 + (tiles * (tiles - 1)) / 2;
  const inverseReads = (tiles * (tiles + 1) * (2 * tiles + 1)) / 6;
  const solveReads = 2 * TYPICAL_REFINEMENTS * factorTileCount(layout);
  const read = (factorReads + solveReads + (leaveOneOut ? inverseReads : 0)) * tileBytes;
  const parts = Math.max(1, Math.ceil(layout.paddedTile / tileSize));
  const notes = [
    `Cholesky factor in float32 in ${tiles} x ${tiles} tiles of ${tileSize} rows on disk (${gigabytes(scratchBytes)}); ` +
      `it is read ${gigabytes(runs * read)} in all`,
    leaveOneOut
      ? 'leave-one-out errors from the diagonal of the inverse double the work of the factorisation'
      : size.heldOut
        ? 'rows are held out, so no leave-one-out errors'
        : `no leave-one-out errors above ${LEAVE_ONE_OUT_ROWS} rows with one --reg: they would double the work`,
  ];
  notes.push(
    `${TYPICAL_REFINEMENTS} passes to refine each solution are an estimate, and with them the bytes to read`,
  );
  if (parts > 1)
    notes.push(
      `the stored tiles are larger than the budget's: each is read ${parts * parts} times to factorise`,
    );
  return {
    regions: regionsOf(size, layout),
    passes: runs * (parts * parts + TYPICAL_REFINEMENTS),
    scratchBytes,
    scratchRead: runs * read,
    flops: runs * cube * (leaveOneOut ? 2 : 1),
    notes,
  };
}
