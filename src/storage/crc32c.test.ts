import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32c } from './crc32c.js';

/** One bit at a time, straight from the polynomial. */
function bitwise(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

test('published vectors (RFC 3720, appendix B.4, and the check value of the catalogue)', () => {
  const hex = (bytes: Uint8Array) => crc32c(bytes).toString(16).padStart(8, '0');
  assert.equal(hex(new TextEncoder().encode('123456789')), 'e3069283');
  assert.equal(hex(new Uint8Array(32)), '8a9136aa');
  assert.equal(hex(new Uint8Array(32).fill(255)), '62a8ab43');
  assert.equal(hex(Uint8Array.from({ length: 32 }, (_, i) => i)), '46dd794e');
  assert.equal(hex(Uint8Array.from({ length: 32 }, (_, i) => 31 - i)), '113fdb5c');
  assert.equal(hex(new Uint8Array(0)), '00000000');
});

test('every length and alignment agrees with the bit by bit form, whole or in pieces', () => {
  const all = Uint8Array.from({ length: 80 }, (_, i) => (i * 167 + 13) % 256);
  for (let start = 0; start < 9; start++) {
    for (let end = start; end < all.length; end++) {
      const bytes = all.subarray(start, end);
      assert.equal(crc32c(bytes), bitwise(bytes));
      const cut = (start * 7) % (bytes.length + 1);
      assert.equal(crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut))), bitwise(bytes));
    }
  }
});
