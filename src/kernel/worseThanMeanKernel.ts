import { worseSentence } from '../ssgd/worseThanMean.js';
import { comparesRows } from './job/evaluation.js';
import type { KernelTrainResult } from './jobs.js';
import type { KernelTrainOptions } from './options.js';

/**
 * What to say of a kernel model of regression that is worse than predicting the mean of the targets, on the test rows or what else
 * was evaluated; undefined when it is not.
 */
export function worseThanMeanKernel(
  {
    model,
    train,
    test,
  }: Pick<KernelTrainResult, 'train' | 'test'> & {
    readonly model: Pick<KernelTrainResult['model'], 'kernel' | 'regularization'>;
  },
  { memId }: Pick<KernelTrainOptions, 'memId'>,
): string | undefined {
  const sigma = memId === undefined ? 'another --sigma' : 'a kernel generated with another --sigma';
  return worseSentence({ test, train }, [
    ...(comparesRows(model.kernel) ? [sigma] : []),
    `another --reg (now ${model.regularization})`,
    'where the labels lie far from 0, labels with their mean subtracted (kernel ridge regression has no intercept)',
  ]);
}
