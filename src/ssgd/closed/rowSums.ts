import { labelDtypeCodes } from '../../arithmetic/gather.js';
import { padded4, panelIndex } from '../../arithmetic/normalProduct.js';
import type { RowFile } from '../../data/rowFile.js';
import type { Scaling } from '../../data/scaling.js';
import { scanRows } from '../../data/scanRows.js';
import { shareLength } from '../../threads/shares.js';
import type { Threads } from '../../threads/threads.js';
import type { Workspace } from '../../threads/workspace.js';
import type { RowWeighting } from '../rowWeights.js';
import type { ProblemSize, SolvingData } from './fit.js';
import { FoldGroups, groupsOf, type RowParts, rowNumber } from './foldGroups.js';
import { filledRegions, type RunningSums, type SumPlace, sumPlaces } from './foldSums.js';
import { openPanels } from './panelReader.js';
import { checkClass, writeTargets } from './rowPanels.js';
import type { SumSaver, SumState } from './sumState.js';

export interface NormalEquationInput {
  readonly dataset: SolvingData;
  readonly size: ProblemSize;
  readonly scaling: Scaling;
  readonly bias: boolean;
  readonly weighting?: RowWeighting | undefined;
  /** Sums each fold by itself. */
  readonly folds?: RowParts | undefined;
  readonly onProgress: (rows: number) => void;
  /** The pass goes on from here, with its sums in the arena. */
  readonly from?: SumState | undefined;
  /** Called after each block. */
  readonly save: SumSaver;
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

/** Sums all rows, or the rows of each fold. */
export async function sumRows(
  workspace: Workspace,
  input: NormalEquationInput,
): Promise<{ readonly sums: readonly RunningSums[]; readonly origins: Float64Array }> {
  const { arena } = workspace;
  const { size, from, folds } = input;
  const { n, k } = size;
  const count = folds?.folds ?? 0;
  if (from === undefined) for (const name of filledRegions(size, count)) arena.float64(name).fill(0);
  const places = sumPlaces(arena, size, count);
  const sums = places.map((_, i): RunningSums => {
    const { targets = new Float64Array(k), squares = 0, total = 0 } = from?.sums[i] ?? {};
    return { targets: Float64Array.from(targets), squares, total };
  });
  const file = input.dataset.train.first(n);
  const groups = folds === undefined ? undefined : new FoldGroups(arena, size.rowBytes, folds);
  const sum = size.bytes ? sumBytes : sumDoubles;
  return { sums, origins: await sum(workspace, file, input, places, sums, groups) };
}

/** Bytes: integer sums of the unscaled features, origin 0. Returns the origins of the targets. */
async function sumBytes(
  { arena, kernels, threads }: Workspace,
  file: RowFile,
  { dataset, size, onProgress, from, save }: NormalEquationInput,
  places: readonly SumPlace[],
  sums: readonly RunningSums[],
  folds: FoldGroups | undefined,
): Promise<Float64Array> {
  const { d, k } = size;
  const classification = dataset.description.task === 'classification';
  const { rowBytes, labelOffset, labelDtype, labels: labelsOfRow } = file.layout;
  const labels = arena.float64('row labels');
  const [labelsAt, transposed] = [labels.byteOffset, arena.address('transposed')];
  const origins = new TargetOrigins(classification, k, from);
  for await (const block of scanRows(file, arena, 'rows', undefined, from?.rows)) {
    for (const group of groupsOf(block, folds)) {
      const { base, count, fold } = group;
      const [place, sum] = [places[fold]!, sums[fold]!];
      const padded = Math.ceil(count / 16) * 16;
      const dtype = labelDtypeCodes.indexOf(labelDtype);
      kernels.gatherLabels(base, rowBytes, labelOffset, dtype, labelsOfRow, 0, 0, count, labelsAt);
      origins.see(labels);
      if (classification) {
        for (let r = 0; r < count; r++) sum.targets[checkClass(labels[r]!, k, rowNumber(group, r))]! += 1;
        sum.squares += count;
      } else addTargets(labels, count, origins.values, sum);
      sum.total += count;
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
          k,
          transposed,
          place.cross,
          classification ? 0 : place.mean,
        );
      }
      threads.run();
      addStrips(threads, d, (from, to) =>
        threads.add('addGramUint8', transposed, padded, d, from, to, place.gram),
      );
      threads.run();
    }
    const rows = block.firstRow + block.to;
    onProgress(rows);
    await save(rows, () => stateOf(rows, origins.values, sums));
  }
  return origins.values;
}

