import { MlmlError } from '../../errors.js';
import type { Storage } from '../../storage/storage.js';
import type { PartName } from '../format.js';
import type { ImportOptions } from '../import/importOptions.js';
import type { SourceFiles } from '../import/sourceFiles.js';
import { nearest } from '../suggest.js';
import { type ArrayFile, openArrayFile } from './arrayFiles.js';
import { arrayFormat } from './arrayFormat.js';
import { LabelledRows } from './labelledRows.js';
import type { NamedArrays } from './namedArrays.js';
import type { NumericArray } from './numericArray.js';

/** Names of arrays that are taken when none are given, the first that is there; those of a training part first. */
const featureNames = ['X_train', 'x_train', 'Xtrain', 'X', 'x', 'features', 'data'];
const labelNames = ['y_train', 'Y_train', 'ytrain', 'y', 'Y', 'labels', 'label', 'target', 'targets'];

export interface ArrayParts {
  readonly train: LabelledRows;
  /** Absent: test rows are drawn from the training part. */
  readonly test?: LabelledRows;
}

export type ArrayOptions = Pick<
  ImportOptions,
  'features' | 'labels' | 'labelColumn' | 'testFile' | 'testLabels' | 'percentage'
>;

/** Finds the arrays of features and labels that the options name, or that have the usual names. */
export async function chooseArrays(
  storage: Storage,
  sources: SourceFiles,
  path: string,
  options: ArrayOptions,
): Promise<ArrayParts> {
  const { labels, labelColumn, testFile, testLabels } = options;
  const usage = (message: string) => new MlmlError('MLML_USAGE', message);
  if (labels !== undefined && labelColumn !== undefined)
    throw usage(`--label-column=${labelColumn}: not with --labels=${labels}; give one of them`);
  if (testLabels !== undefined && testFile === undefined)
    throw usage(`--test-labels=${testLabels}: needs --test-file=<path>, the file of the test rows`);
  const file = await openArrayFile(sources, path);
  const chosen = namesIn(file, options);
  const train = await rowsOf(storage, sources, file, path, chosen, options, 'train');
  let test: LabelledRows | undefined;
  if (testFile !== undefined) {
    const other = await openArrayFile(sources, testFile);
    const names = 'named' in other && chosen.x === undefined ? namesIn(other, options) : chosen;
    test = await rowsOf(storage, sources, other, testFile, names, options, 'test');
  } else if (chosen.testX !== undefined) {
    const names = { x: chosen.testX, y: chosen.testY };
    const column = labelColumn === undefined ? {} : { labelColumn };
    test = await rowsOf(storage, sources, file, path, names, column, 'train');
  }
  if (test === undefined) return { train };
  if (options.percentage !== undefined)
    throw usage(`--percentage=${options.percentage}: not with test rows of their own (${test.x.name})`);
  if (test.layout.d !== train.layout.d)
    throw new MlmlError(
      'MLML_BAD_FILE',
      `${test.x.name}: has ${test.layout.d} features in a row, ${train.x.name} has ${train.layout.d}`,
    );
  return { train, test };
}

/** Names of arrays that are scored, in this order. */
const scoredNames = ['X_test', 'x_test', 'Xtest', ...featureNames];
const scoredLabels = ['y_test', 'Y_test', 'ytest', ...labelNames];

/** Features to be scored, and their labels where there are any: an array, or a column of the features. */
export interface ChosenFeatures {
  readonly x: NumericArray;
  readonly y?: NumericArray;
  readonly labelColumn?: number;
}

/** Finds the arrays of a file that a model is to score; of a test part, where there are two. Labels may be absent. */
export async function chooseFeatures(
  storage: Storage,
  sources: SourceFiles,
  path: string,
  { features, labels, labelColumn }: Pick<ArrayOptions, 'features' | 'labels' | 'labelColumn'>,
): Promise<ChosenFeatures> {
  const usage = (message: string) => new MlmlError('MLML_USAGE', message);
  if (labels !== undefined && labelColumn !== undefined)
    throw usage(`--label-column=${labelColumn}: not with --labels=${labels}; give one of them`);
  const file = await openArrayFile(sources, path);
  const column = labelColumn === undefined ? {} : { labelColumn };
  let x: NumericArray;
  let y: NumericArray | undefined;
  if ('named' in file) {
    const { named } = file;
    const { names } = named;
    const name = features ?? scoredNames.find((usual) => names.includes(usual)) ?? onlyOne(names);
    if (name === undefined)
      throw usage(`${path}: say with --features=<name> which array to take; it holds ${listed(names)}`);
    if (!names.includes(name)) throw noSuch('features', name, path, names);
    x = await named.open(name);
    const part = /test/i.test(name) ? 'test' : /train/i.test(name) ? 'train' : '';
    const fits = (usual: string) =>
      names.includes(usual) &&
      usual !== name &&
      (/test|train/i.exec(usual)?.[0] ?? '').toLowerCase() === part;
    const wanted = labels ?? (labelColumn === undefined ? scoredLabels.find(fits) : undefined);
    if (wanted !== undefined) y = await labelsIn(storage, sources, named, wanted, 'labels');
  } else {
    if (features !== undefined)
      throw usage(`--features=${features}: ${file.array.name} holds a single array without a name`);
    x = file.array;
    if (labels !== undefined) y = await labelsAt(sources, labels, 'labels');
  }
  // Their number and shape are looked at there.
  return y === undefined ? { x, ...column } : { x, y: new LabelledRows(x, y).y! };
}

