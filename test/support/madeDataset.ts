import assert from 'node:assert/strict';
import type { DatasetDescription } from '../../src/data/format.js';
import { verifyDataset } from '../../src/data/verify.js';
import { MemoryStorage } from '../../src/storage/memoryStorage.js';
import { rowsIn } from './fuzz/rowsIn.js';
import { put } from './originalFiles.js';

/**
 * Description and rows of the dense data set that `make` makes at `out`, in memory, beside `files` (by path). Its checksums are
 * right and nothing else is new; of an import that fails nothing is left.
 */
export async function madeDataset(
  make: (storage: MemoryStorage, out: string) => Promise<DatasetDescription>,
  files: Readonly<Record<string, Uint8Array>> = {},
) {
  const storage = new MemoryStorage();
  for (const [path, bytes] of Object.entries(files)) await put(storage, path, bytes);
  const before = storage.paths();
  const description = await make(storage, '/made/out').catch((error) => {
    assert.deepEqual(storage.paths(), before, 'a failed import left files behind');
    throw error;
  });
  await verifyDataset(storage, '/made/out');
  const stray = storage.paths().filter((path) => !before.includes(path) && !path.startsWith('/made/out/'));
  assert.deepEqual(stray, [], 'stray files');
  assert.deepEqual(await storage.list('/made'), ['out']);
  return {
    description,
    train: await rowsIn(storage, '/made/out', 'train'),
    test: await rowsIn(storage, '/made/out', 'test'),
  };
}

/** Files in a folder, by path. */
export function filesIn(
  folder: string,
  files: Readonly<Record<string, Uint8Array>>,
): Record<string, Uint8Array> {
  return Object.fromEntries(Object.entries(files).map(([name, bytes]) => [`${folder}/${name}`, bytes]));
}
