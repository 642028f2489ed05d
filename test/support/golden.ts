import assert from 'node:assert/strict';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeStorage } from '../../src/storage/nodeStorage.js';
import { readText, replaceFile } from '../../src/storage/textFile.js';

const folder = fileURLToPath(new URL('../../../test/golden/', import.meta.url));

/** Compares text with test/golden/<name>; MLML_UPDATE_GOLDEN=1 writes it instead. */
export async function assertGolden(name: string, text: string): Promise<void> {
  const path = join(folder, name);
  if (process.env['MLML_UPDATE_GOLDEN'] === '1') await replaceFile(nodeStorage, path, text);
  assert.equal(text, await readText(nodeStorage, path));
}
