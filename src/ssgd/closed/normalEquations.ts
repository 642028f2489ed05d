import { labelDtypeCodes } from '../../arithmetic/gather.js';
import { packedLength } from '../../arithmetic/gram.js';
import { padded4, panelIndex } from '../../arithmetic/normalProduct.js';
import type { RowFile } from '../../data/rowFile.js';
import type { Scaling } from '../../data/scaling.js';
import { scanBytes, scanRows } from '../../data/scanRows.js';
import type { Region } from '../../memory/plan.js';
import { shareLength } from '../../threads/shares.js';
import type { Threads } from '../../threads/threads.js';
import type { Workspace } from '../../threads/workspace.js';
import { type RowWeighting, requireWeight } from '../rowWeights.js';
import type { SharedWork } from '../threadsWorth.js';
import { type ProblemSize, resultRegion, rowWork, type SolvingData } from './fit.js';
import { openPanels } from './panelReader.js';
import { checkClass, rowPanelRegions, writeTargets } from './rowPanels.js';
import type { SumSaver, SumState } from './sumState.js';

/**
 * The normal equations of ridge regression in the arena, after one pass:
 *
 *   gram    X'ᵀX' of the scaled rows, centred when there is an intercept; packed lower triangle, without reg
 *   cross   X'ᵀY likewise, k vectors of d
 *   mean    mean of the scaled features
 *   targetMean, targetSquares    mean of each column of Y; Σ‖y‖², about the mean when there is an intercept
 *
 * Sums are taken about an origin (0 for bytes, whose sums are exact integers, and for sparse rows; else the mean of the statistics)
 * and moved to the mean afterwards: Σ(x−m)(x−m)ᵀ = Σ(x−o)(x−o)ᵀ − n·δδᵀ with δ = m − o. Without an intercept
 * n·mmᵀ is added back. So a large mean costs no digits.
 */
export interface NormalEquations {
  readonly targetMean: Float64Array;
  readonly targetSquares: number;
  readonly bytesRead: number;
}

/** Rows per block, most wanted first. */
export const gramBlockRows = [512, 256, 128, 64, 32, 16, 8, 4] as const;

export function normalEquationRegions(size: ProblemSize, blockRows: number): Region[] {
  const { d, k } = size;
  const shared = [
    { name: 'gram', bytes: 8 * packedLength(d) },
    { name: 'cross', bytes: 8 * d * k },
    { name: 'mean', bytes: 8 * d },
    resultRegion(size),
  ];
  if (size.bytes) {
    // Blocks of less than 16 rows are padded to 16.
    const padded = Math.max(16, blockRows);
    return [
      { name: 'rows', bytes: scanBytes(blockRows, size.rowBytes) },
      { name: 'row labels', bytes: 8 * blockRows },
      { name: 'transposed', bytes: 2 * padded * padded4(d) },
      ...shared,
    ];
  }
  const columns = padded4(k) + 4;
  return [
    ...rowPanelRegions(size, blockRows),
    { name: 'targets', bytes: 8 * columns * blockRows },
    { name: 'cross panels', bytes: 8 * columns * padded4(d) },
    ...shared,
  ];
}

/** Features are shared out in multiples of this. */
const FEATURES = 16;
/** Strips of the Gram matrix for each thread: rows of a triangle differ in length. */
const STRIPS = 8;

/** Ranges of rows of the Gram matrix, the long ones first. */
function addStrips(threads: Threads, d: number, add: (from: number, to: number) => void): void {
  const strips = threads.count === 1 ? 1 : STRIPS * threads.count;
  const length = FEATURES * Math.ceil(d / FEATURES / strips);
  for (let from = length * (Math.ceil(d / length) - 1); from >= 0; from -= length) {
    add(from, Math.min(d, from + length));
  }
}

/** The arithmetic of a pass, which goes in blocks of `blockRows` rows. */
export function normalEquationWork(size: ProblemSize, blockRows: number): SharedWork {
  const { n, k } = size;
  const each = rowWork(size);
  const row = (each * each) / 2 + each * k;
  return { total: n * row, step: Math.min(n, blockRows) * row };
}

