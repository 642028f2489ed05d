import { dtypeBytes, readNumber } from '../../arithmetic/dtype.js';
import type { Kernels } from '../../arithmetic/kernels.js';
import { alignUp, type Region } from '../../memory/plan.js';
import { THREAD_SCRATCH_BYTES, type ThreadEnvironment } from '../../threads/threads.js';
import { type BlockEvaluator, PACK_ROWS, type RowGeometry } from './blockEvaluator.js';
import { customBlock } from './customKernel.js';
import { type EvaluationPlan, leavesOf, type Packing, planEvaluation } from './evaluationPlan.js';
import { CORNER_BYTES, compileSteps, PLANE_ROWS, planeColumns } from './evaluationSteps.js';
import type { KernelFunction, TileDtype } from './kernelFunction.js';
import type { PassParts } from './leafPasses.js';
import { type BlockPair, constantBytes, PackedRows } from './packedRows.js';
import { SparsePackedRows, sparseConstantBytes, unpackingBytes } from './sparsePackedRows.js';

/** Name of the region whose address `createEvaluator` takes as `constants`. */
export const EVALUATION_REGION = 'evaluation';

/**
 * The one region, `EVALUATION_REGION`, of the evaluators of so many threads. `MLML_USAGE` when the kernel cannot be
 * evaluated so: precomputed, a custom function unknown here, nested too deep, or entries too large for the dtype.
 */
export function evaluatorRegions(
  kernel: KernelFunction,
  geometry: RowGeometry,
  dtype: TileDtype,
  threads = 1,
): Region[] {
  const plan = planEvaluation(kernel, geometry, dtype);
  for (const leaf of leavesOf(kernel)) if (leaf.kind === 'custom') customBlock(leaf.name);
  planeColumns(kernel, plan);
  let bytes = threads * unpackingBytes(plan.packings, geometry);
  for (const packing of plan.packings) bytes += bytesOfConstants(packing, geometry);
  return [{ name: EVALUATION_REGION, bytes }];
}

/** Bytes of a thread's own that `evaluatorRegions` counts `threads` times. */
export function evaluationThreadBytes(
  kernel: KernelFunction,
  geometry: RowGeometry,
  dtype: TileDtype,
): number {
  return unpackingBytes(planEvaluation(kernel, geometry, dtype).packings, geometry);
}

function bytesOfConstants(packing: Packing, geometry: RowGeometry): number {
  return packing.form === 'sparse'
    ? sparseConstantBytes(packing, geometry)
    : constantBytes(packing, geometry);
}

/**
 * The evaluator of one thread. That of thread 0 writes the constants at the address `constants`, a region of
 * `evaluatorRegions`: it is made before any evaluator is used.
 *
 * Sub-blocks of up to 32 × 256 entries are worked out in planes of numbers in the thread's scratch: products, from them
 * distances, then the kernel function, combinations, and the conversion to the tile. See `planEvaluation` for the number
 * types. Sizes too large for the dtype become its largest number. An entry depends on its two rows alone, and is the same
 * for (x, y) and (y, x).
 */
export function createEvaluator(
  kernel: KernelFunction,
  geometry: RowGeometry,
  dtype: TileDtype,
  environment: ThreadEnvironment,
  constants: number,
): BlockEvaluator {
  const plan = planEvaluation(kernel, geometry, dtype);
  const columnsOfPlane = planeColumns(kernel, plan);
  const { kernels, buffer, scratch } = environment;
  const packed: (PackedRows | SparsePackedRows)[] = [];
  let at = constants;
  for (const packing of plan.packings) at += bytesOfConstants(packing, geometry);
  const unpacking = at + environment.thread * unpackingBytes(plan.packings, geometry);
  at = constants;
  for (const packing of plan.packings) {
    const before = packed.slice();
    packed.push(
      packing.form === 'sparse'
        ? new SparsePackedRows(packing, geometry, environment, at, unpacking, before)
        : new PackedRows(packing, geometry, environment, at, before),
    );
    at += bytesOfConstants(packing, geometry);
  }
  const parts: PassParts = {
    kernels,
    buffer,
    plan,
    rowsOf: (measure) => packed[plan.packings.indexOf(plan.packingOf.get(measure)!)]!,
    byteFactor: geometry.multiply[0]!,
    planeRows: PLANE_ROWS,
    planeColumns: columnsOfPlane,
  };
  const planeBytes = PLANE_ROWS * columnsOfPlane * dtypeBytes[plan.work];
  const { steps, result } = compileSteps(kernel, parts, (index) => scratch + index * planeBytes);
  const store = storeOf(kernels, plan, dtype);
  const entryBytes = dtypeBytes[dtype];
  const pair: BlockPair = {
    a: 0,
    aCapacity: 0,
    aFrom: 0,
    rows: 0,
    b: 0,
    bCapacity: 0,
    bFrom: 0,
    columns: 0,
    stride: 0,
  };

  const evaluator: BlockEvaluator = {
    packedBytes(capacity) {
      let bytes = 0;
      for (const rows of packed) bytes += rows.bytes(capacity);
      return bytes;
    },
    pack(source, count, target, capacity, first) {
      for (const rows of packed) rows.pack(source, count, target, capacity, first);
    },
    evaluate(a, aCapacity, aFrom, rows, b, bCapacity, bFrom, columns, target, stride) {
      pair.a = a;
      pair.aCapacity = aCapacity;
      pair.b = b;
      pair.bCapacity = bCapacity;
      for (let c = 0; c < columns; c += columnsOfPlane) {
        pair.bFrom = bFrom + c;
        pair.columns = Math.min(columnsOfPlane, columns - c);
        pair.stride = alignUp(pair.columns, 8);
        for (let r = 0; r < rows; r += PLANE_ROWS) {
          pair.aFrom = aFrom + r;
          pair.rows = Math.min(PLANE_ROWS, rows - r);
          for (const step of steps) step(pair);
          const to = target + (r * stride + c) * entryBytes;
          store(result, pair.stride, pair.rows, pair.columns, to, stride);
        }
      }
    },
    diagonal(block, capacity, first, count, target) {
      const corner = scratch + THREAD_SCRATCH_BYTES - CORNER_BYTES;
      const entries = new DataView(buffer, corner, CORNER_BYTES);
      for (let i = 0; i < count; i += PACK_ROWS) {
        const rows = Math.min(PACK_ROWS, count - i);
        evaluator.evaluate(
          block,
          capacity,
          first + i,
          rows,
          block,
          capacity,
          first + i,
          rows,
          corner,
          PACK_ROWS,
        );
        for (let r = 0; r < rows; r++)
          target[i + r] = readNumber(entries, r * (PACK_ROWS + 1) * entryBytes, dtype);
      }
    },
  };
  return evaluator;
}

function storeOf(kernels: Kernels, { work }: EvaluationPlan, dtype: TileDtype): Kernels['store64From64'] {
  if (dtype === 'float64') return kernels.store64From64;
  if (dtype === 'float32') return work === 'float32' ? kernels.store32From32 : kernels.store32From64;
  return work === 'float32' ? kernels.store16From32 : kernels.store16From64;
}
