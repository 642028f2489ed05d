import { join } from 'node:path';
import { readDescription } from '../data/dataset.js';
import { DESCRIPTION_FILE } from '../data/format.js';
import { MlmlError } from '../errors.js';
import { verifyModelRows } from '../model/kernelModelFile.js';
import { findModel, loadModel, readModelDescription } from '../model/loadModel.js';
import { MODEL_FILE } from '../model/modelFormat.js';
import { checkRun, RUN_FILE } from '../run/runFolder.js';
import { runFromHere } from '../run/runFromHere.js';
import { resumable } from '../run/savedProgress.js';
import type { Storage } from '../storage/storage.js';
import { readJson } from '../storage/textFile.js';
import type { CommandContext } from './commandContext.js';
import { datasetText, modelText, runText } from './infoText.js';
import type { Arguments } from './parseArguments.js';

/** Reads a model whole: its weights, and the rows it keeps. */
async function verifyModel(storage: Storage, path: string): Promise<void> {
  await loadModel(storage, path);
  const description = await readModelDescription(storage, path);
  if (description.kind === 'kernel') {
    await verifyModelRows(storage, await findModel(storage, path), description);
  }
}

/** `mlml info`: describes a data set, a model or a run; with --verify reads it whole. */
export async function infoVerb(context: CommandContext, given: Arguments): Promise<void> {
  const [subject, ...rest] = given.positionals;
  if (subject === undefined || rest.length > 0) {
    throw new MlmlError('MLML_USAGE', 'info takes one data set, model or run; see mlml info --help');
  }
  const { services } = context;
  const { storage } = services;
  const verify = given.flag('verify') ?? false;
  const has = async (folder: string, file: string) =>
    (await storage.status(join(folder, file))) !== undefined;
  const tell = async (value: object, text: string) => {
    await context.stdout.write(given.flag('json') ? `${JSON.stringify(value)}\n` : text);
    if (verify && !given.flag('json'))
      await context.stdout.write('everything was read and is as it was written\n');
  };
  // A name such as mnist is a folder in the folder of data sets.
  const { datasetFolder } = await services.importing();
  const named = await datasetFolder(storage, subject, given.text('data-dir'));
  for (const folder of [subject, named]) {
    if (await has(folder, DESCRIPTION_FILE)) {
      const description = await readDescription(storage, folder);
      if (verify) {
        const { verifyDataset } = await services.verifying();
        await verifyDataset(storage, folder, undefined, context.signal);
      }
      return await tell(description, datasetText(description, folder));
    }
  }
  if (await has(subject, RUN_FILE)) {
    const path = join(subject, RUN_FILE);
    const run = await runFromHere(storage, checkRun(await readJson(storage, path), path), subject);
    if (verify && (await has(join(subject, 'model'), MODEL_FILE))) await verifyModel(storage, subject);
    const goOn = await resumable(storage, subject, run);
    return await tell(goOn === undefined ? run : { ...run, resumable: goOn }, runText(run, subject, goOn));
  }
  if (await has(subject, MODEL_FILE)) {
    const description = await readModelDescription(storage, subject);
    if (verify) await verifyModel(storage, subject);
    return await tell(description, modelText(description, subject));
  }
  throw new MlmlError(
    'MLML_NOT_FOUND',
    `${subject}: is no data set, model or run: a folder with ${DESCRIPTION_FILE}, ${MODEL_FILE} or ${RUN_FILE} in it`,
  );
}
