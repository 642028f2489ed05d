import type { Evaluation } from './events.js';
import type { TrainOptions, Verb } from './options.js';

/** A model of the mean of the training targets is a little worse than the mean of other rows. */
const ROUGHLY_ZERO = -0.02;

/** Evaluations of a model, of which the first there is counts. */
export type Judged = Readonly<Partial<Record<'test' | 'heldOut' | 'train', Evaluation | undefined>>>;

/**
 * What to say of a model of regression that is worse than predicting the mean of the targets, on the test rows or what else was
 * evaluated; undefined when it is not.
 */
export function worseThanMean(
  verb: Verb,
  judged: Judged,
  options: Pick<TrainOptions, 'bias' | 'epochs' | 'iters' | 'eta0' | 'loss'>,
  /** What helps where labels lie too far from 0; nothing else does then. */
  remedy?: string,
): string | undefined {
  // gd says itself when it was not near a minimum.
  if (verb === 'gd') return undefined;
  if (remedy !== undefined) return worseSentence(judged, [remedy]);
  const { bias, epochs, iters, eta0, loss } = options;
  return worseSentence(judged, [
    ...(bias ? [] : ['an intercept (without --no-bias)']),
    ...(verb === 'ssgd' || verb === 'hsgd' ? [`more --epochs (now ${epochs})`] : []),
    ...(verb === 'sgd' ? [`more --iters (now ${iters})`] : []),
    ...(verb === 'closed' || eta0 === 'auto' ? [] : [`another --eta0 (now ${eta0}) or --eta0=auto`]),
    ...(verb !== 'closed' && loss === 'ridge' ? ['the verb closed'] : []),
    'a smaller --reg',
  ]);
}

/** The sentence, with what may help; undefined when the model is no worse, or of classes. */
export function worseSentence(
  { test, heldOut, train }: Judged,
  advice: readonly string[],
): string | undefined {
  const [part, r2] = [
    ['test rows', test?.r2] as const,
    ['held-out rows', heldOut?.r2] as const,
    ['training rows', train?.r2] as const,
  ].find(([, figure]) => figure !== undefined) ?? ['', undefined];
  if (r2 === undefined || r2 >= ROUGHLY_ZERO) return undefined;
  return (
    `the model is worse than predicting the mean of the targets: r2 is ${Number(r2.toPrecision(3))} on the ${part}; ` +
    `try ${advice.length === 1 ? advice[0] : `${advice.slice(0, -1).join(', ')} or ${advice.at(-1)}`}`
  );
}
