import type { Evaluation } from './events.js';
import type { TrainOptions, Verb } from './options.js';

/** A model of the mean of the training targets is a little worse than the mean of other rows. */
const ROUGHLY_ZERO = -0.02;

/**
 * What to say of a model of regression that is worse than predicting the mean of the targets, on the test rows or what else was
 * evaluated; undefined when it is not.
 */
export function worseThanMean(
  verb: Verb,
  { test, heldOut, train }: Readonly<Partial<Record<'test' | 'heldOut' | 'train', Evaluation | undefined>>>,
  options: Pick<TrainOptions, 'bias' | 'epochs' | 'iters' | 'eta0' | 'loss'>,
): string | undefined {
  const [part, r2] = [
    ['test rows', test?.r2] as const,
    ['held-out rows', heldOut?.r2] as const,
    ['training rows', train?.r2] as const,
  ].find(([, figure]) => figure !== undefined) ?? ['', undefined];
  // gd says itself when it was not near a minimum.
  if (r2 === undefined || r2 >= ROUGHLY_ZERO || verb === 'gd') return undefined;
  const { bias, epochs, iters, eta0, loss } = options;
  const advice = [
    ...(bias ? [] : ['an intercept (without --no-bias)']),
    ...(verb === 'ssgd' || verb === 'hsgd' ? [`more --epochs (now ${epochs})`] : []),
    ...(verb === 'sgd' ? [`more --iters (now ${iters})`] : []),
    ...(verb === 'closed' || eta0 === 'auto' ? [] : [`another --eta0 (now ${eta0}) or --eta0=auto`]),
    ...(verb !== 'closed' && loss === 'ridge' ? ['the verb closed'] : []),
    'a smaller --reg',
  ];
  return (
    `the model is worse than predicting the mean of the targets: r2 is ${Number(r2.toPrecision(3))} on the ${part}; ` +
    `try ${advice.length === 1 ? advice[0] : `${advice.slice(0, -1).join(', ')} or ${advice.at(-1)}`}`
  );
}
