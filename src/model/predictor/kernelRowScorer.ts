import { setImmediate } from 'node:timers/promises';
import { dtypeBytes, writeNumber } from '../../arithmetic/dtype.js';
import type { RowLayout } from '../../data/rowLayout.js';
import { slotLayout } from '../../data/sparse/slotFile.js';
import { RecordView, type SparseDtype } from '../../data/sparse/sparseRecord.js';
import { MlmlError } from '../../errors.js';
import {
  comparesRows,
  type Evaluation,
  evaluationRegions,
  evaluationThreads,
  evaluatorOf,
  packedBytesOf,
  startEvaluation,
} from '../../kernel/job/evaluation.js';
import type { KernelModel } from '../../kernel/kernelModel.js';
import { copyCoefficients, packScores } from '../../kernel/predict/coefficients.js';
import { evenWidth, planScoring } from '../../kernel/predict/kernelScorer.js';
import { COLUMNS, ROWS, TILE } from '../../kernel/tiles/crossKernel.js';
import { evaluateTile } from '../../kernel/tiles/evaluateTile.js';
import { addTimesTile } from '../../kernel/tiles/multiply.js';
import { PackedBlocks } from '../../kernel/tiles/packedBlocks.js';
import type { RowSource } from '../../kernel/tiles/rowSource.js';
import { Arena } from '../../memory/arena.js';
import { budgetTooSmall, layOut, type Region } from '../../memory/plan.js';
import { smallestBudget } from '../../memory/smallestBudget.js';
import type { Storage } from '../../storage/storage.js';
import { openModelRows } from '../kernelRows.js';
import { type MemoryScorer, MOST_ROWS } from './memoryScorer.js';

const INPUT = 'rows';
/** Regions of scoring rows of a file that are not needed here. */
const unused = ['score labels', 'score label rows'];

/** Multiply-adds that are worth sharing among threads. */
const SHARED_WORK = 4e6;
/** Features that are not 0 in a row that is given to a model of sparse rows, where none it was trained on has more. */
const MOST_NONZEROS = 4096;

/** Threads for a model when none are asked for: its work on one row has to be worth the waking of them. */
export function kernelThreads({ n, d }: Pick<KernelModel, 'n' | 'd'>, most: number): number {
  return n * d < SHARED_WORK ? 1 : most;
}

/**
 * A scorer of rows by a kernel model. The model's rows are read from where they lie; as many as `bufferBytes` has room for stay
 * packed in memory between calls, the others are streamed in each.
 *
 * @throws MlmlError `MLML_BUDGET_TOO_SMALL`, `MLML_USAGE` for a model of a matrix that was given, and what opening its rows throws
 */
