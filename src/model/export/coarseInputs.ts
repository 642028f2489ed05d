import { featureNames, widthOf } from '../../data/columns/columnMapping.js';
import { isKernelModel, type Model } from '../saveModel.js';

/** A step of float32 at 1, and how many of them a standard deviation should have at least. */
const STEP = 2 ** -23;
const LEAST_STEPS = 1000;

/**
 * Names of the features whose values differ by little against their size, so that inputs of float32 tell them apart badly: as the scaling
 * shows, which takes away their mean. Dates are inputs of float64 in any case.
 */
export function coarseInputs(model: Model): string[] {
  const { add } = isKernelModel(model) ? model.geometry : model.scaling;
  const { columns } = model;
  const names = columns === undefined ? undefined : featureNames(columns);
  const kinds = columns?.features.flatMap((feature) => new Array(widthOf(feature)).fill(feature.kind));
  const coarse: string[] = [];
  for (const [j, addend] of add.entries())
    if (Math.abs(addend) * STEP * LEAST_STEPS > 1 && (kinds === undefined || kinds[j] === 'number'))
      coarse.push(names?.[j] ?? String(j));
  return coarse;
}
