import { joinedBytes, type Piece, pieceBytes } from '../pieces.js';

/**
 * Writes Protocol Buffers messages (https://protobuf.dev/programming-guides/encoding): a field is a list of pieces, a
 * message the fields one after another. Large fields stay blobs, whose length alone is asked for before they are written.
 */

const VARINT = 0;
const BYTES = 2;
const FIXED32 = 5;

const utf8 = new TextEncoder();

/** A whole number from −2^63 to 2^64 − 1 in groups of seven bits, the lowest first; negative ones as 64 bits. */
export function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = [];
  for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest >>= 7n) {
    const low = Number(rest & 127n);
    if (rest < 128n) {
      bytes.push(low);
      return Uint8Array.from(bytes);
    }
    bytes.push(low | 128);
  }
}

const tag = (field: number, wire: number) => varint(field * 8 + wire);

/** A field of type int32, int64, uint64, bool or enum. */
export function integerField(field: number, value: number | bigint): Piece[] {
  return [tag(field, VARINT), varint(value)];
}

/** A field of type float. */
export function floatField(field: number, value: number): Piece[] {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return [tag(field, FIXED32), bytes];
}

/** A field of type bytes, or of a message whose fields these pieces are. */
export function bytesField(field: number, pieces: readonly Piece[]): Piece[] {
  return [tag(field, BYTES), varint(pieceBytes(pieces)), ...pieces];
}

/** A field of type string. */
export function textField(field: number, text: string): Piece[] {
  return bytesField(field, [utf8.encode(text)]);
}

/** Small pieces put together, so that few writes are needed and a thousand little arrays do not stay. */
export function joined(pieces: readonly Piece[]): Piece[] {
  const result: Piece[] = [];
  let small: Uint8Array[] = [];
  const flush = () => {
    if (small.length === 0) return;
    result.push(joinedBytes(small));
    small = [];
  };
  for (const piece of pieces) {
    if (piece instanceof Uint8Array) small.push(piece);
    else {
      flush();
      result.push(piece);
    }
  }
  flush();
  return result;
}
