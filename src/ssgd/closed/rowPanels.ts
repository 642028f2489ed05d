import { dtypeBytes } from '../../arithmetic/dtype.js';
import { labelDtypeCodes, scalingBytes, writeScaling } from '../../arithmetic/gather.js';
import { padded4, panelIndex } from '../../arithmetic/normalProduct.js';
import type { RowFile } from '../../data/rowFile.js';
import { scanBytes, scanRows } from '../../data/scanRows.js';
import { MlmlError } from '../../errors.js';
import type { Region } from '../../memory/plan.js';
import { MOST_THREADS } from '../../threads/defaultThreads.js';
import { shareLength } from '../../threads/shares.js';
import type { Workspace } from '../../threads/workspace.js';
import { type RowWeighting, readRowWeights } from '../rowWeights.js';
import { GROUP_ROWS, SLICE } from '../tasks/panelTasks.js';
import type { ProblemSize } from './fit.js';
import { type FoldGroups, groupsOf, rowNumber } from './foldGroups.js';
import { addScores, addSums } from './panelProducts.js';
import type { PanelBlock, PanelReader } from './panelReader.js';

/** What a sum of outer products takes of scratch. */
const TILE_BYTES = 128;

/** Scratch for sums over a block that has been packed: where its rows were before. For `mostPanelThreads` threads. */
export const panelScratch = { region: 'row group', bytes: TILE_BYTES };

export function mostPanelThreads(d: number): number {
  return Math.max(1, Math.floor((8 * GROUP_ROWS * d) / TILE_BYTES));
}

/** Regions for reading rows as panels of doubles, `blockRows` (a multiple of 4) at a time. */
export function rowPanelRegions(size: ProblemSize, blockRows: number): Region[] {
  const { d } = size;
  if (size.nonzeros !== undefined) {
    return [
      { name: 'rows', bytes: scanBytes(blockRows, size.rowBytes) },
      { name: 'row scaling', bytes: 8 * d },
      { name: 'row group', bytes: TILE_BYTES * MOST_THREADS },
      { name: 'row labels', bytes: 8 * blockRows },
      { name: 'row weights', bytes: 8 * blockRows },
      { name: 'row weight roots', bytes: 8 * blockRows },
    ];
  }
  return [
    { name: 'rows', bytes: scanBytes(blockRows, size.rowBytes) },
    { name: 'row scaling', bytes: scalingBytes(d, d, size.bytes ? 'uint8' : 'float64', 64) },
    { name: 'row group', bytes: Math.max(TILE_BYTES, 8 * GROUP_ROWS * d) },
    { name: 'row panels', bytes: 8 * blockRows * padded4(d) },
    { name: 'row labels', bytes: 8 * size.labels * blockRows },
    { name: 'row weights', bytes: 8 * blockRows },
    { name: 'row weight roots', bytes: 8 * blockRows },
  ];
}

/** Streams rows, scaled, as panels of doubles, with their labels in the region 'row labels', [row][label]. */
export class RowPanels implements PanelReader {
  readonly centres = true;
  readonly #panels: number;
  #rows = 0;
  readonly labels: Float64Array;
  /** Weights of the rows of the block; undefined when all count once. */
  readonly weights: Float64Array | undefined;
  /** Their square roots, by which the rows of the panels are multiplied when the reader is made to do so. */
  readonly roots: Float64Array | undefined;
  readonly #workspace: Workspace;
  readonly #file: RowFile;
  readonly #signal: AbortSignal | undefined;
  readonly #weighting: RowWeighting | undefined;
  readonly #groups: FoldGroups | undefined;

