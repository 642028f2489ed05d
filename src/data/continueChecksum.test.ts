import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../memory/random.js';
import { crc32c } from '../storage/crc32c.js';
import { continueChecksum } from './continueChecksum.js';

test('checksums are those of crc32c, in pieces of any length', () => {
  const random = Random.of(1);
  const bytes = Uint8Array.from({ length: 300_000 }, () => random.below(256));
  for (const length of [0, 1, 255, 256, 257, 65_535, 65_536, 65_537, 300_000])
    assert.equal(continueChecksum(bytes.subarray(0, length)), crc32c(bytes.subarray(0, length)));
  let [crc, at] = [0, 0];
  while (at < bytes.length) {
    const length = 1 + random.below(70_000);
    crc = continueChecksum(bytes.subarray(at, at + length), crc);
    at += length;
  }
  assert.equal(crc, crc32c(bytes));
});
