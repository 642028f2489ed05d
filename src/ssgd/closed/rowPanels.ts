import { gather64Of, labelDtypeCodes, scalingBytes, writeScaling } from '../../arithmetic/gather.js';
import type { Kernels } from '../../arithmetic/kernels.js';
import { padded4, panelIndex } from '../../arithmetic/normalProduct.js';
import type { RowFile } from '../../data/rowFile.js';
import { scanBytes, scanRows } from '../../data/scanRows.js';
import { MlmlError } from '../../errors.js';
import type { Arena } from '../../memory/arena.js';
import type { Region } from '../../memory/plan.js';
import { type RowWeighting, readRowWeights } from '../rowWeights.js';
import type { ProblemSize } from './fit.js';

/** Rows turned into doubles at a time, before they are packed. */
const GROUP = 8;

/** Regions for reading rows as panels of doubles, `blockRows` (a multiple of 4) at a time. */
export function rowPanelRegions(size: ProblemSize, blockRows: number): Region[] {
  const { d } = size;
  return [
    { name: 'rows', bytes: scanBytes(blockRows, size.rowBytes) },
    { name: 'row scaling', bytes: scalingBytes(d, d, size.bytes ? 'uint8' : 'float64', 64) },
    { name: 'row group', bytes: 8 * GROUP * d },
    { name: 'row panels', bytes: 8 * blockRows * padded4(d) },
    { name: 'row labels', bytes: 8 * blockRows },
    { name: 'row weights', bytes: 8 * blockRows },
    { name: 'row weight roots', bytes: 8 * blockRows },
  ];
}

/** A block of rows as doubles: `rows` rows (count rounded up to a multiple of 4, the rest 0) in the region 'row panels'. */
export interface PanelBlock {
  readonly firstRow: number;
  readonly count: number;
  readonly rows: number;
}

/** Streams rows, scaled, as panels of doubles, with their labels in the region 'row labels'. */
export class RowPanels {
  readonly panels: number;
  readonly labels: Float64Array;
  bytesRead = 0;
  /** Weights of the rows of the block; undefined when all count once. */
  readonly weights: Float64Array | undefined;
  /** Their square roots, by which the rows of the panels are multiplied when the reader is made to do so. */
  readonly roots: Float64Array | undefined;
  readonly #arena: Arena;
  readonly #kernels: Kernels;
  readonly #file: RowFile;
  readonly #signal: AbortSignal | undefined;
  readonly #weighting: RowWeighting | undefined;
  readonly #group: Float64Array;

  constructor(
    arena: Arena,
    kernels: Kernels,
    file: RowFile,
    signal?: AbortSignal,
    weighted?: { readonly weighting: RowWeighting | undefined; readonly byRoots: boolean },
  ) {
    this.#arena = arena;
    this.#kernels = kernels;
    this.#file = file;
    this.#signal = signal;
    this.panels = arena.address('row panels');
    this.labels = arena.float64('row labels');
    this.#weighting = weighted?.weighting;
    this.#group = arena.float64('row group');
    if (this.#weighting !== undefined) this.weights = arena.float64('row weights');
    if (this.#weighting !== undefined && weighted!.byRoots) this.roots = arena.float64('row weight roots');
  }

  /** What is applied to features from now on: multiply·x + add. */
  scale(multiply: Float64Array, add: Float64Array): void {
    const { d, dtype } = this.#file.layout;
    writeScaling(this.#arena.buffer, this.#arena.address('row scaling'), d, dtype, 64, { multiply, add });
  }

  /** One pass. A block is valid until the next is asked for. */
  async *blocks(): AsyncGenerator<PanelBlock> {
    const { layout } = this.#file;
    for await (const block of scanRows(this.#file, this.#arena, 'rows', this.#signal)) {
      this.bytesRead += block.to * layout.rowBytes;
      const dtype = labelDtypeCodes.indexOf(layout.labelDtype);
      const labels = this.#arena.address('row labels');
      this.#kernels.gatherLabels(
        block.base,
        layout.rowBytes,
        layout.labelOffset,
        dtype,
        0,
        0,
        block.to,
        labels,
      );
      if (this.#weighting !== undefined) this.#readWeights(this.#weighting, block.base, block.to);
      this.#pack(block.base, block.to);
      yield { firstRow: block.firstRow, count: block.to, rows: padded4(block.to) };
    }
  }

  #readWeights(weighting: RowWeighting, base: number, count: number): void {
    const weights = this.weights!;
    const { layout } = this.#file;
    readRowWeights(this.#kernels, weighting, layout, { base, order: 0 }, 0, count, this.labels, weights);
    for (let r = 0; this.roots !== undefined && r < count; r++) this.roots[r] = Math.sqrt(weights[r]!);
  }

  #pack(base: number, count: number): void {
    const { d, dtype, rowBytes } = this.#file.layout;
    const gather = gather64Of(this.#kernels, dtype);
    const scaling = this.#arena.address('row scaling');
    const group = this.#arena.address('row group');
    const rows = padded4(count);
    for (let from = 0; from < rows; from += GROUP) {
      const packed = Math.min(GROUP, rows - from);
      const real = Math.min(packed, count - from);
      gather(base, rowBytes, 0, from, real, d, d, scaling, group);
      if (this.roots !== undefined) this.#multiplyByRoots(group, from, real);
      if (real < packed)
        new Float64Array(this.#arena.buffer, group + 8 * real * d, (packed - real) * d).fill(0);
      this.#kernels.packPanels(group, d, packed, d, this.panels, from, rows);
    }
  }

  #multiplyByRoots(group: number, from: number, rows: number): void {
    const { d } = this.#file.layout;
    const values = this.#group;
    for (let r = 0, at = (group - values.byteOffset) / 8; r < rows; r++) {
      const root = this.roots![from + r]!;
      for (const end = at + d; at < end; at++) values[at]! *= root;
    }
  }
}

/**
 * Writes targets into panels of `rows` rows: column c is 1 for rows of class c (classification), or column 0 is
 * label − origin (regression). Padding rows are 0.
 */
export function writeTargets(
  target: Float64Array,
  block: PanelBlock,
  labels: Float64Array,
  size: ProblemSize,
  classification: boolean,
  origin: number,
): void {
  const { firstRow, count, rows } = block;
  target.fill(0, 0, rows * padded4(size.k));
  for (let r = 0; r < count; r++) {
    const label = labels[r]!;
    if (classification) target[panelIndex(rows, r, checkClass(label, size.k, firstRow + r))] = 1;
    else target[panelIndex(rows, r, 0)] = label - origin;
  }
}

export function checkClass(label: number, k: number, row: number): number {
  if (Number.isInteger(label) && label >= 0 && label < k) return label;
  throw new MlmlError(
    'MLML_BAD_DATA',
    `training row ${row}: label ${label} is not a class number from 0 to ${k - 1}`,
  );
}
