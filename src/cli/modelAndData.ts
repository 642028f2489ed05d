import type { Dataset } from '../data/dataset.js';
import type { RowFile } from '../data/rowFile.js';
import type { SparseDataset } from '../data/sparse/sparseDataset.js';
import type { SparseRowFile } from '../data/sparse/sparseRowFile.js';
import { MlmlError } from '../errors.js';
import { checkFit } from '../model/checkFit.js';
import { loadModel } from '../model/loadModel.js';
import type { Model } from '../model/saveModel.js';
import type { ProgressReporter } from '../run/progressReporter.js';
import type { CommandContext } from './commandContext.js';
import { openRequest } from './openData.js';
import type { Arguments } from './parseArguments.js';

export interface ModelAndData {
  readonly modelPath: string;
  readonly model: Model;
  readonly dataset: Dataset | SparseDataset;
  readonly part: 'train' | 'test';
  readonly rows: RowFile | SparseRowFile;
}

/** Opens what predict and evaluate name; the caller closes the data set. */
export async function openModelAndData(
  context: CommandContext,
  verb: string,
  given: Arguments,
  reporter: ProgressReporter,
): Promise<ModelAndData> {
  const [modelPath, source, ...rest] = given.positionals;
  if (modelPath === undefined || source === undefined || rest.length > 0) {
    throw new MlmlError('MLML_USAGE', `${verb} takes a model and a data set; see mlml ${verb} --help`);
  }
  const { services } = context;
  const model = await loadModel(services.storage, modelPath);
  const { openAnyByName } = await services.importing();
  const dataset = await openAnyByName(services.storage, source, openRequest(context, given, reporter));
  try {
    checkFit(model, dataset.description);
    const part = (given.text('part') ?? 'test') as 'train' | 'test';
    if (dataset[part].rows === 0) {
      const other = part === 'test' ? 'train' : 'test';
      throw new MlmlError(
        'MLML_USAGE',
        `--part=${part}: ${dataset.path} has no such rows; use --part=${other}`,
      );
    }
    return { modelPath, model, dataset, part, rows: dataset[part] };
  } catch (error) {
    await dataset.close();
    throw error;
  }
}
