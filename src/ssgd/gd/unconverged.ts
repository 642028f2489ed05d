import type { TrainOptions } from '../options.js';
import type { DescentResult } from './gradientDescent.js';

/** A gradient above this share of its first value is far from a minimum … */
const LARGE = 0.1;
/** … and one above this share is, while the last tenth of the iterations still brings some of the decrease. */
const NOTABLE = 0.01;
const LATE_SHARE = 0.01;
/** A decrease below this share of the objective is rounding: it began at the minimum. */
const ROUNDING = 1e-7;

/** What to say when the iterations were used up before a minimum was near; undefined when it is. */
export function unconverged(
  { converged, iterations, first, late, objective, residual }: DescentResult,
  { loss, optimizer, momentum, eta0 }: Pick<TrainOptions, 'loss' | 'optimizer' | 'momentum' | 'eta0'>,
): string | undefined {
  const decrease = first - objective;
  if (converged || !(decrease > ROUNDING * Math.abs(first))) return undefined;
  const share = (late - objective) / decrease;
  if (!(residual > LARGE || (residual > NOTABLE && share > LATE_SHARE))) return undefined;
  const accelerate = optimizer === 'nesterov' || momentum > 0 ? [] : ['--optimizer=nesterov --momentum=0.9'];
  const advice = [
    'more --iters',
    ...(eta0 === 'auto' ? [] : ['a larger --eta0 or --eta0=auto']),
    ...accelerate,
    loss === 'ridge' ? 'the verb closed' : 'the verb ssgd',
    ...(loss === 'huber'
      ? ['--loss=ridge (huber counts errors beyond 1, in units of the target, by the line)']
      : []),
  ];
  return (
    `gd has not converged: after ${iterations} iterations the gradient is ${Number((100 * residual).toPrecision(2))} % of the first, ` +
    `and the objective per row, ${first.toPrecision(4)} at the start, is ${objective.toPrecision(4)}; ` +
    `give ${advice.slice(0, -1).join(', ')} or ${advice.at(-1)}`
  );
}
