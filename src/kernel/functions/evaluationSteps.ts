import { dtypeBytes } from '../../arithmetic/dtype.js';
import { MlmlError } from '../../errors.js';
import { THREAD_SCRATCH_BYTES } from '../../threads/threads.js';
import { PACK_ROWS } from './blockEvaluator.js';
import { type EvaluationPlan, leavesOf, type Measure, measureOf } from './evaluationPlan.js';
import type { KernelFunction } from './kernelFunction.js';
import { kernelName } from './kernelName.js';
import {
  customPass,
  functionPass,
  type MeasurePass,
  measurePass,
  type PassParts,
  planeCount,
} from './leafPasses.js';
import type { BlockPair } from './packedRows.js';

/** Rows of a plane, and its most columns. */
export const PLANE_ROWS = 32;
const MOST_COLUMNS = 256;
/** At the end of the scratch: a tile of 16 × 16 entries, for diagonals. */
export const CORNER_BYTES = PACK_ROWS * PACK_ROWS * 8;

type Step = (pair: BlockPair) => void;

/** Measures that more than one leaf is a function of: worked out once, kept in a plane of their own. */
function sharedMeasures(kernel: KernelFunction): Measure[] {
  const measures = leavesOf(kernel).map(measureOf);
  const repeated = measures.filter((measure, i) => measure !== 'custom' && measures.indexOf(measure) !== i);
  return [...new Set(repeated)];
}

/** Planes a kernel is combined in: a part of a sum or product waits in one while the next is worked out. */
function combinationDepth(kernel: KernelFunction): number {
  const deepest = (parts: readonly KernelFunction[]) =>
    Math.max(...parts.map((part, i) => combinationDepth(part) + Math.min(i, 1)));
  if (kernel.kind === 'sum') return deepest(kernel.terms);
  if (kernel.kind === 'product') return deepest(kernel.factors);
  if (kernel.kind === 'scale') return combinationDepth(kernel.of);
  return 1;
}

/** Columns of the planes, a multiple of 16: as many planes as the kernel needs lie in the scratch at once. */
export function planeColumns(kernel: KernelFunction, plan: EvaluationPlan): number {
  // One more for sums over chunks of features.
  const planes = sharedMeasures(kernel).length + combinationDepth(kernel) + 1;
  const rowsBytes = planes * PLANE_ROWS * dtypeBytes[plan.work];
  const columns = Math.floor((THREAD_SCRATCH_BYTES - CORNER_BYTES) / rowsBytes / PACK_ROWS) * PACK_ROWS;
  if (columns >= PACK_ROWS) return Math.min(MOST_COLUMNS, columns);
  throw new MlmlError(
    'MLML_USAGE',
    `kernel ${kernelName(kernel)}: is nested ${combinationDepth(kernel)} deep, too deep to evaluate; write it with fewer parentheses`,
  );
}

/** The kernel as a list of passes over planes; `result` is the plane its values end in. */
export function compileSteps(
  kernel: KernelFunction,
  parts: PassParts,
  address: (plane: number) => number,
): { steps: Step[]; result: number } {
  const { kernels } = parts;
  const single = parts.plan.work === 'float32';
  const shared = sharedMeasures(kernel);
  const spare = address(shared.length + combinationDepth(kernel));
  const steps: Step[] = [];
  const addMeasure = (pass: MeasurePass, plane: number) => steps.push((pair) => pass(pair, plane, spare));
  for (const [plane, measure] of shared.entries())
    addMeasure(measurePass(measure as Exclude<Measure, 'custom'>, parts), address(plane));

  const add = single ? kernels.addPlane32 : kernels.addPlane64;
  const multiply = single ? kernels.multiplyPlane32 : kernels.multiplyPlane64;
  const scale = single ? kernels.scalePlane32 : kernels.scalePlane64;
  const combine = (of: readonly KernelFunction[], plane: number, by: typeof add) => {
    const [to, from] = [address(plane), address(plane + 1)];
    for (const [i, part] of of.entries()) {
      compile(part, i === 0 ? plane : plane + 1);
      if (i > 0) steps.push((pair) => by(from, to, planeCount(pair)));
    }
  };
  const compile = (part: KernelFunction, plane: number): void => {
    const to = address(plane);
    if (part.kind === 'sum') return combine(part.terms, plane, add);
    if (part.kind === 'product') return combine(part.factors, plane, multiply);
    if (part.kind === 'scale') {
      compile(part.of, plane);
      steps.push((pair) => scale(to, to, planeCount(pair), part.factor));
      return;
    }
    if (part.kind === 'custom') {
      addMeasure(customPass(part.name, parts), to);
      return;
    }
    if (part.kind === 'precomputed') return;
    const measure = measureOf(part) as Exclude<Measure, 'custom'>;
    const plane0 = shared.indexOf(measure);
    if (plane0 < 0) addMeasure(measurePass(measure, parts), to);
    const from = plane0 < 0 ? to : address(plane0);
    const apply = functionPass(part, measure, parts);
    steps.push((pair) => apply(pair, from, to));
  };
  compile(kernel, shared.length);
  return { steps, result: address(shared.length) };
}
