import { numberToHalf } from '../../arithmetic/dtype.js';
import { gather32Of, scalingBytes, writeScaling } from '../../arithmetic/gather.js';
import { packedRowsBytes } from '../../arithmetic/rowProducts.js';
import { MlmlError } from '../../errors.js';
import type { Region } from '../../memory/plan.js';
import type { ThreadEnvironment } from '../../threads/threads.js';
import { type BlockEvaluator, PACK_ROWS, type RowGeometry } from './blockEvaluator.js';
import type { KernelFunction, TileDtype } from './kernelFunction.js';

/** Name of the region whose address `createEvaluator` takes as `constants`. */
export const EVALUATION_REGION = 'evaluation';

const strideOf = (geometry: RowGeometry) => Math.ceil(geometry.layout.d / 16) * 16;

/** The one region, `EVALUATION_REGION`, that all threads' evaluators share. */
export function evaluatorRegions(
  _kernel: KernelFunction,
  geometry: RowGeometry,
  _dtype: TileDtype,
): Region[] {
  const { d, dtype } = geometry.layout;
  return [{ name: EVALUATION_REGION, bytes: scalingBytes(d, strideOf(geometry), dtype, 32) }];
}

/** The evaluator of one thread. Thread 0 writes the constants: it is made before any call of a task. */
export function createEvaluator(
  kernel: KernelFunction,
  geometry: RowGeometry,
  dtype: TileDtype,
  environment: ThreadEnvironment,
  constants: number,
): BlockEvaluator {
  if (kernel.kind !== 'rbf' && kernel.kind !== 'linear')
    throw new MlmlError('MLML_USAGE', `--kernel=${kernel.kind}: cannot be evaluated yet`);
  const { kernels, buffer, scratch } = environment;
  const { layout, multiply, add, mean } = geometry;
  const stride = strideOf(geometry);
  const distances = kernel.kind === 'rbf';
  const factor = kernel.kind === 'rbf' ? -1 / (2 * kernel.lengthscale ** 2) : 1;
  if (environment.thread === 0) {
    const offset = distances ? add.map((x, j) => x - mean[j]!) : add;
    writeScaling(buffer, constants, stride, layout.dtype, 32, { multiply, add: offset });
  }
  const floats = new Float32Array(buffer);
  const target32 = floats;
  const target64 = new Float64Array(buffer);
  const target16 = new Uint16Array(buffer);
  const gather = gather32Of(kernels, layout.dtype);
  const normsAt = (capacity: number) => packedRowsBytes('float32', stride, capacity);
  const store = (address: number, value: number) => {
    if (dtype === 'float32') target32[address / 4] = value;
    else if (dtype === 'float64') target64[address / 8] = value;
    else target16[address / 2] = numberToHalf(value);
  };
  const bytes = { float16: 2, float32: 4, float64: 8 }[dtype];
  const evaluator: BlockEvaluator = {
    packedBytes: (capacity) => normsAt(capacity) + 4 * capacity,
    pack(source, count, target, capacity, first) {
      for (let from = 0; from < count; from += PACK_ROWS) {
        const rows = Math.min(PACK_ROWS, count - from);
        gather(source, layout.rowBytes, 0, from, rows, layout.d, stride, constants, scratch);
        const at = first + from;
        kernels.packFloatRows32(scratch, at, rows, stride, target, capacity);
        // By the kernel that multiplies rows, so that the distance of equal rows is 0.
        kernels.floatProducts32(
          target,
          capacity,
          at,
          PACK_ROWS,
          target,
          capacity,
          at,
          PACK_ROWS,
          stride,
          scratch,
          PACK_ROWS,
        );
        for (let r = 0; r < PACK_ROWS; r++)
          floats[(target + normsAt(capacity)) / 4 + at + r] = floats[scratch / 4 + r * (PACK_ROWS + 1)]!;
      }
    },
    evaluate(a, aCapacity, aFrom, rows, b, bCapacity, bFrom, columns, target, tileStride) {
      const [aNorms, bNorms] = [(a + normsAt(aCapacity)) / 4, (b + normsAt(bCapacity)) / 4];
      for (let r0 = 0; r0 < rows; r0 += 32) {
        const subRows = Math.min(32, rows - r0);
        for (let c0 = 0; c0 < columns; c0 += 256) {
          const subColumns = Math.min(256, columns - c0);
          kernels.floatProducts32(
            a,
            aCapacity,
            aFrom + r0,
            subRows,
            b,
            bCapacity,
            bFrom + c0,
            subColumns,
            stride,
            scratch,
            256,
          );
          for (let r = 0; r < subRows; r++) {
            for (let c = 0; c < subColumns; c++) {
              const dot = floats[scratch / 4 + r * 256 + c]!;
              const norms = floats[aNorms + aFrom + r0 + r]! + floats[bNorms + bFrom + c0 + c]!;
              const value = distances ? Math.exp(factor * Math.max(0, norms - 2 * dot)) : dot;
              store(target + ((r0 + r) * tileStride + c0 + c) * bytes, value);
            }
          }
        }
      }
    },
    diagonal(block, capacity, first, count, target) {
      const norms = (block + normsAt(capacity)) / 4 + first;
      for (let i = 0; i < count; i++) target[i] = distances ? 1 : floats[norms + i]!;
    },
  };
  return evaluator;
}