/**
 * Other types: scaled doubles about the mean of the statistics; a last column of ones sums the features. Returns the origins of
 * the targets.
 */
async function sumDoubles(
  workspace: Workspace,
  file: RowFile,
  input: NormalEquationInput,
  places: readonly SumPlace[],
  sums: readonly RunningSums[],
  groups: FoldGroups | undefined,
): Promise<Float64Array> {
  const { dataset, size, scaling, weighting, onProgress, from, save } = input;
  const { arena, threads } = workspace;
  const { d, k } = size;
  const classification = dataset.description.task === 'classification';
  const width = padded4(k) + 4;
  const reader = openPanels(workspace, file, undefined, { weighting, byRoots: true }, groups);
  const { roots } = reader;
  const centres = originsOf(input);
  reader.scale(
    scaling.multiply,
    scaling.add.map((add, j) => add - centres[j]!),
  );
  const values = arena.float64('targets');
  const origins = new TargetOrigins(classification, k, from);
  let done = from?.rows ?? 0;
  for await (const block of reader.blocks(from?.rows)) {
    const { rows, count, fold } = block;
    const [place, sum] = [places[fold]!, sums[fold]!];
    origins.see(reader.labels);
    writeTargets(values, block, reader.labels, size, classification, origins.values);
    values.fill(0, rows * padded4(k), rows * width);
    if (roots === undefined) sum.total += count;
    for (let r = 0; r < count; r++) {
      // Rows of the panels and their targets are both multiplied by the root: their products by the weight.
      const root = roots === undefined ? 1 : roots[r]!;
      if (roots !== undefined) sum.total += root * root;
      values[panelIndex(rows, r, padded4(k))] = root;
      for (let c = 0; c < k; c++) {
        const value = values[panelIndex(rows, r, c)]! * root;
        values[panelIndex(rows, r, c)] = value;
        sum.targets[c]! += value * root;
        sum.squares += value * value;
      }
    }
    addStrips(threads, d, (from, to) => reader.addGram(from, to, place.gram));
    reader.addSums(arena.address('targets'), width / 4, place.panels);
    done += count;
    if (!block.last) continue;
    onProgress(done);
    await save(done, () => stateOf(done, origins.values, sums));
  }
  return origins.values;
}

/** What is subtracted from targets before they are summed, so that a large mean costs no digits: those of the first row seen. */
class TargetOrigins {
  readonly values: Float64Array;
  #seen: boolean;

  constructor(classification: boolean, k: number, from: SumState | undefined) {
    this.values = Float64Array.from(from?.origins ?? new Float64Array(k));
    this.#seen = classification || from !== undefined;
  }

  /** Labels of some rows, [row][label]. */
  see(labels: Float64Array): void {
    if (!this.#seen) this.values.set(labels.subarray(0, this.values.length));
    this.#seen = true;
  }
}

/** Takes the origins off the labels of `count` rows, in place, and adds them up. */
function addTargets(labels: Float64Array, count: number, origins: Float64Array, sum: RunningSums): void {
  const k = origins.length;
  for (let i = 0, at = 0; i < count; i++) {
    for (let c = 0; c < k; c++, at++) {
      const value = labels[at]! - origins[c]!;
      labels[at] = value;
      sum.targets[c]! += value;
      sum.squares += value * value;
    }
  }
}

function stateOf(rows: number, origins: Float64Array, sums: readonly RunningSums[]): SumState {
  const plain = sums.map(({ targets, ...others }) => ({ ...others, targets: [...targets] }));
  return { phase: 'sum', rows, origins: [...origins], sums: plain };
}

/** Scaled features about the mean of the statistics: what is subtracted. From sparse rows nothing is. */
export function originsOf({ dataset, scaling }: NormalEquationInput): Float64Array {
  if (dataset.features !== undefined) return new Float64Array(scaling.multiply.length);
  const { mean } = dataset.description.statistics;
  return scaling.multiply.map((factor, j) => factor * mean[j]! + scaling.add[j]!);
}
