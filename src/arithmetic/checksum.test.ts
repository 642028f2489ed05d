import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arena } from '../memory/arena.js';
import { Random } from '../memory/random.js';
import { crc32c } from '../storage/crc32c.js';
import { CHECKSUM_TABLE_BYTES } from './checksum.js';
import { loadKernels } from './kernels.js';

for (const build of ['plain', 'simd', 'relaxed'] as const) {
  test(`checksumStrips, ${build}: every length and alignment, as the checksum of files`, () => {
    const arena = new Arena([
      { name: 'tables', bytes: CHECKSUM_TABLE_BYTES },
      { name: 'data', bytes: 5000 },
      { name: 'sums', bytes: 4096 },
    ]);
    const kernels = loadKernels(arena.memory, build);
    const tables = arena.address('tables');
    kernels.fillChecksumTables(tables);
    const data = arena.uint8('data');
    const random = Random.of(3);
    for (let i = 0; i < data.length; i++) data[i] = random.below(256);
    const half = kernels.continueChecksum(tables, arena.address('data'), 1234, 0);
    const whole = kernels.continueChecksum(tables, arena.address('data') + 1234, 3766, half);
    assert.equal(whole >>> 0, crc32c(data.slice()));
    const sums = arena.uint32('sums');
    for (const stripBytes of [1, 7, 16, 64, 100, 4096]) {
      for (let from = 0; from < 18; from++) {
        for (const bytes of [1, 15, 16, 17, 33, 100, 999]) {
          const strips = Math.ceil(bytes / stripBytes);
          sums.fill(1);
          kernels.checksumStrips(
            tables,
            arena.address('data') + from,
            bytes,
            stripBytes,
            arena.address('sums'),
          );
          const expected = Array.from({ length: strips }, (_, s) =>
            crc32c(data.slice(from + s * stripBytes, from + Math.min(bytes, (s + 1) * stripBytes))),
          );
          assert.deepEqual([...sums.subarray(0, strips + 1)], [...expected, 1]);
        }
      }
    }
  });
}
