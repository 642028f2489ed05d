import { basename, dirname, join } from 'node:path';
import { MlmlError } from '../errors.js';
import type { LinearModel } from '../ssgd/linearModel.js';
import type { Storage } from '../storage/storage.js';
import { replaceFile } from '../storage/textFile.js';
import { MODEL_FILE, MODEL_VERSION, type ModelDescription, weightBytes } from './modelFormat.js';
import { writeNumbers } from './weightsFile.js';

const WEIGHTS_FILE = 'weights.bin';

/**
 * Saves a model as a folder of two files. The folder appears whole or not at all; one that is there already is
 * `MLML_EXISTS`.
 *
 * @example
 * await saveModel(nodeStorage, result.model, 'mymodel');
 */
export async function saveModel(storage: Storage, model: LinearModel, folder: string): Promise<void> {
  if ((await storage.status(folder)) !== undefined) {
    throw new MlmlError('MLML_EXISTS', `${folder}: exists already; remove it or give another name`);
  }
  const { d, k, weights, intercept, scaling } = model;
  const parent = dirname(folder);
  const temporary = join(parent, `.${basename(folder)}.tmp-${process.pid}`);
  try {
    await storage.remove(temporary);
    await storage.makeFolder(temporary);
    const file = await storage.create(join(temporary, WEIGHTS_FILE));
    let sha256: string;
    try {
      sha256 = await writeNumbers(file, [weights, intercept, scaling.multiply, scaling.add]);
      await file.sync();
    } finally {
      await file.close();
    }
    const description: ModelDescription = {
      format: 'mlml-model',
      version: MODEL_VERSION,
      kind: 'linear',
      task: model.task,
      loss: model.loss,
      d,
      k,
      scaling: scaling.name,
      classNames: model.classNames,
      fingerprint: model.fingerprint,
      weights: { file: WEIGHTS_FILE, bytes: weightBytes(d, k), sha256 },
    };
    await replaceFile(storage, join(temporary, MODEL_FILE), `${JSON.stringify(description, null, 1)}\n`);
    await storage.rename(temporary, folder);
    await storage.syncFolder(parent);
  } catch (error) {
    await storage.remove(temporary).catch(() => {});
    throw error;
  }
}
