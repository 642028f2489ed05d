import assert from 'node:assert/strict';
import type { MemoryStorage } from '../../../src/storage/memoryStorage.js';

/** Runs an import, of which nothing may be left when it fails. */
export async function wholeOrNothing<T>(storage: MemoryStorage, importing: () => Promise<T>): Promise<T> {
  const before = storage.paths();
  try {
    return await importing();
  } catch (error) {
    assert.deepEqual(storage.paths(), before, 'a failed import left files behind');
    throw error;
  }
}
