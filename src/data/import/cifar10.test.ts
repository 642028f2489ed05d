import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { cifarPickle, cifarRecords, concat, pixel, put, tarGz } from '../../../test/support/originalFiles.js';
import { temporaryFolder } from '../../../test/support/temporaryFolder.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { nodeStorage } from '../../storage/nodeStorage.js';
import { importDataset } from './importDataset.js';

type Files = [string, Uint8Array][];

/** Batch b holds 3 images, the test batch 2. */
function batches(encode: (labels: number[], first: number) => Uint8Array, extension = ''): Files {
  const files: Files = [];
  for (let batch = 1; batch <= 5; batch++) {
    const labels = [batch, (2 * batch) % 10, 9];
    files.push([`data_batch_${batch}${extension}`, encode(labels, 3 * batch)]);
  }
  files.push([`test_batch${extension}`, encode([7, 0], 90)]);
  return files;
}

/** The order of the official archives. */
function archiveOrder(files: Files, folder: string): Files {
  const order = [0, 2, 3, 5, 4, 1];
  const entries: Files = order.map((i) => [`${folder}/${files[i]![0]}`, files[i]![1]]);
  return [...entries.slice(0, 1), [`${folder}/readme.html`, concat('<html>')], ...entries.slice(1)];
}

async function importFiles(files: Files) {
  const storage = new MemoryStorage();
  for (const [name, bytes] of files) await put(storage, `/raw/${name}`, bytes);
  const before = storage.paths();
  const warnings: string[] = [];
  const description = await importDataset(storage, '/raw', {
    out: '/out',
    onWarning: (message) => warnings.push(message),
  }).catch((error) => {
    assert.deepEqual(storage.paths(), before, 'a failed import left files behind');
    throw error;
  });
  return { storage, description, warnings };
}

test('all versions of the files make the same data set', async () => {
  const binary = batches(cifarRecords, '.bin');
  const pickles = batches((labels, first) => cifarPickle(labels, first, first % 2 === 0));
  const loose = await importFiles(binary);
  const { d, k, dtype, image, classNames, parts, fingerprint } = loose.description;
  assert.deepEqual({ d, k, dtype }, { d: 3072, k: 10, dtype: 'uint8' });
  assert.deepEqual(image, { height: 32, width: 32, channels: 3 });
  assert.equal(classNames.join(' '), 'airplane automobile bird cat deer dog frog horse ship truck');
  assert.deepEqual([parts.train.n, parts.test.n], [15, 2]);
  const rows = loose.storage.bytesOf('/out/train.rows');
  assert.deepEqual([rows[0], rows[3071], rows[3072]], [pixel(3, 0), pixel(3, 3071), 1]);
  assert.deepEqual([rows[14 * 3073 + 100], rows[14 * 3073 + 3072]], [pixel(17, 100), 9]);
  assert.match(loose.warnings.join('\n'), /15 train images in .*official set has 50000\n.*2 test images/);
  const versions: Files[] = [
    binary.map(([name, bytes]) => [`cifar-10-batches-bin/${name}`, bytes]),
    binary.map(([name, bytes]) => [name.replace('test_batch', 'test_batch_first2'), bytes]),
    pickles,
    pickles.map(([name, bytes]) => [`cifar-10-batches-py/${name}`, bytes]),
    [['cifar-10-binary.tar.gz', await tarGz(archiveOrder(binary, 'cifar-10-batches-bin'))]],
    [['cifar-10-python.tar.gz', await tarGz(archiveOrder(pickles, 'cifar-10-batches-py'))]],
  ];
  for (const version of versions) {
    const { description } = await importFiles(version);
    assert.equal(description.fingerprint, fingerprint, version[0]![0]);
  }
});

function changed(files: Files, name: string, edit: (bytes: Uint8Array) => Uint8Array): Files {
  return files.map(([file, bytes]) => [file, file === name ? edit(bytes.slice()) : bytes]);
}

