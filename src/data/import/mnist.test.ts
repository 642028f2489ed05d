import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { concat, idxImages, idxLabels, mnistFiles, pixel, put } from '../../../test/support/originalFiles.js';
import type { ErrorCode } from '../../errors.js';
import { FaultyStorage } from '../../storage/faultyStorage.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { openDataset } from '../dataset.js';
import { importDataset } from './importDataset.js';
import type { ImportOptions } from './importOptions.js';

async function storageWith(files: ReadonlyMap<string, Uint8Array>): Promise<MemoryStorage> {
  const storage = new MemoryStorage();
  for (const [name, bytes] of files) await put(storage, `/raw/${name}`, bytes);
  return storage;
}

async function importFrom(files: ReadonlyMap<string, Uint8Array>, options: Partial<ImportOptions> = {}) {
  const storage = await storageWith(files);
  const description = await importDataset(storage, 'mnist', { out: '/out', dataDir: '/raw', ...options });
  return { storage, description };
}

test('rows are pixels in file order, then the label; gzip and plain files make the same data set', async () => {
  const warnings: string[] = [];
  const { storage, description } = await importFrom(mnistFiles(150, 30), {
    onWarning: (message) => warnings.push(message),
  });
  const { name, d, k, dtype, labelDtype, image, classNames, classCounts, parts } = description;
  assert.deepEqual(
    { name, d, k, dtype, labelDtype, image },
    {
      name: 'mnist',
      d: 784,
      k: 10,
      dtype: 'uint8',
      labelDtype: 'uint8',
      image: { height: 28, width: 28, channels: 1 },
    },
  );
  assert.equal(classNames.join(''), '0123456789');
  assert.deepEqual(classCounts, new Array(10).fill(15));
  assert.deepEqual([parts.train.n, parts.test.n], [150, 30]);
  const rows = storage.bytesOf('/out/train.rows');
  for (const row of [0, 63, 64, 149]) {
    assert.equal(rows[row * 785], pixel(row, 0));
    assert.equal(rows[row * 785 + 783], pixel(row, 783));
    assert.equal(rows[row * 785 + 784], row % 10);
  }
  assert.equal(storage.bytesOf('/out/test.rows')[29 * 785 + 5], pixel(179, 5));
  assert.equal(warnings.length, 2);
  assert.match(warnings[0]!, /150 train images; the official MNIST has 60000/);
  const plain = await importFrom(mnistFiles(150, 30, false));
  assert.equal(plain.description.fingerprint, description.fingerprint);
});

test('--n keeps the first training rows and all test rows', async () => {
  const { storage, description } = await importFrom(mnistFiles(150, 30), { n: 70 });
  assert.deepEqual([description.parts.train.n, description.parts.test.n], [70, 30]);
  const whole = await importFrom(mnistFiles(150, 30));
  assert.deepEqual(
    storage.bytesOf('/out/train.rows'),
    whole.storage.bytesOf('/out/train.rows').slice(0, 70 * 785),
  );
  const warnings: string[] = [];
  await importFrom(mnistFiles(20, 20), { n: 70, onWarning: (message) => warnings.push(message) });
  assert.match(warnings.at(-1)!, /--n=70: mnist has only 20 training rows/);
});

test('--dtype converts where values fit', async () => {
  for (const dtype of ['int16', 'float16', 'float32', 'float64'] as const) {
    const { storage, description } = await importFrom(mnistFiles(12, 3), { dtype });
    const dataset = await openDataset(storage, '/out');
    const bytes = new Uint8Array(dataset.layout.rowBytes);
    await dataset.train.readRows(bytes, 11, 1);
    if (dtype === 'float32') {
      const values = new Float32Array(bytes.buffer);
      assert.deepEqual([values[3], values[784]], [pixel(11, 3), 1]);
    }
    assert.equal(description.statistics.mean[9], mnistMean(9, 12), dtype);
  }
  await assert.rejects(importFrom(mnistFiles(12, 3), { dtype: 'int8' }), (error: Error) => {
    assert.match(
      error.message,
      /byte \d+ of the decompressed data: feature \d+ is 1\d\d, which does not fit int8/,
    );
    return true;
  });
});

