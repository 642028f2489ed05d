import { dirname } from 'node:path';
import type { Storage } from './storage.js';

/** `path` and its parents, as far as they are not there, the innermost first: those that making it would make. */
export async function missingFolders(storage: Storage, path: string): Promise<string[]> {
  const missing: string[] = [];
  for (let folder = path; (await storage.status(folder)) === undefined; folder = dirname(folder)) {
    missing.push(folder);
    if (dirname(folder) === folder) break;
  }
  return missing;
}

/**
 * Removes those of `folders` (the innermost first) that are empty. What cannot be removed stays: an empty folder is no reason
 * to fail.
 */
export async function removeEmptyFolders(storage: Storage, folders: readonly string[]): Promise<void> {
  for (const folder of folders) await storage.removeEmpty(folder).catch(() => {});
}
