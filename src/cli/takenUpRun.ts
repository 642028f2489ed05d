import { MlmlError } from '../errors.js';
import { loadModel } from '../model/loadModel.js';
import {
  type EarlierRun,
  failedForGood,
  findRun,
  holdRun,
  isStateOf,
  isUnfinished,
  removeHalfMade,
} from '../run/earlierRun.js';
import type { RunDescription, RunPaths } from '../run/runFolder.js';
import { removeFinishedJob } from '../storage/checkpoint.js';
import { isReadOnly } from '../storage/lock.js';
import type { Storage } from '../storage/storage.js';

/**
 * Holds the run at `out`. Kernel jobs go on with an unfinished run of the same command also without --resume.
 *
 * @throws MlmlError `MLML_EXISTS` when it may not be gone on with, `MLML_BUSY` when another process works on it
 */
export async function takeUpRun(
  storage: Storage,
  out: string,
  words: readonly string[],
  resume: boolean,
): Promise<EarlierRun> {
  if (resume || (await isUnfinishedRun(storage, out, words))) {
    const earlier = await holdRun(storage, out);
    if (earlier !== undefined) return earlier;
  }
  throw await refusal(storage, out, words);
}

async function isUnfinishedRun(storage: Storage, out: string, words: readonly string[]): Promise<boolean> {
  const found = await findRun(storage, out, words);
  return found !== undefined && isUnfinished(found);
}

/** `MLML_EXISTS`, saying what lies at `out` and how a command of these words gets along with it. */
export async function refusal(storage: Storage, out: string, words: readonly string[]): Promise<MlmlError> {
  const found = await findRun(storage, out, words);
  return new MlmlError('MLML_EXISTS', `${out}: exists already; ${advice(found)}`);
}

function advice(found: Awaited<ReturnType<typeof findRun>>): string {
  const otherwise = 'remove it or give another --out';
  if (found === undefined) return otherwise;
  const { run, same, holder } = found;
  if (holder !== undefined)
    return `process ${holder.pid} on ${holder.machine} works on this run; wait until it has ended, or give another --out`;
  if (isUnfinished(found))
    return 'it is a run of this command that did not come to its end: add --resume to go on with it, or remove it';
  const failure = failedForGood(run);
  if (failure !== undefined)
    return `it is a run that failed (${failure.code}): add --resume to begin anew in its place, or remove it`;
  if (run.status === 'failed' && same)
    return `it is a run of this command that failed (${run.error?.code}): add --resume to go on with it, or remove it`;
  if (run.status === 'done' && same)
    return 'it is a complete run of this command: add --resume to be told its result again, or remove it';
  return otherwise;
}

/**
 * Makes sure that a run which is complete still has its model, whole.
 *
 * @throws MlmlError the code of what is wrong with the model: `MLML_NOT_FOUND`, `MLML_BAD_FILE`, `MLML_CHECKSUM` …
 */
export async function requireModel(storage: Storage, { folder, model }: RunPaths): Promise<void> {
  try {
    await loadModel(storage, model);
  } catch (error) {
    if (!(error instanceof MlmlError)) throw error;
    throw new MlmlError(
      error.code,
      `${folder}: this run is complete, but its model can no longer be used: ${error.message}; ` +
        `put ${model} back from a copy, or remove ${folder} and give the command again to train it anew`,
      { cause: error },
    );
  }
}

/** Removes the states of a run that is complete: its process was killed right after its end. */
export async function clearUp(storage: Storage, run: RunDescription, paths: RunPaths): Promise<void> {
  // Where nothing may be written, nothing of it can be left to remove.
  try {
    await removeHalfMade(storage, paths, true);
    if (run.states !== undefined) await removeFinishedJob(storage, run.states, isStateOf(run, paths.folder));
  } catch (error) {
    if (!isReadOnly(error)) throw error;
  }
}