function mnistMean(j: number, n: number): number {
  let sum = 0;
  for (let image = 0; image < n; image++) sum += pixel(image, j);
  return sum / n;
}

/** Every damage is reported with its code and place, and leaves nothing behind. */
async function assertRefused(
  change: (files: Map<string, Uint8Array>) => void,
  code: ErrorCode,
  message: RegExp,
  gzip = false,
): Promise<void> {
  const files = mnistFiles(100, 20, gzip);
  change(files);
  const storage = await storageWith(files);
  const before = storage.paths();
  await assert.rejects(
    importDataset(storage, 'mnist', { out: '/made/out', dataDir: '/raw' }),
    (error: Error) => {
      assert.equal((error as Error & { code: string }).code, code, error.message);
      assert.match(error.message, message);
      return true;
    },
  );
  assert.deepEqual(storage.paths(), before);
  assert.deepEqual(await storage.list('/made'), []);
}

const IMAGES = 'train-images-idx3-ubyte';
const LABELS = 'train-labels-idx1-ubyte';

test('damaged idx files are refused with path and byte offset', async () => {
  const set = (name: string, offset: number, value: number) => (files: Map<string, Uint8Array>) => {
    files.get(name)![offset] = value;
  };
  await assertRefused(
    set(IMAGES, 3, 1),
    'MLML_BAD_FILE',
    /train-images-idx3-ubyte: byte 0: .*0x00000801 instead of 0x00000803/,
  );
  await assertRefused(set(LABELS, 2, 9), 'MLML_BAD_FILE', /train-labels-idx1-ubyte: byte 0: /);
  await assertRefused(set(IMAGES, 11, 32), 'MLML_BAD_FILE', /byte 8: images are 28x28 pixels, not 32/);
  await assertRefused(
    set(IMAGES, 4, 255),
    'MLML_BAD_FILE',
    /train-labels.*byte 4: the header says 100 labels, but .* says 4278190180/,
  );
  await assertRefused(
    set(LABELS, 8 + 77, 10),
    'MLML_BAD_DATA',
    /train-labels-idx1-ubyte: byte 85: label 10 of image 77/,
  );
  await assertRefused(
    (files) => {
      files.set(IMAGES, files.get(IMAGES)!.subarray(0, 1000));
    },
    'MLML_BAD_FILE',
    /train-images-idx3-ubyte: byte 1000: .*images 0 to 63 of 100.*cut short/,
  );
  await assertRefused(
    (files) => {
      files.set(LABELS, files.get(LABELS)!.subarray(0, 5));
    },
    'MLML_BAD_FILE',
    /byte 5: .*idx header/,
  );
  await assertRefused(
    (files) => {
      files.set(IMAGES, concat(files.get(IMAGES)!, [0]));
    },
    'MLML_BAD_FILE',
    new RegExp(`byte ${16 + 78400}: the data should end here`),
  );
  await assertRefused(
    (files) => {
      files.set(IMAGES, idxImages(0));
      files.set(LABELS, idxLabels([]));
    },
    'MLML_BAD_FILE',
    /byte 4: the header says there are 0 items/,
  );
});

