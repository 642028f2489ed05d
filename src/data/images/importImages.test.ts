import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { crc32, deflateSync } from 'node:zlib';
import { filesIn, madeDataset } from '../../../test/support/madeDataset.js';
import { concat } from '../../../test/support/originalFiles.js';
import { temporaryFolder } from '../../../test/support/temporaryFolder.js';
import { nodeStorage } from '../../storage/nodeStorage.js';
import { importDataset } from '../import/importDataset.js';
import type { ImportOptions } from '../import/importOptions.js';

const u32 = (value: number) => [value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255];

function chunk(type: string, bytes: Uint8Array): Uint8Array {
  const body = concat(type, bytes);
  return concat(u32(bytes.length), body, u32(crc32(body)));
}

/** A PNG of 8 bits: 1 channel is gray, 3 RGB, 4 RGB and opacity. `pixels` row by row. */
function png(width: number, height: number, channels: 1 | 3 | 4, pixels: readonly number[]): Uint8Array {
  const stride = width * channels;
  const lines = Array.from({ length: height }, (_, y) =>
    concat([0], pixels.slice(y * stride, (y + 1) * stride)),
  );
  const color = { 1: 0, 3: 2, 4: 6 }[channels];
  return concat(
    '\x89PNG\r\n\x1a\n',
    chunk('IHDR', concat(u32(width), u32(height), [8, color, 0, 0, 0])),
    chunk('IDAT', new Uint8Array(deflateSync(concat(...lines)))),
    chunk('IEND', concat()),
  );
}

/** A JPEG of 2 x 2 pixels, all of the colour 200, 100, 50, saved by Pillow 9.4 with quality 95 and no subsampling. */
const JPEG = Buffer.from(
  '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAIBAQEBAQIBAQECAgICAgQDAgICAgUEBAMEBgUGBgYFBgYGBwkIBgcJBwYGCAsI' +
    'CQoKCgoKBggLDAsKDAkKCgr/2wBDAQICAgICAgUDAwUKBwYHCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoK' +
    'CgoKCgoKCgoKCgoKCgr/wAARCAACAAIDAREAAhEBAxEB/8QAFAABAAAAAAAAAAAAAAAAAAAABf/EABQQAQAAAAAAAAAAAAAA' +
    'AAAAAAD/xAAUAQEAAAAAAAAAAAAAAAAAAAAI/8QAFBEBAAAAAAAAAAAAAAAAAAAAAP/aAAwDAQACEQMRAD8APFc2H//Z',
  'base64',
);

const gray = (value: number) => png(2, 2, 1, [value, value + 1, value + 2, value + 3]);

type Files = Readonly<Record<string, Uint8Array>>;

async function imported(files: Files, options: Partial<ImportOptions> = {}) {
  const warnings: string[] = [];
  const made = await madeDataset(
    (storage, out) =>
      importDataset(storage, '/in/photos', {
        out,
        onWarning: (message) => warnings.push(message),
        ...options,
      }),
    filesIn('/in/photos', files),
  );
  return { ...made, warnings };
}

/** Rows in the order of their first feature. */
const sorted = ({ features, labels }: { features: readonly number[][]; labels: readonly number[] }) =>
  features.map((row, i) => [...row, labels[i]!]).toSorted((a, b) => a[0]! - b[0]!);

test('folders of images, a class each, with channels apart; stretched, gray, on white', async () => {
  const rgb = Array.from({ length: 12 }, (_, i) => 10 + 20 * i);
  const files = {
    'cat/a.png': gray(7),
    'cat/b.PNG': png(2, 2, 3, rgb),
    'dog/c.jpg': JPEG,
    'dog/d.jpeg': JPEG,
    'dog/.hidden.png': concat('no image'),
    'dog/notes.txt': concat('no image'),
  };
  const { description, train, warnings } = await imported(files, { percentage: 1 });
  assert.deepEqual(description.image, { height: 2, width: 2, channels: 3 });
  assert.deepEqual(
    [description.classNames, description.classCounts, description.name],
    [['cat', 'dog'], [2, 2], 'photos'],
  );
  assert.match(warnings.join(), /1 files that are no PNG or JPEG left out/);
  const planes = [0, 1, 2].flatMap((c) => [0, 1, 2, 3].map((i) => rgb[3 * i + c]!));
  const flat = [200, 200, 200, 200, 100, 100, 100, 100, 50, 50, 50, 50, 1];
  const [first, second, ...dogs] = sorted(train);
  assert.deepEqual(
    [first, second],
    [
      [7, 8, 9, 10, 7, 8, 9, 10, 7, 8, 9, 10, 0],
      [...planes, 0],
    ],
  );
  for (const dog of dogs)
    for (const [j, value] of dog.entries()) assert.ok(Math.abs(value - flat[j]!) <= 2, dog.join());
  const small = await imported(
    { ...files, 'cat/e.png': png(4, 4, 1, new Array(16).fill(90)) },
    { imageSize: '3x1', channels: 'gray', percentage: 1 },
  );
  assert.deepEqual(small.description.image, { height: 1, width: 3, channels: 1 });
  assert.ok(sorted(small.train).some((row) => row.join() === '90,90,90,0'));
  const clear = await imported(
    { 'a/1.png': png(1, 1, 4, [9, 9, 9, 0]), 'b/1.png': png(1, 1, 4, [9, 8, 7, 255]) },
    { percentage: 1 },
  );
  assert.deepEqual(sorted(clear.train), [
    [9, 8, 7, 1],
    [255, 255, 255, 0],
  ]);
});

