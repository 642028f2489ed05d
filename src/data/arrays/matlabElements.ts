import type { ByteReader } from '../import/byteReader.js';

/** Flags, dimensions and names are short. */
const LONGEST = 256;

/** What stands before the bytes of an element of a MATLAB file. */
export interface MatlabTag {
  readonly type: number;
  readonly byteLength: number;
  /** Small elements carry up to four bytes inside the tag. */
  readonly inside?: Uint8Array;
}

export async function readTag(reader: ByteReader): Promise<MatlabTag> {
  const bytes = new Uint8Array(8);
  await reader.read(bytes, 'the tag of a MATLAB element');
  const view = new DataView(bytes.buffer);
  const small = view.getUint16(2, true);
  if (small === 0) return { type: view.getUint32(0, true), byteLength: view.getUint32(4, true) };
  if (small > 4) throw reader.fault(`a small MATLAB element of ${small} bytes`, reader.position - 8);
  return { type: view.getUint16(0, true), byteLength: small, inside: bytes.subarray(4, 4 + small) };
}

/** Reads an element that must be short and returns its bytes. */
export async function readElement(reader: ByteReader, what: string): Promise<Uint8Array> {
  const start = reader.position;
  const { byteLength, inside } = await readTag(reader);
  if (inside !== undefined) return inside;
  if (byteLength > LONGEST) throw reader.fault(`${what} of ${byteLength} bytes is too long`, start);
  const bytes = new Uint8Array(byteLength);
  await reader.read(bytes, what);
  // Elements are padded to eight bytes.
  await reader.skip((8 - (byteLength % 8)) % 8, what);
  return bytes;
}
