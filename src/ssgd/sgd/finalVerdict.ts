/**
 * Whether a model that has trained to its end is one, or what a divergence left.
 *
 * A watch over the loss of steps (divergence.ts) cannot tell: it may have been in the middle of a rise, the weights gone back to may
 * have been bad for rows that come rarely, and a few rows may have been hit that do not come again. Where there is reason to doubt,
 * the rows trained on decide.
 */
import { MlmlError } from '../../errors.js';
import type { Evaluation } from '../events.js';
import { formatFigure } from './formatFigure.js';
import type { StepModel } from './runParts.js';
import { smallerRate, type Trainee } from './trainee.js';

/** A loss so many times that of the start is a reason to look. */
const DOUBTFUL = 1.5;

export interface Concluding {
  /** Evaluates models on the rows trained on. */
  readonly judge: (models: readonly StepModel[]) => Promise<Evaluation[]>;
  /** Rows have weights, which evaluations do not know. */
  readonly weighted: boolean;
  /** On the test rows. */
  readonly test: Evaluation | undefined;
}

function isDoubtful(
  { halvings, watch, epochLoss, heldOut }: Trainee,
  { test, weighted }: Concluding,
): boolean {
  if (halvings > 0 || watch.isRisen) return true;
  const shown = weighted ? [] : [epochLoss.meanLoss, heldOut?.loss ?? 0, test?.loss ?? 0];
  return shown.some((loss) => !(loss <= DOUBTFUL * watch.first));
}

/** The failures of those of the models that diverged and did not recover. Tells of those that recovered. */
export async function finalVerdict(
  trainees: readonly Trainee[],
  concluding: Concluding,
): Promise<ReadonlyMap<Trainee, MlmlError>> {
  const failures = new Map<Trainee, MlmlError>();
  const doubtful = trainees.filter((trainee) => isDoubtful(trainee, concluding));
  if (doubtful.length === 0) return failures;
  const { judge, weighted } = concluding;
  const evaluations = weighted ? [] : await judge(doubtful.map(({ model }) => model));
  for (const [i, trainee] of doubtful.entries()) {
    const { watch, halvings, model } = trainee;
    const loss = evaluations[i]?.loss;
    let start = watch.first;
    // The first rows need not be like all others: what the start loses on all of them decides.
    if (loss !== undefined && !(loss <= watch.rise * start)) {
      const [evaluation] = await model.instead(
        () => trainee.writeStart(),
        () => judge([model]),
      );
      start = evaluation!.loss;
    }
    if (loss === undefined ? watch.isRisen : !(loss <= watch.rise * start)) {
      failures.set(trainee, failure(trainee, loss, start));
    } else if (halvings > 0) trainee.emit({ type: 'warning', message: recovery(trainee, loss, start) });
  }
  return failures;
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

function failure({ options, halvings, eta0 }: Trainee, loss: number | undefined, start: number): MlmlError {
  const shown =
    loss === undefined
      ? `the loss of the last rows was far above ${formatFigure(start)}, what it was before training`
      : `the loss of a training row is ${formatFigure(loss)}, and was ${formatFigure(start)} before training`;
  const advice =
    options.eta0 === 'auto'
      ? `${halvings > 0 ? `the learning rate was halved ${times(halvings)}, to ${formatFigure(eta0)}, and that was not enough: ` : ''}` +
        `give more --epochs, a smaller --eta0 (say ${formatFigure(eta0 / 10)}) or --scale=standard, or train with closed or gd`
      : smallerRate(eta0);
  return new MlmlError('MLML_DIVERGED', `training diverged and did not recover: ${shown}; ${advice}`);
}

function recovery({ halvings, eta0 }: Trainee, loss: number | undefined, start: number): string {
  const shown =
    loss === undefined
      ? ''
      : `: the loss of a training row is ${formatFigure(loss)}, and was ${formatFigure(start)} before training`;
  return `training recovered from ${halvings === 1 ? 'a divergence' : `${halvings} divergences`}, with the learning rate halved ${times(halvings)}, to ${formatFigure(eta0)}${shown}`;
}