export async function openKernelScorer(
  storage: Storage,
  model: KernelModel,
  bufferBytes: number,
  nthreads: number,
): Promise<MemoryScorer> {
  const { kernel, k, n, d, coefficients } = model;
  const layout = layoutFor(model);
  const geometry = { ...model.geometry, layout };
  if (!comparesRows(kernel)) {
    throw new MlmlError(
      'MLML_USAGE',
      'the kernel matrix of the model was given (precomputed): other rows cannot be compared with those it was made from',
    );
  }
  const evaluation: Evaluation = { kernel, geometry, dtype: 'float32' };
  const threads = evaluationThreads(kernel, nthreads);
  const packedBytes = packedBytesOf(evaluation);
  const { rowBytes, labels } = layout;
  const sizes = { rows: MOST_ROWS, n, k, labels, rowBytes, packedBytes, resident: false };
  const planFor = (budget: number) => {
    const first: Region[] = [
      ...evaluationRegions(evaluation, threads, budget),
      { name: INPUT, bytes: 8 * d * (8 * d * MOST_ROWS > budget / 4 ? 1 : MOST_ROWS) },
    ];
    const plan = planScoring(
      sizes,
      evaluation.dtype,
      budget - coefficients.byteLength - layOut(first).totalBytes,
    );
    const regions = [...first, ...plan.regions.filter(({ name }) => !unused.includes(name))];
    return { plan, regions, bytes: layOut(regions).totalBytes + coefficients.byteLength };
  };
  const { plan, regions, bytes } = planFor(bufferBytes);
  if (bytes > bufferBytes) {
    const least = smallestBudget((budget) => planFor(budget).bytes, bufferBytes);
    const advice = threads > 1 ? 'fewer --nthreads take less' : '';
    throw budgetTooSmall(
      `predicting with ${n} rows of ${d} features x ${k} columns`,
      least,
      bufferBytes,
      advice,
    );
  }
  const source = await openModelRows(storage, model, layout);
  const workspace = await startEvaluation(new Arena(regions), evaluation, threads).catch(async (error) => {
    await source.close();
    throw error;
  });
  const { arena } = workspace;
  const { blockSize } = plan.cross;
  const input = arena.float64(INPUT);
  const evaluator = evaluatorOf(workspace);
  const columns = new PackedBlocks(workspace, COLUMNS, source.rows, evaluator, layout.rowBytes, blockSize);
  const width = evenWidth(k);
  const sums = arena.float64('score sums');
  const vectors = arena.float64('score coefficients');
  const tile = { address: arena.address(TILE), stride: blockSize, dtype: evaluation.dtype };
  return {
    mostRows: Math.min(blockSize, input.length / d),
    input,
    dtype: layout.dtype,
    ...(layout.longest === undefined ? {} : { mostNonzeros: layout.longest }),
    plannedBytes: bytes,
    async score(rows, signal) {
      const given = givenRows(input, layout, rows);
      const packed = new PackedBlocks(workspace, ROWS, given, evaluator, layout.rowBytes, blockSize);
      const a = { address: await packed.load(0, -1, []), capacity: blockSize, rows };
      sums.fill(0, 0, rows * width);
      try {
        for (let j = 0; j < columns.count; j++) {
          const count = columns.rowsOf(j);
          const b = {
            address: await columns.load(j, -1, upcoming(j, columns.count)),
            capacity: blockSize,
            rows: count,
          };
          columns.expect((j + 1) % columns.count);
          await setImmediate();
          signal?.throwIfAborted();
          evaluateTile(workspace.threads, a, b, tile);
          copyCoefficients({ values: coefficients, stride: k }, k, j * blockSize, count, vectors, width);
          const place = { row: 0, column: 0, firstRow: 0, firstColumn: 0, rows, columns: count, ...tile };
          addTimesTile(
            workspace.threads,
            place,
            arena.address('score coefficients'),
            width,
            arena.address('score sums'),
          );
          workspace.threads.run();
        }
      } catch (error) {
        await columns.settle();
        throw error;
      }
      if (width !== k) packScores(sums, rows, width, k);
      return sums;
    },
    async close() {
      await columns.settle();
      await workspace.threads.close();
      await source.close();
    },
  };
}

/** The same as sparse rows in slots, of at most `longest` features that are not 0. */
function givenSlots(
  input: Float64Array,
  { d, dtype, rowBytes }: RowLayout,
  longest: number,
): RowSource['readRows'] {
  const indices = new Uint32Array(longest);
  const values = new Float64Array(longest);
  return async (target, firstRow, count) => {
    target.fill(0, 0, count * rowBytes);
    const view = new RecordView(target, dtype as SparseDtype);
    for (let i = 0; i < count; i++) {
      let m = 0;
      for (let j = 0; j < d; j++) {
        const value = input[(firstRow + i) * d + j]!;
        if (value === 0) continue;
        indices[m] = j;
        values[m++] = value;
      }
      view.write((i * rowBytes) / 4, 0, m, indices, values);
    }
  };
}

/** Blocks after block `j`, round and round: the next call begins again with the first. */
function* upcoming(j: number, count: number): Generator<number> {
  for (let i = 1; i < count; i++) yield (j + i) % count;
}

/** The layout of the model's rows; slots of sparse rows have room for what may be given. */
function layoutFor({ geometry: { layout } }: KernelModel): RowLayout {
  const { d, dtype, longest } = layout;
  if (longest === undefined) return layout;
  return slotLayout(d, dtype as SparseDtype, Math.min(d, Math.max(longest, MOST_NONZEROS)));
}

/** Rows of doubles as they would lie in a row file of the model's number type. */
function givenRows(input: Float64Array, layout: RowLayout, rows: number): RowSource {
  const { d, dtype, rowBytes, longest } = layout;
  const step = dtypeBytes[dtype];
  if (longest !== undefined) return { rows, readRows: givenSlots(input, layout, longest) };
  return {
    rows,
    async readRows(target, firstRow, count) {
      const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
      for (let i = 0; i < count; i++)
        for (let j = 0; j < d; j++)
          writeNumber(view, i * rowBytes + j * step, dtype, input[(firstRow + i) * d + j]!);
    },
  };
}
