import { basename, dirname, join } from 'node:path';
import { MlmlError } from '../errors.js';
import type { Storage } from '../storage/storage.js';
import { readJson } from '../storage/textFile.js';
import { checkRun, RUN_FILE } from './runFolder.js';
import type { CrossValidationLine, TrainSummary } from './summary.js';

/** What --folds said of a model when it was trained: `path` is that of its run, or of the model in it. */
export async function crossValidationOfRun(
  storage: Storage,
  path: string,
): Promise<CrossValidationLine | undefined> {
  const file = join(basename(path) === 'model' ? dirname(path) : path, RUN_FILE);
  if ((await storage.status(file)) === undefined) return undefined;
  try {
    const { result } = checkRun(await readJson(storage, file), file);
    return (result as Partial<TrainSummary> | undefined)?.crossValidation?.[0];
  } catch (error) {
    // A model can be judged whatever its run has come to.
    if (error instanceof MlmlError) return undefined;
    throw error;
  }
}
