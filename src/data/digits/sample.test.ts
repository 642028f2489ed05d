import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32c } from '../../storage/crc32c.js';
import { PIXELS } from './rasteriser.js';
import { DIGIT_ROW_BYTES, writeDigit } from './sample.js';

function rows(seed: number, indices: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(indices.length * DIGIT_ROW_BYTES);
  for (const [row, index] of indices.entries()) {
    const offset = row * DIGIT_ROW_BYTES;
    bytes[offset + PIXELS] = writeDigit(bytes, offset, seed, index);
  }
  return bytes;
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

test('the first 100 samples have the bytes they always had', () => {
  const labels = Array.from(upTo(20), (i) => rows(0, [i])[PIXELS]);
  assert.deepEqual(labels, [7, 8, 3, 7, 6, 7, 5, 0, 3, 0, 2, 9, 4, 7, 4, 5, 8, 3, 7, 9]);
  assert.equal(crc32c(rows(0, upTo(100))), 0x3a471d3f);
  assert.equal(crc32c(rows(7, upTo(100))), 0xaa364ee4);
});

test('samples of large indices and seeds have the bytes they always had', () => {
  assert.equal(crc32c(rows(2 ** 40 + 3, [2 ** 31, 2 ** 32 + 1, 2 ** 52, 2 ** 53 - 1])), 0x1ccc34c6);
});

test('a sample depends neither on the order of calls nor on its place in the target', () => {
  const forwards = rows(3, upTo(50));
  const backwards = rows(3, upTo(50).reverse());
  for (let i = 0; i < 50; i++) {
    const here = forwards.subarray(i * DIGIT_ROW_BYTES, (i + 1) * DIGIT_ROW_BYTES);
    const there = backwards.subarray((49 - i) * DIGIT_ROW_BYTES, (50 - i) * DIGIT_ROW_BYTES);
    assert.deepEqual(here, there);
  }
});

test('writes its 784 bytes and no others', () => {
  for (let index = 0; index < 200; index++) {
    const target = new Uint8Array(PIXELS + 20).fill(77);
    writeDigit(target, 10, 1, index);
    assert.ok(target.subarray(0, 10).every((byte) => byte === 77));
    assert.ok(target.subarray(PIXELS + 10).every((byte) => byte === 77));
  }
});

test('indices and seeds that differ in one half word only give different images', () => {
  const seen = new Set<number>();
  const numbers = [0, 1, 2, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 33, 2 ** 52];
  for (const seed of numbers) for (const index of numbers) seen.add(crc32c(rows(seed, [index])));
  assert.equal(seen.size, numbers.length ** 2);
});

test('labels are uniformly distributed', () => {
  const counts = new Array<number>(10).fill(0);
  const image = new Uint8Array(PIXELS);
  for (let index = 0; index < 20000; index++) counts[writeDigit(image, 0, 5, index)]! += 1;
  const chiSquare = counts.reduce((sum, count) => sum + (count - 2000) ** 2 / 2000, 0);
  // 27.9 is the 99.9 % point of chi-square with 9 degrees of freedom.
  assert.ok(chiSquare < 27.9, `chi-square ${chiSquare} of ${counts}`);
});

test('every image is ink on paper: a fair share of it dark, the border nearly clean, no two alike', () => {
  const count = 2000;
  const bytes = rows(2, upTo(count));
  const seen = new Set<number>();
  let border = 0;
  for (let i = 0; i < count; i++) {
    const image = bytes.subarray(i * DIGIT_ROW_BYTES, i * DIGIT_ROW_BYTES + PIXELS);
    const inked = image.reduce((sum, byte) => sum + (byte > 127 ? 1 : 0), 0);
    assert.ok(inked > 15 && inked < 350, `sample ${i} has ${inked} inked pixels`);
    for (let j = 0; j < 28; j++) {
      for (const pixel of [j, 27 * 28 + j, j * 28, j * 28 + 27]) border += image[pixel]! > 0 ? 1 : 0;
    }
    seen.add(crc32c(image));
  }
  assert.equal(seen.size, count);
  assert.ok(border / (count * 112) < 0.005, `${border} border pixels of ${count} images are inked`);
});
