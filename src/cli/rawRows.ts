import { type Dtype, dtypeBytes } from '../arithmetic/dtype.js';
import type { Task } from '../data/format.js';
import type { RawRows } from '../data/rawRows.js';
import { MlmlError } from '../errors.js';
import type { Storage } from '../storage/storage.js';
import type { Arguments } from './parseArguments.js';

const DEFAULT_CLASSES = 10;
const classLosses: readonly (string | undefined)[] = ['softmax', 'logistic', 'hinge', 'squared_hinge'];

/**
 * What the labels of raw rows mean. k > 1: class numbers. k = 1, or --one-hot=false as in 2016: the target of a
 * regression, or one of two classes when the loss is one for classes.
 */
function rawTask(given: Arguments): { task: Task; k: number } {
  const oneHot = given.flag('one-hot');
  const k = given.number('k') ?? (oneHot === false ? 1 : DEFAULT_CLASSES);
  if (oneHot === true && k === 1) {
    throw new MlmlError('MLML_USAGE', '--one-hot: needs the number of classes; --k is 1, give at least 2');
  }
  if (oneHot !== false && k > 1) return { task: 'classification', k };
  if (classLosses.includes(given.text('loss'))) return { task: 'classification', k: 2 };
  return { task: 'regression', k: 1 };
}

/** The number type that makes n rows of d features and a label fill the file exactly. */
async function guessDtype(storage: Storage, path: string, n: number, d: number): Promise<Dtype> {
  const status = await storage.status(path);
  if (status === undefined) throw new MlmlError('MLML_NOT_FOUND', `${path}: no such file`);
  const size = status.byteLength / (n * (d + 1));
  const fitting = (Object.keys(dtypeBytes) as Dtype[]).filter((dtype) => dtypeBytes[dtype] === size);
  // Signed bytes are rare; who has them says so.
  if (size === 1) return 'uint8';
  if (fitting.length === 1) return fitting[0]!;
  const why =
    fitting.length === 0
      ? `${status.byteLength} bytes are not ${n} rows of ${d} features and a label of any number type`
      : `its rows may be ${fitting.join(' or ')}`;
  throw new MlmlError('MLML_USAGE', `${path}: ${why}; check --n and --d and give --dtype`);
}

/** The raw row files an invocation names, or undefined when it names none. */
export async function rawRequest(
  storage: Storage,
  verb: string,
  given: Arguments,
  train: string | undefined = given.text('train'),
): Promise<RawRows | undefined> {
  const test = given.text('test');
  const nt = given.number('nt');
  if (train === undefined) {
    if (test === undefined) return undefined;
    throw new MlmlError('MLML_USAGE', `--test=${test}: ${verb} needs --train=<path> with it`);
  }
  const n = given.number('n');
  const d = given.number('d');
  for (const [name, value] of [
    ['n', n],
    ['d', d],
  ] as const) {
    if (value === undefined) {
      const what = name === 'n' ? 'the number of rows' : 'the number of features in a row';
      throw new MlmlError('MLML_USAGE', `--train=${train}: raw rows need --${name}, ${what}`);
    }
  }
  if (test !== undefined && nt === undefined) {
    throw new MlmlError('MLML_USAGE', `--test=${test}: needs --nt, the number of its rows`);
  }
  if (test === undefined && nt !== undefined) {
    throw new MlmlError('MLML_USAGE', `--nt=${nt}: needs --test=<path>, the file with those rows`);
  }
  const dtype = (given.text('dtype') as Dtype | undefined) ?? (await guessDtype(storage, train, n!, d!));
  return {
    n: n!,
    d: d!,
    train,
    ...(test === undefined ? {} : { test, nt: nt! }),
    dtype,
    ...rawTask(given),
  };
}