  constructor(
    workspace: Workspace,
    file: RowFile,
    signal?: AbortSignal,
    weighted?: { readonly weighting: RowWeighting | undefined; readonly byRoots: boolean },
    /** Gives each fold of a block as a block of its own. */
    groups?: FoldGroups,
  ) {
    const { arena } = workspace;
    this.#groups = groups;
    this.#workspace = workspace;
    this.#file = file;
    this.#signal = signal;
    this.#panels = arena.address('row panels');
    this.labels = arena.float64('row labels');
    this.#weighting = weighted?.weighting;
    if (this.#weighting !== undefined) this.weights = arena.float64('row weights');
    if (this.#weighting !== undefined && weighted!.byRoots) this.roots = arena.float64('row weight roots');
  }

  /** What is applied to features from now on: multiply·x + add. */
  scale(multiply: Float64Array, add: Float64Array): void {
    const { d, dtype } = this.#file.layout;
    const { arena } = this.#workspace;
    for (let from = 0; from < d; from += SLICE) {
      const to = Math.min(d, from + SLICE);
      writeScaling(arena.buffer, arena.address('row scaling') + 16 * from, to - from, dtype, 64, {
        multiply: multiply.subarray(from, to),
        add: add.subarray(from, to),
      });
    }
  }

  /** One pass, from row `from` on. A block is valid until the next is asked for. */
  async *blocks(from = 0): AsyncGenerator<PanelBlock> {
    const { layout } = this.#file;
    const { arena, kernels } = this.#workspace;
    for await (const block of scanRows(this.#file, arena, 'rows', this.#signal, from)) {
      const dtype = labelDtypeCodes.indexOf(layout.labelDtype);
      const { rowBytes, labelOffset, labels } = layout;
      const target = arena.address('row labels');
      for (const group of groupsOf(block, this.#groups)) {
        const { base, count } = group;
        kernels.gatherLabels(base, rowBytes, labelOffset, dtype, labels, 0, 0, count, target);
        if (this.#weighting !== undefined) this.#readWeights(this.#weighting, base, count);
        this.#pack(base, count);
        this.#rows = padded4(count);
        yield { ...group, rows: padded4(count) };
      }
    }
  }

  addScores(scores: number, m: number, mPanels: number): void {
    addScores(this.#workspace.threads, this.#block(scores), m, mPanels);
  }

  addSums(scores: number, scorePanels: number, target: number): void {
    addSums(this.#workspace.threads, this.#block(scores), scorePanels, target);
  }

  addGram(from: number, to: number, gram: number): void {
    const { d } = this.#file.layout;
    this.#workspace.threads.add('addGramRows', this.#panels, this.#rows, d, from, to, gram);
  }

  #block(scores: number) {
    return { rows: this.#rows, features: padded4(this.#file.layout.d), panels: this.#panels, scores };
  }

  #readWeights(weighting: RowWeighting, base: number, count: number): void {
    const weights = this.weights!;
    const { layout } = this.#file;
    readRowWeights(
      this.#workspace.kernels,
      weighting,
      layout,
      { base, order: 0 },
      0,
      count,
      this.labels,
      weights,
    );
    for (let r = 0; this.roots !== undefined && r < count; r++) this.roots[r] = Math.sqrt(weights[r]!);
  }

  #pack(base: number, count: number): void {
    const { d, dtype, rowBytes } = this.#file.layout;
    const { arena, threads } = this.#workspace;
    const code = labelDtypeCodes.indexOf(dtype);
    const scaling = arena.address('row scaling');
    const group = arena.address('row group');
    const roots = this.roots?.byteOffset ?? 0;
    const [bytes, panels] = [dtypeBytes[dtype], this.#panels];
    const length = shareLength(d, SLICE, threads.count);
    for (let from = 0; from < d; from += length) {
      const to = Math.min(d, from + length);
      threads.add(
        'packFeatures',
        base,
        rowBytes,
        code,
        bytes,
        count,
        from,
        to,
        scaling,
        group,
        panels,
        roots,
      );
    }
    threads.run();
  }
}

/**
 * Writes targets into panels of `rows` rows: column c is 1 for rows of class c (classification), or label c − its origin
 * (regression). Padding rows are 0.
 */
export function writeTargets(
  target: Float64Array,
  block: PanelBlock,
  labels: Float64Array,
  size: ProblemSize,
  classification: boolean,
  origins: Float64Array,
): void {
  const { count, rows } = block;
  const { k } = size;
  target.fill(0, 0, rows * padded4(k));
  for (let r = 0; r < count; r++) {
    if (classification) target[panelIndex(rows, r, checkClass(labels[r]!, k, rowNumber(block, r)))] = 1;
    else for (let c = 0; c < k; c++) target[panelIndex(rows, r, c)] = labels[r * k + c]! - origins[c]!;
  }
}

export function checkClass(label: number, k: number, row: number): number {
  if (Number.isInteger(label) && label >= 0 && label < k) return label;
  throw new MlmlError(
    'MLML_BAD_DATA',
    `training row ${row}: label ${label} is not a class number from 0 to ${k - 1}`,
  );
}
