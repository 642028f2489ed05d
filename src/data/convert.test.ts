import assert from 'node:assert/strict';
import { test } from 'node:test';
import { convertNumbers, fitsDtype, labelDtypeFor } from './convert.js';

test('integers must fit exactly, floats within the range', () => {
  const fitting = {
    uint8: [0, 255],
    int8: [-128, 127],
    int16: [-32768],
    float16: [65504, 0.1],
    float32: [3e38],
  };
  const misfits = {
    uint8: [-1, 256, 0.5],
    int8: [128],
    int16: [32768],
    float16: [65520],
    float32: [1e39],
    float64: [NaN],
  };
  for (const [dtype, values] of Object.entries(fitting))
    for (const value of values) assert.ok(fitsDtype(value, dtype as 'int8'), `${dtype} ${value}`);
  for (const [dtype, values] of Object.entries(misfits))
    for (const value of values) assert.ok(!fitsDtype(value, dtype as 'int8'), `${dtype} ${value}`);
});

test('labels keep the feature dtype while it holds every class number exactly', () => {
  assert.equal(labelDtypeFor('uint8', 256), 'uint8');
  assert.equal(labelDtypeFor('uint8', 257), 'int16');
  assert.equal(labelDtypeFor('int8', 129), 'int16');
  assert.equal(labelDtypeFor('float16', 2049), 'float16');
  assert.equal(labelDtypeFor('float16', 2050), 'int16');
  assert.equal(labelDtypeFor('int16', 40000), 'float32');
  assert.equal(labelDtypeFor('uint8', 2 ** 24 + 2), 'float64');
});

test('conversion stops at the first value that does not fit', () => {
  const source = new DataView(Float32Array.of(9, 1, 2, 300, 4).buffer);
  const target = new DataView(new ArrayBuffer(8));
  assert.equal(convertNumbers(source, 4, 'float32', target, 1, 'uint8', 2), -1);
  assert.deepEqual([...new Uint8Array(target.buffer)].slice(0, 4), [0, 1, 2, 0]);
  assert.equal(convertNumbers(source, 4, 'float32', target, 1, 'uint8', 4), 2);
});