test('damaged binary batches are refused with the byte offset', async () => {
  const files = batches(cifarRecords, '.bin');
  const cut = changed(files, 'data_batch_3.bin', (bytes) => bytes.subarray(0, 7000));
  await assert.rejects(importFiles(cut), {
    code: 'MLML_BAD_FILE',
    message: /data_batch_3.bin: byte 6146: the file has 7000 bytes, not a whole number of 3073-byte records/,
  });
  const empty = changed(files, 'test_batch.bin', () => new Uint8Array(0));
  await assert.rejects(importFiles(empty), { code: 'MLML_BAD_FILE', message: /test_batch.bin: byte 0/ });
  const mislabelled = changed(files, 'data_batch_2.bin', (bytes) => bytes.fill(200, 3073, 3074));
  await assert.rejects(importFiles(mislabelled), {
    code: 'MLML_BAD_DATA',
    message: /data_batch_2.bin: byte 3073: label 200 of image 1 is not/,
  });
});

test('a missing batch is named', async () => {
  const files = batches(cifarRecords, '.bin');
  await assert.rejects(importFiles(files.slice(0, 4)), { code: 'MLML_USAGE' });
  for (const [left, missing] of [
    [files.slice(0, 5), /there is no test_batch.bin in it/],
    [files.slice(1), /there is no data_batch_1.bin in it/],
  ] as const) {
    const archive = await tarGz(left);
    await assert.rejects(importFiles([['cifar-10-binary.tar.gz', archive]]), {
      code: 'MLML_BAD_FILE',
      message: missing,
    });
  }
});

test('damaged archives are refused', async () => {
  const archive = await tarGz(batches(cifarRecords, '.bin'));
  const attempt = (bytes: Uint8Array) => importFiles([['cifar-10-binary.tar.gz', new Uint8Array(bytes)]]);
  const tar = new Uint8Array(gunzipSync(archive));
  // Inside the content of an entry, and inside a header.
  for (const length of [5000, 10752 + 100]) {
    await assert.rejects(attempt(gzipSync(tar.subarray(0, length))), {
      code: 'MLML_BAD_FILE',
      message: /cifar-10-binary.tar.gz.*: byte \d+ of (the decompressed data|that entry): .*cut short/,
    });
  }
  await assert.rejects(attempt(archive.subarray(0, archive.length - 20)), {
    code: 'MLML_BAD_FILE',
    message: /cifar-10-binary.tar.gz: damaged gzip stream after byte \d+ of the decompressed data/,
  });
  const badHeader = tar.slice();
  badHeader[3]! ^= 1;
  await assert.rejects(attempt(gzipSync(badHeader)), {
    code: 'MLML_BAD_FILE',
    message: /damaged tar archive/,
  });
  const badLabel = tar.slice();
  badLabel[512] = 11;
  await assert.rejects(attempt(gzipSync(badLabel)), {
    code: 'MLML_BAD_DATA',
    message: /tar.gz \(data_batch_1.bin\): byte 0 of that entry: label 11 of image 0/,
  });
});

test('pickles that are damaged, or ask for anything but arrays, are refused', async () => {
  const files = batches(cifarPickle);
  const attempt = (edit: (bytes: Uint8Array) => Uint8Array) =>
    importFiles(changed(files, 'data_batch_4', edit));
  const replaced = (from: string, to: string) => (bytes: Uint8Array) =>
    concat(Buffer.from(bytes).toString('latin1').replace(from, to));
  const cases: [(bytes: Uint8Array) => Uint8Array, RegExp][] = [
    [
      () => concat('\x80\x02cos\nsystem\n(U\x02lstR.'),
      /byte 2: pickle: the global 'os.system' is not allowed/,
    ],
    [() => concat('\x80\x02U\x01a\x93.'), /byte 5: pickle: opcode 0x93 is not allowed/],
    [() => concat('\x80\x04.'), /protocol 4; 2 or 3 is needed/],
    [() => concat('hello'), /byte 0: pickle: does not begin with a protocol number/],
    [() => concat('\x80\x02}.'), /not a dict with an array 'data' and a list 'labels'/],
    [() => concat('\x80\x02a.'), /takes a value where there is none/],
    [() => concat('\x80\x02t.'), /up to a mark where there is none/],
    [() => concat('\x80\x02h\x05.'), /recalls memo 5/],
    [() => concat('\x80\x02NN.'), /values left over/],
    [() => concat('\x80\x02c', new Uint8Array(500).fill(65)), /name of a global is too long/],
    [() => concat('\x80\x02', new Uint8Array(400_001).fill(0x4e)), /more than 400000 values/],
    [
      (bytes) => bytes.subarray(0, 5000),
      /byte 5000: the data end here, .* before the end of a string of 9216/,
    ],
    [(bytes) => concat(bytes, [1]), /the data should end here/],
    [replaced('M\x03\x00M\x00\x0c', 'M\x03\x00M\x00\x0d'), /shape \(3, 3328\)/],
    [replaced('M\x03\x00M\x00\x0c', 'M\x02\x00M\x00\x0c'), /says 2 rows of 3072 bytes but holds 9216/],
    [replaced('U\x02u1', 'U\x02i4'), /an array of type i4/],
    [replaced('(K\x04', '(K\x04K\x04'), /there are 4 labels for 3 images/],
  ];
  for (const [edit, message] of cases)
    await assert.rejects(attempt(edit), { code: 'MLML_BAD_FILE', message });
  await assert.rejects(attempt(replaced('(K\x04', '(K\x0a')), {
    code: 'MLML_BAD_DATA',
    message: /data_batch_4: byte \d+: label 10 of image 0/,
  });
});

