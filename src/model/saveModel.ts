import { dirname, join } from 'node:path';
import { columnsOf } from '../data/columns/columnMapping.js';
import { MlmlError } from '../errors.js';
import type { KernelModel } from '../kernel/kernelModel.js';
import type { LinearModel } from '../ssgd/linearModel.js';
import { calibrationOf } from '../ssgd/scoreCalibration.js';
import { removeLeftovers } from '../storage/leftovers.js';
import { ownedName } from '../storage/ownedFolder.js';
import { sealedText } from '../storage/sealedJson.js';
import type { Storage } from '../storage/storage.js';
import { replaceFile } from '../storage/textFile.js';
import { writeKernelModel } from './kernelModelFile.js';
import {
  type LinearModelDescription,
  MODEL_FILE,
  type ModelDescription,
  modelVersion,
  weightBytes,
} from './modelFormat.js';
import { WEIGHTS_FILE, writeWeights } from './weightsFile.js';

/** Options of `saveModel`. */
export interface SaveOptions {
  /** Keep a copy of the training rows a kernel model needs, so that it does without the data set. Default false. */
  readonly copyRows?: boolean;
  /** Stops the copying of rows with the signal's reason; no folder is left. */
  readonly signal?: AbortSignal;
}

/** A linear model, or one of kernels. */
export type Model = LinearModel | KernelModel;

export function isKernelModel(model: Model): model is KernelModel {
  return 'coefficients' in model;
}

/**
 * Saves a model as a folder. The folder appears whole or not at all; one that is there already is `MLML_EXISTS`.
 *
 * @example
 * await saveModel(nodeStorage, 'mymodel', result.model);
 */
export async function saveModel(
  storage: Storage,
  folder: string,
  model: Model,
  options: SaveOptions = {},
): Promise<void> {
  if ((await storage.status(folder)) !== undefined) {
    throw new MlmlError('MLML_EXISTS', `${folder}: exists already; remove it or give another name`);
  }
  const parent = dirname(folder);
  await removeLeftovers(storage, parent);
  const temporary = join(parent, ownedName('new'));
  try {
    await storage.makeFolder(temporary);
    const description: ModelDescription = isKernelModel(model)
      ? await writeKernelModel(storage, temporary, model, options)
      : await writeLinearModel(storage, temporary, model);
    await replaceFile(storage, join(temporary, MODEL_FILE), sealedText(description));
    await storage.rename(temporary, folder);
    await storage.syncFolder(parent);
  } catch (error) {
    await storage.remove(temporary).catch(() => {});
    throw error;
  }
}

async function writeLinearModel(
  storage: Storage,
  folder: string,
  model: LinearModel,
): Promise<LinearModelDescription> {
  const { d, k, weights, intercept, scaling } = model;
  const sha256 = await writeWeights(storage, folder, [weights, intercept, scaling.multiply, scaling.add]);
  return {
    format: 'mlml-model',
    version: modelVersion(model),
    kind: 'linear',
    task: model.task,
    loss: model.loss,
    d,
    k,
    scaling: scaling.name,
    classNames: model.classNames,
    fingerprint: model.fingerprint,
    ...columnsOf(model),
    ...calibrationOf(model),
    ...(model.weightColumn === undefined ? {} : { weightColumn: model.weightColumn }),
    weights: { file: WEIGHTS_FILE, bytes: weightBytes(d, k), sha256 },
  };
}
