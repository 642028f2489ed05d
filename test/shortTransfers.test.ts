import assert from 'node:assert/strict';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Random } from '../src/memory/random.js';
import { nodeStorage } from '../src/storage/nodeStorage.js';
import { commandOn } from './support/memoryCommand.js';
import { temporaryFolder } from './support/temporaryFolder.js';

const original = { read: fs.read, readSync: fs.readSync, write: fs.write, writeSync: fs.writeSync };
const random = Random.of(31);
let shortened = 0;

/** Some of the bytes asked for, one at least: what a system may do with any request. Direct requests stay whole pages. */
function some(length: number): number {
  if (length <= 1 || random.below(3) === 0) return length;
  shortened++;
  return length % 4096 === 0 ? Math.max(4096, 4096 * random.below(length / 4096)) : 1 + random.below(length);
}

before(() => {
  type Transfer = (
    fd: number,
    buffer: Uint8Array,
    offset: number,
    length: number,
    ...more: unknown[]
  ) => unknown;
  for (const name of ['read', 'readSync', 'write', 'writeSync'] as const) {
    const whole = original[name] as unknown as Transfer;
    const short: Transfer = (fd, buffer, offset, length, ...more) =>
      // Other users of these functions have other arguments.
      typeof length === 'number' && buffer instanceof Uint8Array
        ? whole(fd, buffer, offset, some(length), ...more)
        : whole(fd, buffer, offset, length, ...more);
    Object.assign(fs, { [name]: short });
  }
  syncBuiltinESMExports();
});
after(() => {
  Object.assign(fs, original);
  syncBuiltinESMExports();
});

test('requests that the system carries out in pieces: the same bytes', async (t) => {
  const folder = temporaryFolder(t);
  const at = (name: string) => join(folder, name);
  const quiet = '--quiet';
  await commandOn(nodeStorage, ['import', 'digits', '--n=700', '--nt=100', `--out=${at('short')}`, quiet]);
  await commandOn(nodeStorage, ['info', at('short'), '--verify']);
  const words = [`--buffer=0.6`, '--epochs=2', '--loss=softmax', '--nthreads=1', quiet];
  await commandOn(nodeStorage, ['ssgd', at('short'), ...words, `--out=${at('runs/short')}`]);
  const kernel = [
    '--kernel=rbf',
    '--sigma=5',
    '--subset=300',
    '--buffer=4',
    '--nthreads=1',
    `--kernels=${at('kernels')}`,
    quiet,
  ];
  const memId = (await commandOn(nodeStorage, ['generate', at('short'), ...kernel]))
    .trim()
    .split('\n')
    .at(-1)!;
  await commandOn(nodeStorage, ['kernels', 'verify', memId, `--kernels=${at('kernels')}`, quiet]);
  assert.ok(shortened > 50, `only ${shortened} requests were cut short`);

  Object.assign(fs, original);
  syncBuiltinESMExports();
  await commandOn(nodeStorage, ['import', 'digits', '--n=700', '--nt=100', `--out=${at('whole')}`, quiet]);
  for (const file of ['dataset.json', 'train.rows', 'train.rows.crc32c'])
    assert.ok(fs.readFileSync(at(`whole/${file}`)).equals(fs.readFileSync(at(`short/${file}`))), file);
  await commandOn(nodeStorage, ['ssgd', at('whole'), ...words, `--out=${at('runs/whole')}`]);
  assert.ok(
    fs
      .readFileSync(at('runs/whole/model/weights.bin'))
      .equals(fs.readFileSync(at('runs/short/model/weights.bin'))),
  );
});
