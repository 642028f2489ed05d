import { dirname, join } from 'node:path';
import { isKept } from './keptScratch.js';
import { lockIfFree } from './lock.js';
import { isLeftover, ownedName, ownerOf } from './ownedFolder.js';
import type { Storage } from './storage.js';

/** Folders with the states of a job outlive its process: the same job goes on from them. */
const JOB_NAME = /^(\.mlml-job-)?[0-9a-f]{16}$/;

/** Removes what dead processes left in a folder. */
export async function removeLeftovers(storage: Storage, folder: string): Promise<void> {
  for (const name of await storage.list(folder)) {
    const path = join(folder, name);
    if (isLeftover(name)) {
      // States of a job that was killed may count on its scratch.
      if (!(await isKept(storage, path))) await storage.remove(path);
    } else if (JOB_NAME.test(name)) await removeEmptyJob(storage, path);
  }
}

/** Removes a folder that this process holds. It gets another name first: nobody may find one that is about to go. */
export async function removeHeldFolder(storage: Storage, folder: string): Promise<void> {
  const gone = join(dirname(folder), ownedName('removed'));
  try {
    await storage.rename(folder, gone);
  } finally {
    // Also when the rename is said to have failed: it may have been carried out.
    await storage.remove(gone);
  }
}

/**
 * Removes the folder of a job that holds nothing but the locks of dead processes: it was killed when all was done. Its
 * `files` without a state that speaks of them are of no use either.
 */
async function removeEmptyJob(storage: Storage, folder: string): Promise<void> {
  const names = await storage.list(folder);
  if (!names.some(isLeftover) || !names.every(isUseless)) return;
  // The same job may be about to begin there.
  const lock = await lockIfFree(storage, folder, 'writer');
  if (lock === undefined) return;
  try {
    const isOwn = (name: string) => ownerOf(name)?.kind === 'writer';
    if ((await storage.list(folder)).every((name) => isOwn(name) || isUseless(name)))
      await removeHeldFolder(storage, folder);
  } finally {
    await lock.release();
  }
}

function isUseless(name: string): boolean {
  return name === 'files' || isLeftover(name);
}
