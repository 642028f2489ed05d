import type { CrossValidatedModel, Evaluation, Fate, FoldFigures } from './events.js';
import { isBetter } from './sgd/earlyStopping.js';

const FIGURES = ['loss', 'accuracy', 'rmse', 'r2'] as const;

/** Mean and standard deviation (of the folds themselves: divided by their number) of each figure over the folds. */
export function overFolds(evaluations: readonly Evaluation[]): {
  readonly mean: FoldFigures;
  readonly deviation: FoldFigures;
} {
  const names = FIGURES.filter((name) => evaluations[0]![name] !== undefined);
  const figures = (figure: (values: readonly number[]) => number) =>
    Object.fromEntries(
      names.map((name) => [name, figure(evaluations.map((evaluation) => evaluation[name]!))]),
    ) as unknown as FoldFigures;
  return { mean: figures(meanOf), deviation: figures(deviationOf) };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function deviationOf(values: readonly number[]): number {
  const mean = meanOf(values);
  return Math.sqrt(meanOf(values.map((value) => (value - mean) ** 2)));
}

/** A model that was judged on each of its folds. `options`: the values it has of the options that vary. */
export function crossValidated(
  model: number,
  options: CrossValidatedModel['options'],
  fate: Fate,
  evaluations: readonly Evaluation[] | undefined,
): CrossValidatedModel {
  const common = { model, options, fate };
  return evaluations === undefined ? common : { ...common, evaluations, ...overFolds(evaluations) };
}

/** The better by their means first, equals in their order; those without figures last. */
export function ranked(models: readonly CrossValidatedModel[]): CrossValidatedModel[] {
  const compare = (a: CrossValidatedModel, b: CrossValidatedModel) => {
    if (a.mean === undefined || b.mean === undefined)
      return Number(a.mean === undefined) - Number(b.mean === undefined);
    return Number(isBetter(b.mean, a.mean)) - Number(isBetter(a.mean, b.mean));
  };
  return [...models].sort(compare);
}
