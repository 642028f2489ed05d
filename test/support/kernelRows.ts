import { dtypeBytes, halfToNumber, readNumber, writeNumber } from '../../src/arithmetic/dtype.js';
import { type KernelBuild, loadKernels } from '../../src/arithmetic/kernels.js';
import { type RowLayout, rowLayout } from '../../src/data/rowLayout.js';
import type { BlockEvaluator, RowGeometry } from '../../src/kernel/functions/blockEvaluator.js';
import {
  createEvaluator,
  EVALUATION_REGION,
  evaluatorRegions,
} from '../../src/kernel/functions/evaluator.js';
import type { KernelFunction, TileDtype } from '../../src/kernel/functions/kernelFunction.js';
import { mainEnvironment, startThreads, threadRegions } from '../../src/kernel/startThreads.js';
import type { ImmediateRowSource } from '../../src/kernel/tiles/rowSource.js';
import { Arena } from '../../src/memory/arena.js';
import type { Region } from '../../src/memory/plan.js';
import { Random } from '../../src/memory/random.js';
import type { Workspace } from '../../src/threads/workspace.js';

/** Rows in memory that count what is read of them. */
export class CountedRows implements ImmediateRowSource {
  readonly rows: number;
  rowsRead = 0;
  readonly layout: RowLayout;
  readonly bytes: Uint8Array;

  constructor(layout: RowLayout, bytes: Uint8Array) {
    this.layout = layout;
    this.bytes = bytes;
    this.rows = bytes.length / layout.rowBytes;
  }

  async readRows(target: Uint8Array, firstRow: number, count: number): Promise<void> {
    // As from a disk: the bytes are there some time after they were asked for.
    await new Promise((resolve) => setImmediate(resolve));
    this.readRowsNow(target, firstRow, count);
  }

  readRowsNow(target: Uint8Array, firstRow: number, count: number): void {
    this.rowsRead += count;
    const { rowBytes } = this.layout;
    target.set(this.bytes.subarray(firstRow * rowBytes, (firstRow + count) * rowBytes));
  }

  features(row: number): number[] {
    const view = new DataView(this.bytes.buffer);
    const { d, dtype, rowBytes } = this.layout;
    return Array.from({ length: d }, (_, j) =>
      readNumber(view, row * rowBytes + j * dtypeBytes[dtype], dtype),
    );
  }
}

/** Random rows; every seventh is a copy of the one before it, every eleventh is zero. */
export function randomRows(n: number, d: number, dtype: 'uint8' | 'float32', seed: number): CountedRows {
  const layout = rowLayout(d, dtype, dtype === 'float32' ? 'uint8' : dtype);
  const random = Random.of(seed);
  const bytes = new Uint8Array(n * layout.rowBytes);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < n; i++) {
    const start = i * layout.rowBytes;
    if (i % 7 === 6) bytes.copyWithin(start, start - layout.rowBytes, start);
    else if (i % 11 !== 10)
      for (let j = 0; j < d; j++) {
        const value = dtype === 'uint8' ? random.below(256) : random.normal();
        writeNumber(view, start + j * dtypeBytes[dtype], dtype, value);
      }
    bytes[start + layout.labelOffset] = i % 3;
  }
  return new CountedRows(layout, bytes);
}

/** Rows as they are stored, bytes divided by 255. */
export function plainGeometry(layout: RowLayout): RowGeometry {
  const { d, dtype } = layout;
  const scale = dtype === 'uint8' ? 1 / 255 : 1;
  return {
    layout,
    multiply: new Float64Array(d).fill(scale),
    add: new Float64Array(d),
    mean: new Float64Array(d),
    maxNorm: 6 * Math.sqrt(d),
    maxCentredNorm: 6 * Math.sqrt(d),
  };
}

/** exp(−‖x−y‖²/(2·lengthscale²)) in double precision. */
export function rbfReference(a: CountedRows, b: CountedRows, lengthscale: number) {
  const scale = a.layout.dtype === 'uint8' ? 1 / 255 : 1;
  const rowsOf = (rows: CountedRows) => Array.from({ length: rows.rows }, (_, i) => rows.features(i));
  const [x, y] = [rowsOf(a), rowsOf(b)];
  return (i: number, j: number) => {
    let sum = 0;
    for (const [f, value] of x[i]!.entries()) sum += (scale * (value - y[j]![f]!)) ** 2;
    return Math.exp(-sum / (2 * lengthscale ** 2));
  };
}

export interface EvaluationSetup {
  readonly kernel: KernelFunction;
  readonly layout: RowLayout;
  readonly dtype: TileDtype;
  readonly threads: number;
  readonly build?: KernelBuild;
}

/** Bytes of packed blocks, for plans. */
export function packedBytesOf(setup: EvaluationSetup): (capacity: number) => number {
  const { evaluator } = evaluatorIn(new Arena(fixedRegions(setup)), setup);
  return (capacity) => evaluator.packedBytes(capacity);
}

export function fixedRegions({ kernel, layout, dtype, threads }: EvaluationSetup): Region[] {
  return [...threadRegions(threads), ...evaluatorRegions(kernel, plainGeometry(layout), dtype)];
}

function evaluatorIn(arena: Arena, { kernel, layout, dtype, build }: EvaluationSetup) {
  const constants = arena.address(EVALUATION_REGION);
  const evaluation = { kernel, geometry: plainGeometry(layout), dtype, constants };
  const environment = mainEnvironment(arena, loadKernels(arena.memory, build));
  return {
    evaluation,
    evaluator: createEvaluator(kernel, evaluation.geometry, dtype, environment, constants),
  };
}

/** Arena, threads and evaluator for one kernel over rows in memory. Close `workspace.threads` in the end. */
export async function startEvaluation(
  setup: EvaluationSetup,
  regions: readonly Region[],
): Promise<{ workspace: Workspace; evaluator: BlockEvaluator }> {
  const arena = new Arena([...fixedRegions(setup), ...regions]);
  const { evaluation, evaluator } = evaluatorIn(arena, setup);
  const workspace = await startThreads(arena, setup.threads, { evaluation }, setup.build);
  return { workspace, evaluator };
}

/** Entry `index` of a block of entries in the arena. */
export function entryOf(buffer: SharedArrayBuffer, address: number, index: number, dtype: TileDtype): number {
  const view = new DataView(buffer);
  if (dtype === 'float16') return halfToNumber(view.getUint16(address + 2 * index, true));
  if (dtype === 'float32') return view.getFloat32(address + 4 * index, true);
  return view.getFloat64(address + 8 * index, true);
}