test('divided by class and seed, or by folders; classes that are numbers in their order', async () => {
  const files: Record<string, Uint8Array> = {};
  for (let i = 0; i < 20; i++) files[`${i % 2 === 0 ? 2 : 10}/${i}.png`] = gray(4 * i);
  const one = await imported(files, { percentage: 0.7, seed: 4, channels: 'gray' });
  assert.deepEqual(
    [one.description.classNames, one.description.classCounts],
    [
      ['2', '10'],
      [7, 7],
    ],
  );
  const all = {
    features: [...one.train.features, ...one.test.features],
    labels: [...one.train.labels, ...one.test.labels],
  };
  assert.deepEqual(
    sorted(all),
    Array.from({ length: 20 }, (_, i) => [4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3, i % 2]),
  );
  const fingerprint = async (seed: number) => (await imported(files, { seed })).description.fingerprint;
  assert.equal(await fingerprint(1), await fingerprint(1));
  assert.notEqual(await fingerprint(1), await fingerprint(2));
  const apart = { 'train/a/1.png': gray(1), 'train/b/2.png': gray(2), 'val/b/3.png': gray(3) };
  const { train, test: held } = await imported(apart, { channels: 'gray' });
  assert.deepEqual(
    [sorted(train), sorted(held)],
    [
      [
        [1, 2, 3, 4, 0],
        [2, 3, 4, 5, 1],
      ],
      [[3, 4, 5, 6, 1]],
    ],
  );
});

test('what is no image, damaged, or of another size is named', async () => {
  const cut = gray(1).subarray(0, 50);
  const flipped = gray(1).with(45, 255);
  const huge = concat(
    '\x89PNG\r\n\x1a\n',
    chunk('IHDR', concat(u32(2 ** 30), u32(2 ** 30), [8, 2, 0, 0, 0])),
    chunk('IDAT', new Uint8Array(9)),
  );
  const svg = concat('<svg xmlns="http://www.w3.org/2000/svg" width="2" height="2"/>');
  const cases: [Files, Partial<ImportOptions>, string, RegExp][] = [
    [{ 'a/1.png': gray(1), 'b/2.png': cut }, {}, 'MLML_BAD_FILE', /b\/2.png: the image cannot be decoded/],
    [
      { 'a/1.png': gray(1), 'b/2.png': flipped },
      {},
      'MLML_BAD_FILE',
      /b\/2.png: the image cannot be decoded/,
    ],
    [
      { 'a/1.png': gray(1), 'b/2.png': huge },
      { imageSize: '2x2' },
      'MLML_BAD_FILE',
      /b\/2.png: the image cannot be decoded/,
    ],
    [
      { 'a/1.png': gray(1), 'b/2.png': svg },
      {},
      'MLML_BAD_FILE',
      /b\/2.png: begins as neither a PNG nor a JPEG/,
    ],
    [{ 'a/1.png': gray(1), 'b/2.png': concat() }, {}, 'MLML_BAD_FILE', /b\/2.png: begins as neither/],
    [
      { 'a/1.png': gray(1), 'b/2.png': png(1, 2, 1, [1, 2]) },
      {},
      'MLML_BAD_DATA',
      /is \d x 2 pixels, others are \d x 2; --image-size=/,
    ],
    [{ 'a/1.png': gray(1) }, {}, 'MLML_BAD_DATA', /has 1 folder of images/],
    [
      { 'a/1.png': gray(1), 'b/2.png': gray(1) },
      { imageSize: '0x4' },
      'MLML_USAGE',
      /--image-size=0x4: must be <width>x<height>/,
    ],
    [
      { 'a/1.png': gray(1), 'b/2.png': gray(1) },
      { imageSize: '900x900' },
      'MLML_USAGE',
      /have 2430000 features, more than 524288/,
    ],
    [
      { 'a/1.png': gray(1), 'b/2.png': gray(1) },
      { task: 'regression' },
      'MLML_USAGE',
      /--task=regression: is for arrays .*, which .*photos is not/,
    ],
    [
      { 'train/a/1.png': gray(1), 'test/b/2.png': gray(1) },
      { percentage: 0.5 },
      'MLML_USAGE',
      /has folders of test images/,
    ],
  ];
  for (const [files, options, code, message] of cases)
    await assert.rejects(imported(files, options), { code, message }, `${message}`);
});

const links = { skip: process.platform === 'win32' ? 'links need rights there' : false };

test('links to what is not there are named; classes without images are told of', links, async (context) => {
  const folder = temporaryFolder(context);
  const photos = join(folder, 'photos');
  for (const name of ['a', 'b']) {
    mkdirSync(join(photos, name), { recursive: true });
    for (const i of [1, 2]) writeFileSync(join(photos, name, `${i}.png`), gray(i));
  }
  const warnings: string[] = [];
  const importTo = (name: string) =>
    importDataset(nodeStorage, photos, {
      out: join(folder, name),
      onWarning: (message) => warnings.push(message),
    });
  symlinkSync(join(folder, 'gone'), join(photos, 'c'));
  await assert.rejects(importTo('one'), { code: 'MLML_NOT_FOUND', message: /photos\/c: is a link to what/ });
  // Now the link leads to a folder.
  mkdirSync(join(folder, 'gone'));
  const { classNames, classCounts } = await importTo('two');
  assert.deepEqual(classNames, ['a', 'b', 'c']);
  assert.equal(classCounts![2], 0);
  assert.deepEqual(warnings, [`${photos}: class c has no PNG or JPEG`]);
  symlinkSync(join(folder, 'none.png'), join(photos, 'a', '3.png'));
  await assert.rejects(importTo('three'), {
    code: 'MLML_NOT_FOUND',
    message: /photos\/a\/3.png: no such file/,
  });
  assert.deepEqual((await nodeStorage.list(folder)).sort(), ['gone', 'photos', 'two']);
});
