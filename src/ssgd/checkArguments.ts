/**
 * Arguments from programs whose types nobody checks (JavaScript): what is of another kind altogether is one usage error that
 * names it, not a TypeError from somewhere inside.
 */
import { MlmlError } from '../errors.js';

const usage = (message: string) => new MlmlError('MLML_USAGE', message);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** A value in an error message: what it is, and how it reads where that is short. */
function told(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (typeof value === 'string') return `the text '${value.slice(0, 40)}'`;
  return isObject(value) ? 'an object' : `the ${typeof value} ${String(value).slice(0, 40)}`;
}

export function requireFunction(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function')
    throw usage(`${name}: is ${told(value)}; give a function`);
}

export function requireBoolean(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'boolean')
    throw usage(`${name}: is ${told(value)}; give true or false`);
}

/** The description of a data set, such as `dataset.description`. */
export function requireDescription(name: string, value: unknown): void {
  const isOne =
    isObject(value) &&
    typeof value['d'] === 'number' &&
    typeof value['k'] === 'number' &&
    typeof value['task'] === 'string' &&
    isObject(value['statistics']);
  if (isOne) return;
  const inside = isObject(value) && isObject(value['description']);
  throw usage(
    `${name}: is ${inside ? 'a data set' : told(value)}; give the description of a data set, dataset.description`,
  );
}

/** An open data set. */
export function requireDataset(value: unknown): void {
  if (!isObject(value) || !isObject(value['train']) || !isObject(value['test']))
    throw usage(`dataset: is ${told(value)}; give an open data set, such as openByName returns`);
  requireDescription('dataset.description', value['description']);
}

/** A linear model; kernel models pass, as they are told apart by name later. */
export function requireModel(name: string, value: unknown): void {
  if (isObject(value) && 'coefficients' in value) return;
  const scaling = isObject(value) ? value['scaling'] : undefined;
  const isOne =
    isObject(value) &&
    value['weights'] instanceof Float64Array &&
    value['intercept'] instanceof Float64Array &&
    isObject(scaling) &&
    scaling['multiply'] instanceof Float64Array &&
    scaling['add'] instanceof Float64Array;
  if (!isOne)
    throw usage(`${name}: is ${told(value)}; give a linear model, such as loadModel or train returns`);
}

export function requireClassNames(value: unknown): void {
  if (value === undefined) return;
  if (!Array.isArray(value) || !value.every((name) => typeof name === 'string'))
    throw usage(
      `classNames: is ${told(value)}; give an array with the name of each class, such as ['no', 'yes']`,
    );
}

export function requireOptions(value: unknown): void {
  if (!isObject(value)) throw usage(`options: is ${told(value)}; give { ...defaultOptions, … }`);
  const { sweep } = value;
  if (sweep !== undefined && !(isObject(sweep) && Object.values(sweep).every(Array.isArray)))
    throw usage('sweep: give an object with an array of values for each option, such as { reg: [0.1, 1] }');
  for (const name of ['bias', 'average', 'simulated', 'halving']) requireBoolean(name, value[name]);
}

/** What a job is given beside data and options. */
export function requireContext(value: unknown): void {
  const example = "give { storage: nodeStorage, scratchFolder: 'scratch' }";
  if (!isObject(value)) throw usage(`context: is ${told(value)}; ${example}`);
  const { storage, scratchFolder, signal, checkpoint } = value;
  if (!isObject(storage) || typeof storage['openRead'] !== 'function')
    throw usage(`context.storage: is ${told(storage)}; ${example}`);
  if (typeof scratchFolder !== 'string')
    throw usage(`context.scratchFolder: is ${told(scratchFolder)}; ${example}`);
  requireFunction('context.onEvent', value['onEvent']);
  if (signal !== undefined && !(isObject(signal) && typeof signal['addEventListener'] === 'function'))
    throw usage(`context.signal: is ${told(signal)}; give the signal of an AbortController`);
  if (checkpoint !== undefined && !(isObject(checkpoint) && typeof checkpoint['folder'] === 'string'))
    throw usage(`context.checkpoint: is ${told(checkpoint)}; give { folder: 'a folder of its own' }`);
  if (value['init'] !== undefined) requireModel('context.init', value['init']);
}
