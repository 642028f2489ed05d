import { dtypeBytes, readNumber, writeNumber } from '../../src/arithmetic/dtype.js';
import { type KernelBuild, loadKernels } from '../../src/arithmetic/kernels.js';
import type { RowLayout } from '../../src/data/rowLayout.js';
import { PACK_ROWS, type RowGeometry } from '../../src/kernel/functions/blockEvaluator.js';
import {
  createEvaluator,
  EVALUATION_REGION,
  evaluatorRegions,
} from '../../src/kernel/functions/evaluator.js';
import type { KernelFunction, TileDtype } from '../../src/kernel/functions/kernelFunction.js';
import { Arena } from '../../src/memory/arena.js';
import { alignUp } from '../../src/memory/plan.js';
import { THREAD_SCRATCH_BYTES } from '../../src/threads/threads.js';

/** Rows of features as stored, and how they are scaled. */
export interface Sample {
  readonly layout: RowLayout;
  readonly rows: readonly (readonly number[])[];
  readonly multiply: Float64Array;
  readonly add: Float64Array;
}

/** The scaled rows, exactly as far as doubles go, from the numbers as they are stored. */
export function scaledRows({ layout, rows, multiply, add }: Sample): number[][] {
  const view = new DataView(new ArrayBuffer(8));
  return rows.map((row) =>
    row.map((x, j) => {
      writeNumber(view, 0, layout.dtype, x);
      return multiply[j]! * readNumber(view, 0, layout.dtype) + add[j]!;
    }),
  );
}

export function geometryOf(sample: Sample): RowGeometry {
  const rows = scaledRows(sample);
  const { d } = sample.layout;
  const mean = new Float64Array(d);
  for (const row of rows) for (let j = 0; j < d; j++) mean[j]! += row[j]! / rows.length;
  const norm = (row: readonly number[]) => Math.hypot(...row);
  return {
    layout: sample.layout,
    multiply: sample.multiply,
    add: sample.add,
    mean,
    maxNorm: Math.max(...rows.map(norm)),
    maxCentredNorm: Math.max(...rows.map((row) => norm(row.map((x, j) => x - mean[j]!)))),
  };
}

/**
 * K between the first `split` rows of a sample and all of them, evaluated as two blocks, the second from its third
 * panel on; `transposed`: all of them against the first. NaN stands wherever the evaluator may not write.
 */
export function evaluateKernel(
  kernel: KernelFunction,
  sample: Sample,
  dtype: TileDtype,
  build: KernelBuild,
  split: number,
  transposed = false,
): { readonly entries: number[][]; readonly diagonal: Float64Array; readonly margin: number[] } {
  const geometry = geometryOf(sample);
  const { layout, rows } = sample;
  const n = rows.length;
  const capacities = [alignUp(split, PACK_ROWS), alignUp(n, PACK_ROWS) + 2 * PACK_ROWS] as const;
  const stride = n + 3;
  const tileBytes = stride * n * dtypeBytes[dtype];
  const evaluatorBytes = (capacity: number) => alignUp(capacity * (layout.d + 32) * 8 * 4 + 4096, 64);
  const arena = new Arena([
    { name: 'scratch', bytes: THREAD_SCRATCH_BYTES },
    ...evaluatorRegions(kernel, geometry, dtype),
    { name: 'rows', bytes: n * layout.rowBytes },
    { name: 'a', bytes: evaluatorBytes(capacities[0]) },
    { name: 'b', bytes: evaluatorBytes(capacities[1]) },
    { name: 'tile', bytes: tileBytes },
  ]);
  const view = new DataView(arena.buffer);
  const source = arena.address('rows');
  const featureBytes = dtypeBytes[layout.dtype];
  for (const [i, row] of rows.entries()) {
    for (const [j, x] of row.entries())
      writeNumber(view, source + i * layout.rowBytes + j * featureBytes, layout.dtype, x);
  }
  arena.uint8('scratch').fill(0xff);
  arena.uint8('a').fill(0xff);
  arena.uint8('b').fill(0xff);
  arena.uint8('tile').fill(0xff);
  const environment = {
    kernels: loadKernels(arena.memory, build),
    buffer: arena.buffer,
    thread: 0,
    scratch: arena.address('scratch'),
  };
  const evaluator = createEvaluator(kernel, geometry, dtype, environment, arena.address(EVALUATION_REGION));
  for (const [name, capacity] of [
    ['a', capacities[0]],
    ['b', capacities[1]],
  ] as const) {
    if (evaluator.packedBytes(capacity) > arena.byteLength(name))
      throw new Error('the test gives too little room');
  }
  const [a, b, tile] = [arena.address('a'), arena.address('b'), arena.address('tile')];
  const first = 2 * PACK_ROWS;
  evaluator.pack(source, split, a, capacities[0], 0);
  evaluator.pack(source, n, b, capacities[1], first);
  const [height, width] = transposed ? [n, split] : [split, n];
  if (transposed) evaluator.evaluate(b, capacities[1], first, n, a, capacities[0], 0, split, tile, stride);
  else evaluator.evaluate(a, capacities[0], 0, split, b, capacities[1], first, n, tile, stride);
  const entry = (r: number, c: number) =>
    readNumber(view, tile + (r * stride + c) * dtypeBytes[dtype], dtype);
  const entries = Array.from({ length: height }, (_, r) =>
    Array.from({ length: width }, (_, c) => entry(r, c)),
  );
  const margin: number[] = [];
  for (let r = 0; r < n; r++)
    for (let c = 0; c < stride; c++) if (r >= height || c >= width) margin.push(entry(r, c));
  const diagonal = new Float64Array(n);
  evaluator.diagonal(b, capacities[1], first, n, diagonal);
  return { entries, diagonal, margin };
}
