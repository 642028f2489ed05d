import assert from 'node:assert/strict';
import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../../test/support/temporaryFolder.js';
import { nodeStorage } from '../../storage/nodeStorage.js';
import { importDataset } from '../import/importDataset.js';

const text = `a,y\n${Array.from({ length: 200_000 }, (_, i) => `${i},${i % 2}`).join('\n')}\n`;

const changes: readonly [string, (path: string) => void, string][] = [
  ['cut within a line', (path) => truncateSync(path, 300_000), 'MLML_BAD_DATA'],
  ['removed', (path) => rmSync(path), 'MLML_NOT_FOUND'],
];

for (const [name, change, code] of changes)
  test(`a table that is ${name} while it is imported is one error, and nothing is left`, async (context) => {
    const folder = temporaryFolder(context);
    const path = join(folder, 't.csv');
    writeFileSync(path, text);
    let isChanged = false;
    const onProgress = () => {
      if (!isChanged) change(path);
      isChanged = true;
    };
    const options = { out: join(folder, 'set'), table: { label: 'y' }, onProgress };
    await assert.rejects(importDataset(nodeStorage, path, options), (error: Error & { code: string }) => {
      assert.equal(error.code, code);
      assert.match(error.message, /t\.csv: (line \d+|no such file)/);
      return true;
    });
    assert.ok(isChanged);
    assert.deepEqual(await nodeStorage.list(folder), name === 'removed' ? [] : ['t.csv']);
  });
