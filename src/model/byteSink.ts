import { dirname, join } from 'node:path';
import { removeLeftovers } from '../storage/leftovers.js';
import { ownedName } from '../storage/ownedFolder.js';
import type { Storage } from '../storage/storage.js';

/** Where a stream of bytes goes. `finish` after the last write, or `discard` when it failed. */
export interface ByteSink {
  /** The bytes belong to the caller again when the promise settles. */
  write(bytes: Uint8Array): Promise<void>;
  /** Writes again what was written at the very beginning, as long as it was; absent where that cannot be done. */
  rewriteStart?(bytes: Uint8Array): Promise<void>;
  /** All has been written. */
  finish(): Promise<void>;
  /** What was written is not wanted. */
  discard(): Promise<void>;
}

/** A file that appears under its name, replacing an older one, only when it is whole and on the disk. */
export async function fileSink(storage: Storage, path: string): Promise<ByteSink> {
  const folder = dirname(path);
  await removeLeftovers(storage, folder);
  const temporary = join(folder, ownedName('new'));
  const file = await storage.create(temporary).catch(async (error) => {
    // It may be there although it is said to have failed.
    await storage.remove(temporary).catch(() => {});
    throw error;
  });
  let position = 0;
  return {
    async write(bytes) {
      await file.write(bytes, position);
      position += bytes.length;
    },
    rewriteStart: (bytes) => file.write(bytes, 0),
    async finish() {
      await file.sync();
      await file.close();
      await storage.rename(temporary, path);
      await storage.syncFolder(folder);
    },
    async discard() {
      await file.close().catch(() => {});
      await storage.remove(temporary).catch(() => {});
    },
  };
}
