import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ownedName, ownerOf } from './ownedFolder.js';
import { STATE_FILES } from './stateFile.js';
import type { Storage } from './storage.js';
import { readJson } from './textFile.js';

const KEPT_FILE = 'kept.json';

/** What a scratch folder says of itself while states of a job count on it: it outlives its process. */
export interface KeptScratch {
  /** Tells it from other scratch of the same job. */
  readonly id: string;
  /** Folder of the states, absolute. */
  readonly states: string;
  /** The newest state for which all of it is kept. Of the state before, parts may have been overwritten. */
  readonly sequence: number;
  /** What was written may be believed as long as the machine has not been started again: nothing here is synced. */
  readonly boot: string;
}

/** Names the time since the machine was started; undefined where that cannot be found out, and no scratch is kept. */
export function bootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return undefined;
  }
}

/** Replaces what a scratch folder says of itself. */
export async function writeKept(storage: Storage, folder: string, kept: KeptScratch): Promise<void> {
  const temporary = join(folder, ownedName('new'));
  const file = await storage.create(temporary);
  try {
    await file.write(new TextEncoder().encode(JSON.stringify(kept)), 0);
  } finally {
    await file.close();
  }
  await storage.rename(temporary, join(folder, KEPT_FILE));
}

/** Undefined when a folder says nothing that can be understood. */
async function readKept(storage: Storage, folder: string): Promise<KeptScratch | undefined> {
  const path = join(folder, KEPT_FILE);
  if ((await storage.status(path)) === undefined) return undefined;
  const value = (await readJson(storage, path).catch(() => undefined)) as Partial<KeptScratch> | undefined;
  const { id, states, sequence, boot } = value ?? {};
  const right = typeof id === 'string' && typeof states === 'string' && typeof boot === 'string';
  return right && typeof sequence === 'number' ? { id, states, sequence, boot } : undefined;
}

/** Whether a dead process's scratch may still be asked for: the states that count on it are there. */
export async function isKept(storage: Storage, folder: string): Promise<boolean> {
  const kept = await readKept(storage, folder);
  if (kept === undefined) return false;
  for (const file of STATE_FILES)
    if ((await storage.status(join(kept.states, file))) !== undefined) return true;
  return false;
}

/** The scratch of dead processes in `folder` that belongs to the states in `states`. */
export async function findKept(
  storage: Storage,
  folder: string,
  states: string,
): Promise<{ readonly path: string; readonly kept: KeptScratch }[]> {
  const found = [];
  for (const name of await storage.list(folder)) {
    const owner = ownerOf(name);
    if (owner?.kind !== 'scratch' || !owner.dead) continue;
    const path = join(folder, name);
    const kept = await readKept(storage, path);
    if (kept?.states === states) found.push({ path, kept });
  }
  return found;
}
