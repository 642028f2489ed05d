import { join } from 'node:path';
import { columnsOf } from '../data/columns/columnMapping.js';
import { MlmlError } from '../errors.js';
import { calibrationOf } from '../ssgd/scoreCalibration.js';
import type { Storage } from '../storage/storage.js';
import { readJson } from '../storage/textFile.js';
import { readKernelModel } from './kernelModelFile.js';
import { checkModelDescription, MODEL_FILE, type ModelDescription } from './modelFormat.js';
import type { Model } from './saveModel.js';
import { readNumbers } from './weightsFile.js';

/** The model folder meant by `path`: itself, or `model/` in it when it is a run folder. */
export async function findModel(storage: Storage, path: string): Promise<string> {
  for (const folder of [path, join(path, 'model')]) {
    if ((await storage.status(join(folder, MODEL_FILE))) !== undefined) return folder;
  }
  throw new MlmlError(
    'MLML_NOT_FOUND',
    `${path}: is not a model folder or a run folder with a model (there is no ${MODEL_FILE} in it)`,
  );
}

/** The checked `model.json` of a model or run folder. */
export async function readModelDescription(storage: Storage, path: string): Promise<ModelDescription> {
  const file = join(await findModel(storage, path), MODEL_FILE);
  return checkModelDescription(await readJson(storage, file), file);
}

/**
 * Loads a model from a model folder or a run folder. Sizes, version, checksum and numbers are checked.
 *
 * @example
 * const model = await loadModel(nodeStorage, 'runs/ssgd-2026-01-31T12-00-00');
 */
export async function loadModel(storage: Storage, path: string): Promise<Model> {
  const folder = await findModel(storage, path);
  const description = await readModelDescription(storage, folder);
  if (description.kind === 'kernel') return await readKernelModel(storage, folder, description);
  const { d, k, weights: stored } = description;
  const file = await storage.openRead(join(folder, stored.file));
  try {
    if (file.byteLength !== stored.bytes) {
      throw new MlmlError(
        'MLML_BAD_FILE',
        `${file.path}: has ${file.byteLength} bytes; ${k} x ${d} weights, ${k} intercepts and the scaling are ${stored.bytes} bytes`,
      );
    }
    const weights = new Float64Array(k * d);
    const intercept = new Float64Array(k);
    const multiply = new Float64Array(d);
    const add = new Float64Array(d);
    await readNumbers(file, [weights, intercept, multiply, add], stored.sha256);
    return {
      task: description.task,
      loss: description.loss,
      d,
      k,
      scaling: { name: description.scaling, multiply, add },
      weights,
      intercept,
      classNames: description.classNames,
      fingerprint: description.fingerprint,
      ...columnsOf(description),
      ...calibrationOf(description),
      ...(description.weightColumn === undefined ? {} : { weightColumn: description.weightColumn }),
    };
  } finally {
    await file.close();
  }
}
