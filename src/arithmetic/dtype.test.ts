import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Dtype,
  dtypeBytes,
  halfToNumber,
  integerRange,
  numberToHalf,
  parseDtype,
  readNumber,
  writeNumber,
} from './dtype.js';

test('all 65536 halves survive the way to a number and back', () => {
  for (let bits = 0; bits < 65536; bits++) {
    const value = halfToNumber(bits);
    if (Number.isNaN(value)) assert.equal((bits >>> 10) & 31, 31);
    else assert.equal(numberToHalf(value), bits);
  }
});

test('halves of well-known numbers', () => {
  const cases: [number, number][] = [
    [0x0000, 0],
    [0x8000, -0],
    [0x3c00, 1],
    [0xc000, -2],
    [0x3555, 0.333251953125],
    [0x7bff, 65504],
    [0x0400, 2 ** -14],
    [0x03ff, 1023 * 2 ** -24],
    [0x0001, 2 ** -24],
    [0x7c00, Infinity],
    [0xfc00, -Infinity],
  ];
  for (const [bits, value] of cases) {
    assert.ok(Object.is(halfToNumber(bits), value));
    assert.equal(numberToHalf(value), bits);
  }
  assert.ok(Number.isNaN(halfToNumber(0x7e00)));
  assert.equal(numberToHalf(NaN), 0x7e00);
});

test('numbers between two halves go to the nearer one, ties to the even one', () => {
  for (let bits = 0; bits < 0x7bff; bits++) {
    const low = halfToNumber(bits);
    const middle = (low + halfToNumber(bits + 1)) / 2;
    const even = bits % 2 === 0 ? bits : bits + 1;
    // Differences far below half a unit, on either side of the middle.
    const little = (middle - low) * 2 ** -20;
    assert.deepEqual(
      [numberToHalf(middle - little), numberToHalf(middle), numberToHalf(middle + little)],
      [bits, even, bits + 1],
    );
    assert.equal(numberToHalf(-middle), even | 0x8000);
  }
  assert.deepEqual(
    [numberToHalf(65519.99), numberToHalf(65520), numberToHalf(1e300)],
    [0x7bff, 0x7c00, 0x7c00],
  );
  assert.deepEqual([numberToHalf(2 ** -25), numberToHalf(2 ** -25 * 1.0001)], [0, 1]);
});

test('every dtype reads what it wrote, little-endian, at any offset', () => {
  const view = new DataView(new ArrayBuffer(16));
  for (const dtype of Object.keys(dtypeBytes) as Dtype[]) {
    const [low, high] = integerRange(dtype) ?? [-1.5, 2048];
    for (const value of [low, 0, 1, high]) {
      for (const offset of [0, 1, 3]) {
        writeNumber(view, offset, dtype, value);
        assert.equal(readNumber(view, offset, dtype), value, `${dtype} ${value}`);
      }
    }
  }
  writeNumber(view, 0, 'int16', 0x0102);
  assert.deepEqual([view.getUint8(0), view.getUint8(1)], [2, 1]);
});

test('dtype names', () => {
  assert.equal(parseDtype('float16'), 'float16');
  for (const text of ['float', 'toString', ''])
    assert.throws(() => parseDtype(text), { code: 'MLML_USAGE', message: new RegExp(`^--dtype=${text}: `) });
});