export interface NormalEquationInput {
  readonly dataset: SolvingData;
  readonly size: ProblemSize;
  readonly scaling: Scaling;
  readonly bias: boolean;
  readonly weighting?: RowWeighting | undefined;
  readonly onProgress: (rows: number) => void;
  /** The pass goes on from here, with its sums in the arena. */
  readonly from?: SumState | undefined;
  /** Called after each block. */
  readonly save: SumSaver;
}

/** Raw sums about an origin, before they are moved to the mean. */
interface Sums {
  /** mean of the (unscaled or scaled) features minus their origin */
  readonly delta: Float64Array;
  /** factor still to be applied to each feature */
  readonly factor: Float64Array;
  /** column sums and sum of squares of the targets about `origin` */
  readonly targets: Float64Array;
  readonly squares: number;
  readonly origin: number;
  /** Σ of the weights: the number of rows when all count once. */
  readonly total: number;
}

/** One streaming pass. */
export async function accumulateNormalEquations(
  workspace: Workspace,
  input: NormalEquationInput,
): Promise<NormalEquations> {
  const { arena } = workspace;
  const { size, bias } = input;
  const { n, d, k } = size;
  const gram = arena.float64('gram');
  const cross = arena.float64('cross');
  const mean = arena.float64('mean');
  if (input.from === undefined) for (const sums of [gram, cross, mean]) sums.fill(0);
  const file = input.dataset.train.first(n);
  const sums = size.bytes ? await sumBytes(workspace, file, input) : await sumDoubles(workspace, file, input);
  const { delta, factor, targets, total } = sums;
  requireWeight(total);
  for (let i = 0; i < d; i++) {
    const row = packedLength(i);
    const shift = total * delta[i]!;
    const back = bias ? 0 : total * mean[i]!;
    for (let j = 0; j <= i; j++) {
      gram[row + j] = (gram[row + j]! - shift * delta[j]!) * factor[i]! * factor[j]! + back * mean[j]!;
    }
  }
  const targetMean = new Float64Array(k);
  let targetSquares = sums.squares;
  for (let c = 0; c < k; c++) {
    const targetDelta = targets[c]! / total;
    targetMean[c] = sums.origin + targetDelta;
    targetSquares -= total * targetDelta ** 2;
    if (!bias) targetSquares += total * targetMean[c]! ** 2;
    for (let j = 0; j < d; j++) {
      const at = c * d + j;
      const centred = (cross[at]! - targets[c]! * delta[j]!) * factor[j]!;
      cross[at] = bias ? centred : centred + total * mean[j]! * targetMean[c]!;
    }
  }
  return { targetMean, targetSquares, bytesRead: n * size.rowBytes };
}

/** Bytes: integer sums of the unscaled features, origin 0. */
async function sumBytes(
  { arena, kernels, threads }: Workspace,
  file: RowFile,
  { dataset, size, scaling, onProgress, from, save }: NormalEquationInput,
): Promise<Sums> {
  const { n, d, k } = size;
  const classification = dataset.description.task === 'classification';
  const { rowBytes, labelOffset, labelDtype } = file.layout;
  const labels = arena.float64('row labels');
  const mean = arena.float64('mean');
  const [labelsAt, transposed, crossAt] = [
    labels.byteOffset,
    arena.address('transposed'),
    arena.address('cross'),
  ];
  const meanAt = classification ? 0 : mean.byteOffset;
  const targets = Float64Array.from(from?.targets ?? new Float64Array(k));
  let squares = from?.squares ?? 0;
  let origin = from?.origin;
  for await (const { base, to: count, firstRow } of scanRows(file, arena, 'rows', undefined, from?.rows)) {
    const padded = Math.ceil(count / 16) * 16;
    const dtype = labelDtypeCodes.indexOf(labelDtype);
    kernels.gatherLabels(base, rowBytes, labelOffset, dtype, 0, 0, count, arena.address('row labels'));
    origin ??= classification ? 0 : labels[0]!;
    for (let r = 0; r < count; r++) {
      const column = classification ? checkClass(labels[r]!, k, firstRow + r) : 0;
      const value = classification ? 1 : labels[r]! - origin;
      targets[column]! += value;
      squares += value * value;
    }
    const length = shareLength(d, FEATURES, threads.count);
    for (let from = 0; from < d; from += length) {
      const to = Math.min(d, from + length);
      threads.add(
        'sumByteFeatures',
        base,
        rowBytes,
        count,
        padded,
        d,
        from,
        to,
        labelsAt,
        origin,
        transposed,
        crossAt,
        meanAt,
      );
    }
    threads.run();
    addStrips(threads, d, (from, to) =>
      threads.add('addGramUint8', transposed, padded, d, from, to, arena.address('gram')),
    );
    threads.run();
    const rows = firstRow + count;
    onProgress(rows);
    await save(rows, () => ({ phase: 'sum', rows, targets: [...targets], squares, origin: origin! }));
  }
  const cross = arena.float64('cross');
  if (classification) for (let at = 0; at < d * k; at++) mean[at % d]! += cross[at]!;
  const delta = new Float64Array(d);
  for (let j = 0; j < d; j++) {
    delta[j] = mean[j]! / n;
    mean[j] = scaling.multiply[j]! * delta[j]! + scaling.add[j]!;
  }
  return { delta, factor: scaling.multiply, targets, squares, origin: origin ?? 0, total: n };
}