interface Names {
  readonly x?: string | undefined;
  readonly y?: string | undefined;
  /** Of a test part in the same file. */
  readonly testX?: string | undefined;
  readonly testY?: string | undefined;
}

/** The names of arrays in a file that has several; nothing for other files. */
function namesIn(file: ArrayFile, { features, labels, labelColumn, testFile }: ArrayOptions): Names {
  if (!('named' in file)) {
    if (features === undefined) return {};
    throw new MlmlError(
      'MLML_USAGE',
      `--features=${features}: ${file.array.name} holds a single array without a name`,
    );
  }
  const { names, path } = file.named;
  const x = features ?? featureNames.find((name) => names.includes(name)) ?? onlyOne(names);
  if (x === undefined)
    throw new MlmlError(
      'MLML_USAGE',
      `${path}: say with --features=<name> (and --labels=<name>) which arrays to take; it holds ${listed(names)}`,
    );
  if (!names.includes(x)) throw noSuch('features', x, path, names);
  const isTraining = /train/i.test(x);
  const fitting = labelNames.filter((name) => /train/i.test(name) === isTraining || features !== undefined);
  const y =
    labels ??
    (labelColumn === undefined ? fitting.find((name) => name !== x && names.includes(name)) : undefined);
  if (y === undefined && labelColumn === undefined)
    throw new MlmlError(
      'MLML_USAGE',
      `${path}: has no array of labels with a usual name (${fitting.slice(0, 3).join(', ')}, …); name it with --labels=<array or file>, ` +
        `or give --label-column=-1 when labels are the last column of ${x}; it holds ${listed(names)}`,
    );
  const other = (name: string | undefined) => {
    const found = name?.replace(/train/, 'test').replace(/Train/, 'Test').replace(/TRAIN/, 'TEST');
    return found !== name && found !== undefined && names.includes(found) ? found : undefined;
  };
  const testX = testFile === undefined ? other(x) : undefined;
  const testY = testX === undefined ? undefined : other(y);
  // Training rows alone, divided, where only half of a test part is there.
  if (y !== undefined && testY === undefined) return { x, y };
  return { x, y, testX, testY };
}

const onlyOne = (names: readonly string[]) => (names.length === 1 ? names[0] : undefined);

const listed = (names: readonly string[]) =>
  names.length === 0 ? 'none' : `${names.slice(0, 20).join(', ')}${names.length > 20 ? ', …' : ''}`;

function noSuch(option: string, name: string, path: string, names: readonly string[]): MlmlError {
  const suggestion = nearest(name, names);
  return new MlmlError(
    'MLML_USAGE',
    `--${option}=${name}: ${path} has no such array; ` +
      (suggestion === undefined ? `it holds ${listed(names)}` : `did you mean ${suggestion}?`),
  );
}

async function rowsOf(
  storage: Storage,
  sources: SourceFiles,
  file: ArrayFile,
  path: string,
  names: Names,
  { labels, labelColumn, testLabels }: ArrayOptions,
  part: PartName,
): Promise<LabelledRows> {
  const option = part === 'test' && testLabels !== undefined ? 'test-labels' : 'labels';
  if ('named' in file) {
    const { x, y } = names;
    if (x === undefined) throw new MlmlError('MLML_INTERNAL', `${path}: no array was chosen`);
    if (!file.named.names.includes(x)) throw noSuch('features', x, path, file.named.names);
    const features = await file.named.open(x);
    const wanted = part === 'test' ? (testLabels ?? y) : y;
    if (wanted === undefined) return new LabelledRows(features, undefined, labelColumn);
    return new LabelledRows(features, await labelsIn(storage, sources, file.named, wanted, option));
  }
  const wanted = part === 'test' ? testLabels : labels;
  if (wanted === undefined) {
    if (labels !== undefined)
      throw new MlmlError('MLML_USAGE', `--test-file=${path}: give its labels with --test-labels=<path>`);
    return new LabelledRows(file.array, undefined, labelColumn);
  }
  if (labels === undefined)
    throw new MlmlError('MLML_USAGE', `--test-labels=${wanted}: the training rows have no --labels`);
  return new LabelledRows(file.array, await labelsAt(sources, wanted, option));
}

/** Labels by the name of an array in the same file, or a file of their own. */
async function labelsIn(
  storage: Storage,
  sources: SourceFiles,
  named: NamedArrays,
  wanted: string,
  option: string,
): Promise<NumericArray> {
  if (named.names.includes(wanted)) return await named.open(wanted);
  const isFile = arrayFormat(wanted) !== undefined && (await storage.status(wanted)) !== undefined;
  if (isFile) return await labelsAt(sources, wanted, option);
  throw noSuch(option, wanted, named.path, named.names);
}

async function labelsAt(sources: SourceFiles, path: string, option: string): Promise<NumericArray> {
  const file = await openArrayFile(sources, path);
  if ('array' in file) return file.array;
  const only = onlyOne(file.named.names) ?? labelNames.find((name) => file.named.names.includes(name));
  if (only !== undefined) return await file.named.open(only);
  throw new MlmlError(
    'MLML_USAGE',
    `--${option}=${path}: holds several arrays, none of the name ${labelNames.join(', ')}`,
  );
}