const realData = process.env['MLML_DATA'];
test('the original CIFAR-10', {
  skip: realData === undefined ? 'MLML_DATA is not set' : false,
}, async (context) => {
  const out = `${temporaryFolder(context)}/cifar-10`;
  const warnings: string[] = [];
  const description = await importDataset(nodeStorage, 'cifar-10', {
    out,
    dataDir: realData!,
    onWarning: (message) => warnings.push(message),
  });
  assert.deepEqual([description.parts.train.n, description.parts.test.n], [50000, 1000]);
  assert.deepEqual(description.classCounts, new Array(10).fill(5000));
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /1000 test images .*10000/);
  assert.equal(description.fingerprint, '48926714272a31ee6e4986fd0033f9fc');
});

test('what a header of an archive claims is not made room for', async () => {
  const tar = new Uint8Array(gunzipSync(await tarGz(batches(cifarRecords, '.bin'))));
  // The first entry becomes an extended header of almost 8 GiB, its checksum put right.
  tar.set(new TextEncoder().encode('77777777777'), 124);
  tar[156] = 'x'.charCodeAt(0);
  const sum = tar.subarray(0, 512).reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
  tar.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, '0')}\0 `), 148);
  const before = process.memoryUsage().arrayBuffers;
  await assert.rejects(importFiles([['cifar-10-binary.tar.gz', new Uint8Array(gzipSync(tar))]]), {
    code: 'MLML_BAD_FILE',
    message: /byte 0 of the decompressed data: tar: a header extension of 8589934591 bytes is too long/,
  });
  assert.ok(process.memoryUsage().arrayBuffers - before < 16e6);
});

test('names from a pax header and from GNU tar are those of the entries', async () => {
  const files = batches(cifarRecords, '.bin');
  const long = 'x'.repeat(150);
  // tar-stream writes pax headers for names that do not fit.
  const archive = await tarGz(files.map(([name, bytes]) => [`${long}/${long}/${name}`, bytes] as const));
  const { description } = await importFiles([['cifar-10-binary.tar.gz', archive]]);
  const loose = await importFiles(files);
  assert.equal(description.fingerprint, loose.description.fingerprint);
});

test('a label that is a list of lists without end is refused in one line', async () => {
  const nested = concat(']'.repeat(50_000), 'a'.repeat(49_999));
  const labels = concat('U\x06labels', ']q\x04(', nested, 'e');
  const [first, ...rest] = batches((given, start) => cifarPickle(given, start));
  const whole = Buffer.from(first![1]).toString('latin1');
  const from = whole.indexOf('U\x06labels');
  const to = whole.indexOf('U\x04data');
  const bytes = concat(whole.slice(0, from), labels, whole.slice(to));
  await assert.rejects(importFiles([[first![0], bytes], ...rest]), {
    code: 'MLML_BAD_FILE',
    message: /there are 1 labels for 3 images|label an object of image 0/,
  });
});
