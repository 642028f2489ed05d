import { MlmlError } from '../../errors.js';
import { type SweepGrid, type SweepName, sweepNames, type TrainOptions, type Verb } from '../options.js';

/** Models beyond which a grid is surely a mistake. */
const MOST_MODELS = 1024;

/** Throws `MLML_USAGE` for a sweep that a verb cannot train, or that has nothing to choose by. */
export function checkSweep(verb: Verb, options: TrainOptions): void {
  const { sweep, halving, holdout, folds } = options;
  if (sweep === undefined) {
    if (!halving) return;
    throw new MlmlError('MLML_USAGE', '--halving: drops models of a sweep; give --sweep name=value,value …');
  }
  if (verb !== 'ssgd' && verb !== 'sgd') {
    throw new MlmlError(
      'MLML_USAGE',
      `--sweep: ${verb} trains one model; sgd and ssgd train several at once`,
    );
  }
  const names = Object.keys(sweep);
  const stranger = names.find((name) => !(sweepNames as readonly string[]).includes(name));
  if (stranger !== undefined || names.length === 0) {
    const what = stranger === undefined ? 'has no values' : `cannot vary ${stranger}`;
    throw new MlmlError('MLML_USAGE', `--sweep: ${what}; it takes ${sweepNames.join(', ')}`);
  }
  for (const name of names as SweepName[]) checkValues(name, sweep[name]!);
  const count = names.reduce((product, name) => product * sweep[name as SweepName]!.length, 1);
  if (count > MOST_MODELS) {
    throw new MlmlError(
      'MLML_USAGE',
      `--sweep: ${count} combinations are more than ${MOST_MODELS}; give fewer values`,
    );
  }
  if (holdout === 0 && folds === 0) {
    throw new MlmlError(
      'MLML_USAGE',
      '--holdout=0: the models of a sweep are compared on held-out rows; give a share above 0',
    );
  }
}

function checkValues(name: SweepName, values: readonly unknown[]): void {
  if (values.length === 0) throw new MlmlError('MLML_USAGE', `--sweep ${name}=: has no values`);
  const twice = values.find((value, i) => values.indexOf(value) !== i);
  if (twice !== undefined)
    throw new MlmlError('MLML_USAGE', `--sweep ${name}=${values}: ${twice} is there twice`);
  // With an automatic rate all features are centred while they are read, for all models: there is one stream.
  if (name === 'eta0' && values.includes('auto') && values.length > 1) {
    throw new MlmlError(
      'MLML_USAGE',
      `--sweep eta0=${values}: auto does not go with numbers; leave eta0 out for the automatic rate, or give numbers only`,
    );
  }
}

/** Options of each model of a run: the combinations of its sweep, the last name varying fastest, or its own alone. */
export function variantsOf(options: TrainOptions): readonly TrainOptions[] {
  const { sweep, ...common } = options;
  if (sweep === undefined) return [options];
  let variants: TrainOptions[] = [common];
  for (const name of namesOf(sweep)) {
    variants = variants.flatMap((each) => sweep[name]!.map((value) => ({ ...each, [name]: value })));
  }
  return variants;
}

/** The options that a sweep varies, in order. */
export function namesOf(sweep: SweepGrid): SweepName[] {
  return sweepNames.filter((name) => sweep[name] !== undefined);
}
