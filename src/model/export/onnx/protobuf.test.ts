import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Piece } from '../pieces.js';
import { bytesField, floatField, integerField, joined, textField, varint } from './protobuf.js';

const hex = (pieces: readonly Piece[]) => {
  const [all, ...rest] = joined(pieces);
  assert.equal(rest.length, 0);
  return Buffer.from(all as Uint8Array).toString('hex');
};

test('the examples of the description of the encoding', () => {
  assert.equal(hex(integerField(1, 150)), '089601');
  assert.equal(hex(textField(2, 'testing')), '120774657374696e67');
  assert.equal(hex(bytesField(3, integerField(1, 150))), '1a03089601');
  assert.equal(hex(floatField(4, 1)), '250000803f');
  assert.equal(Buffer.from(varint(300)).toString('hex'), 'ac02');
  assert.equal(Buffer.from(varint(-2)).toString('hex'), 'feffffffffffffffff01');
  assert.equal(Buffer.from(varint(2 ** 53 - 1)).toString('hex'), 'ffffffffffffff0f');
  assert.equal(Buffer.from(varint(0)).toString('hex'), '00');
  // Field numbers above 15 take two bytes.
  assert.equal(hex(integerField(20, 1)), 'a00101');
});

test('a blob stays one and counts', () => {
  const blob = { byteLength: 300, chunks: () => [new Uint8Array(300)] };
  const pieces = joined([...textField(1, 'a'), ...bytesField(9, [blob]), ...textField(1, 'b')]);
  assert.equal(pieces.length, 3);
  assert.equal(Buffer.from(pieces[0] as Uint8Array).toString('hex'), '0a01614aac02');
  assert.equal(pieces[1], blob);
});
