import { dtypeBytes } from '../../arithmetic/dtype.js';
import { MlmlError } from '../../errors.js';
import { budgetTooSmall, layOut, type Region } from '../../memory/plan.js';
import type { Workspace } from '../../threads/workspace.js';
import { entriesOf } from '../store/tileEntries.js';
import { type MatrixShape, slotBytes } from '../store/tileLayout.js';
import type { TileWriter } from '../store/tileWriter.js';
import { balancedTileSize } from '../tiles/kernelMatrix.js';
import type { MatrixSource } from './matrixSource.js';
import { matrixRegions } from './matrixWorkspace.js';

/** Tile sizes tried, the largest that fits is taken: the smaller, the more requests and the more padding. */
const TILE_SIZES = [1008, 768, 512, 384, 256, 192, 128, 96, 64, 32];
/** Relative to the sum of the sizes of a row's entries: entries that were worked out twice differ by this at most. */
const SYMMETRY_TOLERANCE = 1e-6;

export interface ImportPlan {
  readonly shape: MatrixShape;
  readonly regions: readonly Region[];
}

/**
 * Memory for cutting a matrix that comes row by row into tiles: one row of tiles. Chooses the tile size unless it is given.
 * Pure. `MLML_BUDGET_TOO_SMALL` when even the smallest tiles do not fit.
 */
export function planImport(
  size: Omit<MatrixShape, 'tileSize'> & { readonly tileSize?: number },
  budgetBytes: number,
  threads: number,
): ImportPlan {
  const longest = Math.max(size.rows, size.columns);
  let least = 0;
  for (const largest of size.tileSize === undefined ? TILE_SIZES : [size.tileSize]) {
    const shape = { ...size, tileSize: size.tileSize ?? balancedTileSize(longest, largest) };
    const band = Math.ceil(size.columns / shape.tileSize) * slotBytes(shape);
    const regions = [
      ...matrixRegions(shape, threads, band),
      { name: 'symmetry', bytes: size.symmetric ? 24 * size.rows : 0 },
    ];
    least = layOut(regions).totalBytes;
    if (least <= budgetBytes) return { shape, regions };
  }
  throw budgetTooSmall(`storing a ${size.rows} x ${size.columns} matrix`, least, budgetBytes);
}

/** A number from ±1 for each row, the same whenever it is asked for. */
function sign(row: number): number {
  let h = Math.imul(row + 1, 0x9e3779b1);
  h ^= h >>> 15;
  h = Math.imul(h, 0x85ebca6b);
  return (h ^ (h >>> 13)) & 1 ? 1 : -1;
}

/**
 * Writes all numbers of a source as tiles. In a symmetric matrix only the lower triangle is kept, but all of it is looked at:
 * with random signs s, (M·s)ᵢ ≠ (Mᵀ·s)ᵢ tells of a row that differs from its column. Numbers that are not finite, or do not
 * fit the number type, are `MLML_BAD_DATA`.
 */
export async function importTiles(
  source: MatrixSource,
  shape: MatrixShape,
  workspace: Workspace,
  writer: TileWriter,
  signal?: AbortSignal,
): Promise<void> {
  const { rows, columns, tileSize, dtype, symmetric } = shape;
  const { arena } = workspace;
  const entries = entriesOf(arena.buffer, dtype);
  const each = slotBytes(shape);
  const base = arena.address('work');
  const sums = symmetric ? arena.float64('symmetry') : new Float64Array(0);
  const writeBand = async (band: number) => {
    const across = symmetric ? band + 1 : Math.ceil(columns / tileSize);
    for (let column = 0; column < across; column++)
      await writer.write({ row: band, column }, base + column * each);
  };
  let row = 0;
  let column = 0;
  for await (const piece of source.numbers()) {
    signal?.throwIfAborted();
    for (let i = 0; i < piece.length; i++) {
      const value = piece[i]!;
      const slot = base + Math.floor(column / tileSize) * each;
      const place = slot / dtypeBytes[dtype] + (row % tileSize) * tileSize + (column % tileSize);
      entries.set(place, value);
      if (!Number.isFinite(entries.get(place))) throw unfit(source, row, column, value, dtype);
      if (symmetric) {
        sums[row]! += value * sign(column);
        sums[rows + column]! += value * sign(row);
        sums[2 * rows + row]! += Math.abs(value);
      }
      if (++column < columns) continue;
      column = 0;
      row++;
      if (row % tileSize === 0 || row === rows) await writeBand(Math.floor((row - 1) / tileSize));
    }
  }
  if (symmetric) checkSymmetry(source, sums, rows);
}

function unfit(source: MatrixSource, row: number, column: number, value: number, dtype: string): MlmlError {
  const why = Number.isFinite(value) ? `does not fit ${dtype}` : 'is not a finite number';
  return new MlmlError('MLML_BAD_DATA', `${source.name}: row ${row}, column ${column}: ${value} ${why}`);
}

function checkSymmetry(source: MatrixSource, sums: Float64Array, rows: number): void {
  for (let i = 0; i < rows; i++) {
    const difference = Math.abs(sums[i]! - sums[rows + i]!);
    if (difference <= SYMMETRY_TOLERANCE * sums[2 * rows + i]!) continue;
    throw new MlmlError(
      'MLML_BAD_DATA',
      `${source.name}: is not symmetric: row ${i} differs from column ${i}; store it with symmetric: false`,
    );
  }
}
