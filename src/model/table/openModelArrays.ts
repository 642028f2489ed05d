import { tmpdir } from 'node:os';
import { basename } from 'node:path';
import { arrayTable, labelColumnNames } from '../../data/arrays/arrayTable.js';
import { type ArrayOptions, chooseFeatures } from '../../data/arrays/chooseArrays.js';
import { readable } from '../../data/arrays/unpackColumns.js';
import type { FeatureColumn } from '../../data/columns/columnMapping.js';
import { SourceFiles } from '../../data/import/sourceFiles.js';
import { labelCount } from '../../data/rowLayout.js';
import type { TableSource } from '../../data/table/tableSource.js';
import { MlmlError } from '../../errors.js';
import { Scratch } from '../../storage/scratch.js';
import type { Storage } from '../../storage/storage.js';
import type { Model } from '../saveModel.js';

/** Which arrays of a file are features and labels. */
export interface ModelArrayOptions extends Pick<ArrayOptions, 'features' | 'labels' | 'labelColumn'> {
  /** Whether labels are needed. */
  readonly labelled?: boolean;
  /** Where columns of compressed arrays are unpacked. Default: the system's folder of temporary files. */
  readonly scratchFolder?: string;
  readonly signal?: AbortSignal;
}

/** A model and what it is to score, which fit each other. */
export interface ModelArrays {
  /** The model, with names for its features and classes. */
  readonly model: Model;
  readonly source: TableSource;
}

/**
 * Opens a file of arrays (.npy, .npz, .mat, idx) as what a model is to score: as many numbers in a row as it has features, or one more,
 * the label; or with an array of labels. The caller closes the table.
 *
 * @throws MlmlError `MLML_BAD_DATA` when rows have another length, `MLML_USAGE` for a model of a table
 */
export async function openModelArrays(
  storage: Storage,
  model: Model,
  path: string,
  { scratchFolder = tmpdir(), signal, labelled = false, ...options }: ModelArrayOptions,
): Promise<ModelArrays> {
  if (model.columns !== undefined)
    throw new MlmlError(
      'MLML_USAGE',
      `${path}: the model takes a table by the names of its columns, and arrays have none; give a table (CSV, JSON lines, …)`,
    );
  const sources = new SourceFiles(storage, basename(path), signal === undefined ? {} : { signal });
  const scratches: Scratch[] = [];
  const close = async () => {
    for (const scratch of scratches.splice(0)) await scratch.close();
    await sources.close();
  };
  try {
    const chosen = await chooseFeatures(storage, sources, path, options);
    const makeScratch = async (bytes: number) => {
      const scratch = await Scratch.open(storage, scratchFolder, bytes);
      scratches.push(scratch);
      return scratch;
    };
    const x = await readable(chosen.x, makeScratch);
    const { y, labelColumn = -1 } = chosen;
    if (x.columns !== model.d && !(y === undefined && x.columns === model.d + 1))
      throw new MlmlError(
        'MLML_BAD_DATA',
        `${x.name}: has ${x.columns} numbers in a row, the model takes ${model.d} features` +
          (y === undefined ? ', behind which there may be a label' : ''),
      );
    const hasColumn = y === undefined && x.columns === model.d + 1;
    if (labelled && !hasColumn && y === undefined)
      throw new MlmlError(
        'MLML_USAGE',
        `${x.name}: there are no labels; give them with --labels=<array or file>, or behind the features of each row`,
      );
    const position = labelColumn < 0 ? x.columns + labelColumn : labelColumn;
    if (hasColumn && !(position >= 0 && position < x.columns))
      throw new MlmlError(
        'MLML_USAGE',
        `--label-column=${labelColumn}: ${x.name} has columns 0 to ${x.columns - 1} (or −1, the last, to −${x.columns})`,
      );
    const wanted = labelCount(model);
    const found = y?.columns ?? 1;
    if (labelled && found !== wanted)
      throw new MlmlError(
        'MLML_MISMATCH',
        `${(y ?? x).name}: has ${found === 1 ? 'one label' : `${found} labels`} in a row, the model predicts ${wanted}${wanted > 1 ? '; give them with --labels=<array or file>' : ''}`,
      );
    const labels = hasColumn ? [String(position)] : labelColumnNames(wanted);
    const labelArray = found === wanted ? y && (await readable(y, makeScratch)) : undefined;
    return { model: withColumns(model, x.columns, labels), source: arrayTable(x, labelArray, close) };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The model, as one that was trained on a table whose columns are called by their numbers. */
function withColumns(model: Model, columns: number, labels: readonly string[]): Model {
  const missing = { fill: Number.NaN, indicator: false };
  const features: FeatureColumn[] = Array.from({ length: columns }, (_, j) => String(j))
    .filter((column) => !labels.includes(column))
    .map((column) => ({ column, kind: 'number', missing }));
  const isClass = model.task === 'classification';
  const numbers = Array.from({ length: Math.max(model.k, 2) }, (_, c) => String(c));
  return {
    ...model,
    ...(isClass && model.classNames.length === 0 ? { classNames: numbers } : {}),
    columns: {
      features,
      label: {
        column: labels[0]!,
        kind: isClass ? 'class' : 'number',
        ...(labels.length > 1 ? { others: labels.slice(1) } : {}),
      },
    },
  };
}
