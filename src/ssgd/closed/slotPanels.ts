import { labelDtypeCodes } from '../../arithmetic/gather.js';
import { padded4 } from '../../arithmetic/normalProduct.js';
import type { RowFile } from '../../data/rowFile.js';
import { scanRows } from '../../data/scanRows.js';
import { type SparseDtype, sparseDtypeCodes } from '../../data/sparse/sparseRecord.js';
import { MlmlError } from '../../errors.js';
import { shareLength } from '../../threads/shares.js';
import type { Workspace } from '../../threads/workspace.js';
import { type RowWeighting, readRowWeights } from '../rowWeights.js';
import { type FoldGroups, groupsOf } from './foldGroups.js';
import type { PanelBlock, PanelReader } from './panelReader.js';

/**
 * Sparse rows in slots, multiplied with blocks of vectors as they lie: the cost is that of their nonzeros. Threads take panels of
 * vectors, so that every sum is made by one of them, over the rows in order.
 */
export class SlotPanels implements PanelReader {
  readonly labels: Float64Array;
  readonly weights: Float64Array | undefined;
  readonly roots: Float64Array | undefined;
  readonly centres = false;
  readonly #workspace: Workspace;
  readonly #file: RowFile;
  readonly #signal: AbortSignal | undefined;
  readonly #weighting: RowWeighting | undefined;
  readonly #groups: FoldGroups | undefined;
  #base = 0;
  #count = 0;

  constructor(
    workspace: Workspace,
    file: RowFile,
    signal: AbortSignal | undefined,
    { weighting, byRoots }: { readonly weighting: RowWeighting | undefined; readonly byRoots: boolean },
    groups?: FoldGroups,
  ) {
    const { arena } = workspace;
    this.#groups = groups;
    this.#workspace = workspace;
    this.#file = file;
    this.#signal = signal;
    this.#weighting = weighting;
    this.labels = arena.float64('row labels');
    if (weighting !== undefined) this.weights = arena.float64('row weights');
    if (weighting !== undefined && byRoots) this.roots = arena.float64('row weight roots');
  }

  scale(multiply: Float64Array, add: Float64Array): void {
    if (add.some((term) => term !== 0))
      throw new MlmlError('MLML_INTERNAL', 'sparse rows cannot be centred while they are read');
    this.#workspace.arena.float64('row scaling').set(multiply);
  }

  async *blocks(from = 0): AsyncGenerator<PanelBlock> {
    const { layout } = this.#file;
    const { arena, kernels } = this.#workspace;
    const code = labelDtypeCodes.indexOf(layout.labelDtype);
    const labels = arena.address('row labels');
    for await (const block of scanRows(this.#file, arena, 'rows', this.#signal, from)) {
      for (const group of groupsOf(block, this.#groups)) {
        const { base, count } = group;
        kernels.gatherLabels(
          base,
          layout.rowBytes,
          layout.labelOffset,
          code,
          layout.labels,
          0,
          0,
          count,
          labels,
        );
        if (this.#weighting !== undefined) this.#readWeights(this.#weighting, base, count);
        this.#base = base;
        this.#count = count;
        yield { ...group, rows: padded4(count) };
      }
    }
  }

  #readWeights(weighting: RowWeighting, base: number, count: number): void {
    const { kernels } = this.#workspace;
    const rows = { base, order: 0 };
    readRowWeights(kernels, weighting, this.#file.layout, rows, 0, count, this.labels, this.weights!);
    for (let r = 0; this.roots !== undefined && r < count; r++) this.roots[r] = Math.sqrt(this.weights![r]!);
  }

  addScores(scores: number, m: number, mPanels: number): void {
    const [features, rows] = [padded4(this.#file.layout.d), padded4(this.#count)];
    this.#share('addSlotScores', m, features, mPanels, scores, rows);
  }

  addSums(scores: number, scorePanels: number, target: number): void {
    const [features, rows] = [padded4(this.#file.layout.d), padded4(this.#count)];
    this.#share('addSlotSums', scores, rows, scorePanels, target, features);
  }

  #share(task: string, from: number, fromRows: number, panels: number, to: number, toRows: number): void {
    const { threads } = this.#workspace;
    const length = shareLength(panels, 1, threads.count);
    for (let first = 0; first < panels; first += length) {
      const last = Math.min(panels, first + length);
      threads.add(task, ...this.#rows(), from, fromRows, first, last, to, toRows);
    }
    threads.run();
  }

  addGram(from: number, to: number, gram: number): void {
    this.#workspace.threads.add('addSlotGram', ...this.#rows(), from, to, gram);
  }

  /** What each kernel is told of the block. */
  #rows(): number[] {
    const { rowBytes, dtype } = this.#file.layout;
    const code = sparseDtypeCodes[dtype as SparseDtype];
    const factors = this.#workspace.arena.address('row scaling');
    return [this.#base, rowBytes, this.#count, code, factors, this.roots?.byteOffset ?? 0];
  }
}