/** Other types: scaled doubles about the mean of the statistics; a last column of ones sums the features. */
async function sumDoubles(
  workspace: Workspace,
  file: RowFile,
  { dataset, size, scaling, weighting, onProgress, from, save }: NormalEquationInput,
): Promise<Sums> {
  const { arena, threads } = workspace;
  const { n, d, k } = size;
  const { task, statistics } = dataset.description;
  const classification = task === 'classification';
  const width = padded4(k) + 4;
  const features = padded4(d);
  const reader = openPanels(workspace, file, undefined, { weighting, byRoots: true });
  const { roots } = reader;
  const origins = scaling.multiply.map((factor, j) =>
    reader.centres ? factor * statistics.mean[j]! + scaling.add[j]! : 0,
  );
  reader.scale(
    scaling.multiply,
    scaling.add.map((add, j) => add - origins[j]!),
  );
  const values = arena.float64('targets');
  const panels = arena.float64('cross panels');
  if (from === undefined) panels.fill(0);
  const targets = Float64Array.from(from?.targets ?? new Float64Array(k));
  let squares = from?.squares ?? 0;
  let total = from?.total ?? (weighting === undefined ? n : 0);
  let origin = from?.origin;
  for await (const block of reader.blocks(from?.rows)) {
    const { rows, count, firstRow } = block;
    origin ??= classification ? 0 : reader.labels[0]!;
    writeTargets(values, block, reader.labels, size, classification, origin);
    values.fill(0, rows * padded4(k), rows * width);
    for (let r = 0; r < count; r++) {
      // Rows of the panels and their targets are both multiplied by the root: their products by the weight.
      const root = roots === undefined ? 1 : roots[r]!;
      if (roots !== undefined) total += root * root;
      values[panelIndex(rows, r, padded4(k))] = root;
      for (let c = 0; c < k; c++) {
        const value = values[panelIndex(rows, r, c)]! * root;
        values[panelIndex(rows, r, c)] = value;
        targets[c]! += value * root;
        squares += value * value;
      }
    }
    addStrips(threads, d, (from, to) => reader.addGram(from, to, arena.address('gram')));
    reader.addSums(arena.address('targets'), width / 4, arena.address('cross panels'));
    const done = firstRow + count;
    onProgress(done);
    await save(done, () => ({
      phase: 'sum',
      rows: done,
      targets: [...targets],
      squares,
      origin: origin!,
      total,
    }));
  }
  const cross = arena.float64('cross');
  const mean = arena.float64('mean');
  const delta = new Float64Array(d);
  for (let j = 0; j < d; j++) {
    for (let c = 0; c < k; c++) cross[c * d + j] = panels[panelIndex(features, j, c)]!;
    delta[j] = panels[panelIndex(features, j, padded4(k))]! / total;
    mean[j] = origins[j]! + delta[j]!;
  }
  return {
    delta,
    factor: new Float64Array(d).fill(1),
    targets,
    squares,
    origin: origin ?? 0,
    total,
  };
}
