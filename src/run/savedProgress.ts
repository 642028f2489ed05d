import { join } from 'node:path';
import type { SavedProgress } from '../storage/checkpoint.js';
import { holdersOf } from '../storage/lock.js';
import { checkState, type SavedState, STATE_FILES } from '../storage/stateFile.js';
import type { Storage } from '../storage/storage.js';
import { resumeCommand } from './commandWords.js';
import { failedForGood } from './earlierRun.js';
import type { RunDescription } from './runFolder.js';

/** Bytes at the end of `events.jsonl` in which the last save is looked for. */
const TAIL_BYTES = 1 << 16;

/** How a run that is not complete can be gone on with. */
export interface Resumable {
  /** The command that goes on. */
  readonly command: string;
  /** A process that works on the run now. */
  readonly process?: number;
  /** How far it was when its state was saved last; absent when nothing has been saved. */
  readonly saved?: SavedProgress;
  /** What is wrong with saved states that cannot be used, a sentence each. */
  readonly damaged?: readonly string[];
}

/** Undefined for a run that is complete, or failed for good. */
export async function resumable(
  storage: Storage,
  folder: string,
  run: RunDescription,
): Promise<Resumable | undefined> {
  if (run.status === 'done' || failedForGood(run) !== undefined) return undefined;
  const [holder] = await holdersOf(storage, folder);
  const { newest, damaged } = await inStates(storage, join(folder, 'checkpoint'));
  const saved = newest ?? (damaged.length > 0 ? undefined : await inEvents(storage, folder));
  return {
    command: resumeCommand(folder),
    ...(holder === undefined ? {} : { process: holder.pid }),
    ...(saved === undefined ? {} : { saved }),
    ...(damaged.length === 0 ? {} : { damaged }),
  };
}

/** Linear jobs keep their states in the run folder. */
async function inStates(storage: Storage, folder: string) {
  const damaged: string[] = [];
  let newest: SavedState | undefined;
  for (const name of STATE_FILES) {
    const path = join(folder, name);
    const found = await checkState(storage, path);
    if (found.kind === 'damaged') damaged.push(`${path} is damaged: ${found.why}`);
    if (found.kind === 'whole' && found.state.sequence > (newest?.sequence ?? 0)) newest = found.state;
  }
  return { newest: newest?.progress, damaged };
}

/** Kernel jobs keep them elsewhere, and tell of each. */
async function inEvents(storage: Storage, folder: string): Promise<SavedProgress | undefined> {
  const pass = (await lastSave(storage, folder))?.['pass'];
  return typeof pass === 'number' ? { done: pass, total: 0, unit: 'passes' } : undefined;
}

/** Whether a run tells of a state that it has saved. */
export async function hasSaved(storage: Storage, folder: string): Promise<boolean> {
  return (await lastSave(storage, folder)) !== undefined;
}

/** The last save a run tells of, if there was one lately. */
async function lastSave(storage: Storage, folder: string): Promise<Record<string, unknown> | undefined> {
  const path = join(folder, 'events.jsonl');
  if ((await storage.status(path)) === undefined) return undefined;
  const file = await storage.openRead(path);
  try {
    const tail = new Uint8Array(Math.min(TAIL_BYTES, file.byteLength));
    await file.readInto(tail, file.byteLength - tail.length);
    const lines = new TextDecoder().decode(tail).split('\n');
    const last = lines.findLast((line) => line.includes('"type":"checkpoint"'));
    return last === undefined ? undefined : JSON.parse(last);
  } catch {
    // A line that was cut short tells nothing.
    return undefined;
  } finally {
    await file.close();
  }
}
