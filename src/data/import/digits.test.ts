import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FaultyStorage } from '../../storage/faultyStorage.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { openDataset } from '../dataset.js';
import { DIGIT_ROW_BYTES, writeDigit } from '../digits/sample.js';
import { FIRST_TEST_INDEX, importDigits } from './digits.js';

function generated(seed: number, firstIndex: number, count: number): Uint8Array {
  const bytes = new Uint8Array(count * DIGIT_ROW_BYTES);
  for (let row = 0; row < count; row++) {
    const offset = row * DIGIT_ROW_BYTES;
    bytes[offset + 784] = writeDigit(bytes, offset, seed, firstIndex + row);
  }
  return bytes;
}

test('the import holds exactly the generated samples, over several blocks', async () => {
  const storage = new MemoryStorage();
  const description = await importDigits(storage, { out: '/data/digits', n: 1000, nt: 350, seed: 11 });
  assert.deepEqual(storage.bytesOf('/data/digits/train.rows'), generated(11, 0, 1000));
  assert.deepEqual(storage.bytesOf('/data/digits/test.rows'), generated(11, FIRST_TEST_INDEX, 350));
  const { d, k, dtype, labelDtype, image, classNames, classCounts, source } = description;
  assert.deepEqual(
    { d, k, dtype, labelDtype, image },
    { d: 784, k: 10, dtype: 'uint8', labelDtype: 'uint8', image: { height: 28, width: 28, channels: 1 } },
  );
  assert.deepEqual(classNames, ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
  assert.equal(
    classCounts.reduce((sum, count) => sum + count, 0),
    1000,
  );
  assert.deepEqual(source, { description: 'digits generator, version 1, seed 11', files: [] });
  const dataset = await openDataset(storage, '/data/digits');
  assert.deepEqual([dataset.train.rows, dataset.test.rows], [1000, 350]);
  await dataset.close();
});

test('the training rows of a smaller n are a prefix; the same options give the same fingerprint', async () => {
  const storage = new MemoryStorage();
  const small = await importDigits(storage, { out: '/small', n: 10, nt: 5 });
  const large = await importDigits(storage, { out: '/large', n: 400, nt: 5 });
  const again = await importDigits(storage, { out: '/again', n: 10, nt: 5 });
  const other = await importDigits(storage, { out: '/other', n: 10, nt: 5, seed: 1 });
  const smallRows = storage.bytesOf('/small/train.rows');
  assert.deepEqual(storage.bytesOf('/large/train.rows').subarray(0, smallRows.length), smallRows);
  assert.deepEqual(storage.bytesOf('/large/test.rows'), storage.bytesOf('/small/test.rows'));
  assert.equal(small.fingerprint, again.fingerprint);
  assert.equal(new Set([small.fingerprint, large.fingerprint, other.fingerprint]).size, 3);
});

test('no test row is needed', async () => {
  const description = await importDigits(new MemoryStorage(), { out: '/digits', n: 3, nt: 0 });
  assert.equal(description.parts.test.n, 0);
});

test('progress grows block by block and ends at the total', async () => {
  const seen: number[] = [];
  await importDigits(new MemoryStorage(), {
    out: '/digits',
    n: 1000,
    nt: 100,
    onProgress: (done, total) => {
      assert.equal(total, 1100);
      assert.ok(done > (seen.at(-1) ?? 0));
      seen.push(done);
    },
  });
  assert.ok(seen.length >= 4);
  assert.equal(seen.at(-1), 1100);
});

test('aborting from a timer stops the import and leaves nothing behind', async () => {
  const storage = new MemoryStorage();
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error('stopped by the test')), 5);
  await assert.rejects(
    importDigits(storage, { out: '/data/digits', n: 10_000_000, signal: controller.signal }),
    /stopped by the test/,
  );
  assert.deepEqual(storage.paths(), []);
});

test('a signal aborted beforehand writes nothing', async () => {
  const storage = new MemoryStorage();
  await assert.rejects(importDigits(storage, { out: '/digits', signal: AbortSignal.abort() }), {
    name: 'AbortError',
  });
  assert.deepEqual(storage.paths(), []);
});

test('a failing write or an error in the progress callback leaves nothing behind', async () => {
  const memory = new MemoryStorage();
  const failing = new FaultyStorage(memory, ({ kind, bytesWritten }) => {
    if (kind === 'write' && bytesWritten > 300_000) throw new Error('the disk broke');
  });
  await assert.rejects(importDigits(failing, { out: '/digits', n: 5000 }), /the disk broke/);
  assert.deepEqual(memory.paths(), []);
  const onProgress = () => {
    throw new Error('the listener broke');
  };
  await assert.rejects(importDigits(memory, { out: '/digits', n: 10, onProgress }), /the listener broke/);
  assert.deepEqual(memory.paths(), []);
});

test('an existing folder is kept and named', async () => {
  const storage = new MemoryStorage();
  await importDigits(storage, { out: '/digits', n: 5, nt: 1 });
  const before = storage.bytesOf('/digits/train.rows');
  await assert.rejects(importDigits(storage, { out: '/digits', n: 6, nt: 1 }), { code: 'MLML_EXISTS' });
  assert.deepEqual(storage.bytesOf('/digits/train.rows'), before);
});

test('impossible sizes and seeds are usage errors that name the option', async () => {
  const storage = new MemoryStorage();
  const rejects = (options: object, message: RegExp) =>
    assert.rejects(importDigits(storage, { out: '/digits', ...options }), { code: 'MLML_USAGE', message });
  await rejects({ n: 0 }, /^--n=0: .* from 1 /);
  await rejects({ n: 1.5 }, /^--n=1.5/);
  await rejects({ n: Number.NaN }, /^--n=NaN/);
  await rejects({ n: 2 ** 53 }, /^--n=9007199254740992/);
  await rejects({ nt: -1 }, /^--nt=-1: .* from 0 /);
  await rejects({ seed: -1 }, /^--seed=-1/);
  assert.deepEqual(storage.paths(), []);
});

test('too little disk space is said before anything is written', async () => {
  const storage = new MemoryStorage();
  storage.freeBytes = async () => 785_000;
  await assert.rejects(importDigits(storage, { out: '/digits', n: 999, nt: 2 }), {
    code: 'MLML_DISK_FULL',
    message: /785785 bytes are needed and 785000 are free/,
  });
  assert.deepEqual(storage.paths(), []);
});
