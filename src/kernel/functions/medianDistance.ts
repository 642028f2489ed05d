import { dtypeBytes, readNumber } from '../../arithmetic/dtype.js';
import type { RowFile } from '../../data/rowFile.js';
import { RecordView, type SparseDtype } from '../../data/sparse/sparseRecord.js';
import { MlmlError } from '../../errors.js';
import { Random } from '../../memory/random.js';

/** Distances whose median sets a kernel's scale: ‖x−y‖₂, ‖x−y‖₁, Σ (xⱼ−yⱼ)²/(xⱼ+yⱼ). */
export type DistanceMeasure = 'l2' | 'l1' | 'chi2';

/** Pairs of rows that are compared. */
const MOST_PAIRS = 1000;
const STREAM = 0x6d656469;

/** Rows read to find the median distance between `n` rows. */
export function medianRowsRead(n: number): number {
  return 2 * Math.min(MOST_PAIRS, (n * (n - 1)) / 2);
}

/**
 * The median heuristic: the median distance between scaled training rows, over 1000 pairs drawn with the seed, or all
 * pairs when there are fewer; to four digits. Where half of them are equal rows, the median of the others. Holds two rows
 * and the distances. `MLML_USAGE` when there is no distance above 0.
 */
export async function medianDistance(
  rows: RowFile,
  scaling: { readonly multiply: Float64Array; readonly add: Float64Array },
  measure: DistanceMeasure,
  seed: number,
): Promise<number> {
  const { d, dtype, rowBytes, longest } = rows.layout;
  const bytes = new Uint8Array(2 * rowBytes);
  const view = new DataView(bytes.buffer);
  const step = dtypeBytes[dtype];
  const term = { l2: squaredDifference, l1: absoluteDifference, chi2: chiSquare }[measure];
  const sparse = longest === undefined ? undefined : new RecordView(bytes, dtype as SparseDtype);
  const distances: number[] = [];
  for (const [i, j] of pairs(rows.rows, seed)) {
    await rows.readRows(bytes.subarray(0, rowBytes), i, 1);
    await rows.readRows(bytes.subarray(rowBytes), j, 1);
    let sum = 0;
    if (sparse !== undefined) sum = sparseDistance(sparse, rowBytes / 4, scaling, term);
    for (let f = 0; sparse === undefined && f < d; f++) {
      const multiply = scaling.multiply[f]!;
      const add = scaling.add[f]!;
      const x = multiply * readNumber(view, f * step, dtype) + add;
      sum += term(x, multiply * readNumber(view, rowBytes + f * step, dtype) + add);
    }
    distances.push(measure === 'l2' ? Math.sqrt(sum) : sum);
  }
  const sorted = distances.filter((distance) => distance > 0).sort((a, b) => a - b);
  const equal = distances.length - sorted.length;
  const middle = (distances.length - 1) >> 1;
  const median = middle >= equal ? sorted[middle - equal] : sorted[(sorted.length - 1) >> 1];
  if (median !== undefined && Number.isFinite(median)) return Number(median.toPrecision(4));
  throw new MlmlError(
    'MLML_USAGE',
    `the median heuristic finds no two different rows among ${rows.rows}; give the kernel's --sigma or --gamma`,
  );
}

/** Between the row at the start and the one at word `second`, over the features that either has. */
function sparseDistance(
  rows: RecordView,
  second: number,
  { multiply, add }: { readonly multiply: Float64Array; readonly add: Float64Array },
  term: (x: number, y: number) => number,
): number {
  let sum = 0;
  const [m, n] = [rows.nonzeros(0), rows.nonzeros(second)];
  for (let i = 0, j = 0; i < m || j < n; ) {
    const a = i < m ? rows.index(0, i) : Infinity;
    const b = j < n ? rows.index(second, j) : Infinity;
    const f = Math.min(a, b);
    const x = a === f ? rows.value(0, i++) : 0;
    const y = b === f ? rows.value(second, j++) : 0;
    sum += term(multiply[f]! * x + add[f]!, multiply[f]! * y + add[f]!);
  }
  return sum;
}

function squaredDifference(x: number, y: number): number {
  return (x - y) * (x - y);
}
function absoluteDifference(x: number, y: number): number {
  return Math.abs(x - y);
}
function chiSquare(x: number, y: number): number {
  return x + y === 0 ? 0 : ((x - y) * (x - y)) / (x + y);
}

/** Pairs of different rows: all when there are at most `MOST_PAIRS`, or drawn uniformly. */
function* pairs(n: number, seed: number): Generator<[number, number]> {
  if ((n * (n - 1)) / 2 <= MOST_PAIRS) {
    for (let i = 1; i < n; i++) for (let j = 0; j < i; j++) yield [i, j];
    return;
  }
  const random = Random.of(seed, STREAM);
  for (let drawn = 0; drawn < MOST_PAIRS; drawn++) {
    const i = random.below(n);
    const other = random.below(n - 1);
    yield [i, other < i ? other : other + 1];
  }
}