test('damaged gzip files are refused', async () => {
  const images = `${IMAGES}.gz`;
  const change = (edit: (bytes: Uint8Array) => Uint8Array) => (files: Map<string, Uint8Array>) => {
    files.set(images, edit(files.get(images)!.slice()));
  };
  const crcBroken = change((bytes) => {
    bytes[bytes.length - 8]! ^= 1;
    return bytes;
  });
  await assertRefused(
    crcBroken,
    'MLML_BAD_FILE',
    /images-idx3-ubyte.gz: damaged gzip .*byte \d+ of the decompressed data \(incorrect data check/,
    true,
  );
  const cut = change((bytes) => bytes.subarray(0, bytes.length >> 1));
  await assertRefused(
    cut,
    'MLML_BAD_FILE',
    /damaged gzip stream after byte \d+ .*unexpected end of file/,
    true,
  );
  const trailing = change((bytes) => concat(bytes, new Uint8Array(10)));
  await assertRefused(trailing, 'MLML_BAD_FILE', /the gzip stream ends here, but more bytes follow/, true);
  const notGzip = change(() => concat('this is no gzip file'));
  await assertRefused(notGzip, 'MLML_BAD_FILE', /damaged gzip stream after byte 0 /, true);
  const empty = change(() => new Uint8Array(0));
  await assertRefused(empty, 'MLML_BAD_FILE', /after byte 0 .*unexpected end of file/, true);
  const longer = change((bytes) => new Uint8Array(gzipSync(concat(gunzipSync(bytes), [1, 2, 3]))));
  await assertRefused(
    longer,
    'MLML_BAD_FILE',
    /byte 78416 of the decompressed data: the data should end here/,
    true,
  );
});

test('a disk that fills up and an interruption leave nothing behind', async () => {
  const inner = await storageWith(mnistFiles(2000, 20));
  const before = inner.paths();
  const full = new FaultyStorage(inner, ({ kind, bytesWritten }) => {
    if (kind === 'write' && bytesWritten > 500_000) throw new Error('no space');
  });
  await assert.rejects(importDataset(full, 'mnist', { out: '/made/out', dataDir: '/raw' }), /no space/);
  assert.deepEqual(inner.paths(), before);
  const abort = new AbortController();
  const options = {
    out: '/made/out',
    dataDir: '/raw',
    signal: abort.signal,
    onProgress: () => abort.abort(),
  };
  await assert.rejects(importDataset(inner, 'mnist', options), { code: 'MLML_INTERRUPTED' });
  assert.deepEqual(inner.paths(), before);
});

test('progress counts the bytes of the original files up to their total', async () => {
  const files = mnistFiles(300, 20);
  const total = [...files.values()].reduce((sum, bytes) => sum + bytes.length, 0);
  const seen: number[] = [];
  await importFrom(files, {
    onProgress: (progress) => {
      assert.equal(progress.phase, 'import');
      assert.equal(progress.total, total);
      seen.push(progress.done);
    },
  });
  assert.equal(seen.at(-1), total);
  assert.deepEqual(
    seen,
    seen.toSorted((a, b) => a - b),
  );
});

const realData = process.env['MLML_DATA'];
test('the original MNIST', { skip: realData === undefined ? 'MLML_DATA is not set' : false }, async () => {
  const { nodeStorage } = await import('../../storage/nodeStorage.js');
  const target = new MemoryStorage();
  for (const name of await nodeStorage.list(`${realData}/mnist`)) {
    const file = await nodeStorage.openRead(`${realData}/mnist/${name}`);
    const bytes = new Uint8Array(file.byteLength);
    await file.readInto(bytes, 0);
    await file.close();
    await put(target, `/raw/${name}`, bytes);
  }
  const description = await importDataset(target, '/raw', { out: '/out', onWarning: assert.fail });
  assert.deepEqual([description.parts.train.n, description.parts.test.n], [60000, 10000]);
  assert.deepEqual(description.classCounts, [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
  assert.equal(
    description.source.files[0]!.sha256,
    '440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609',
  );
  const rows = target.bytesOf('/out/train.rows');
  // The first image is a 5; row 5 of it has the well-known values 3 18 18 18 126 136 from column 12.
  assert.equal(rows[784], 5);
  assert.deepEqual([...rows.subarray(5 * 28 + 12, 5 * 28 + 18)], [3, 18, 18, 18, 126, 136]);
  assert.equal(description.fingerprint, '8dd23874e03891d86834f1387af0446e');
});
