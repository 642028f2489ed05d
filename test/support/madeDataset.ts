import assert from 'node:assert/strict';
import type { DatasetDescription } from '../../src/data/format.js';
import { verifyDataset } from '../../src/data/verify.js';
import { MemoryStorage } from '../../src/storage/memoryStorage.js';
import { rowsIn } from './fuzz/rowsIn.js';

/**
 * Description and rows of the dense data set that `make` makes at `out`, in memory. Its checksums are right and nothing lies beside
 * it; of an import that fails nothing is left.
 */
export async function madeDataset(
  make: (storage: MemoryStorage, out: string) => Promise<DatasetDescription>,
) {
  const storage = new MemoryStorage();
  const description = await make(storage, '/made/out').catch((error) => {
    assert.deepEqual(storage.paths(), [], 'a failed import left files behind');
    throw error;
  });
  await verifyDataset(storage, '/made/out');
  assert.deepEqual(await storage.list('/made'), ['out']);
  return {
    description,
    train: await rowsIn(storage, '/made/out', 'train'),
    test: await rowsIn(storage, '/made/out', 'test'),
  };
}
