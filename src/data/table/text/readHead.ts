import type { TableText } from './tableText.js';

/** What is read at least, where there is so much: by this the delimiter is found out. */
const HEAD_BYTES = 64 * 1024;

/**
 * The first bytes of a file, decompressed: as many as it takes to hold a first line, but not more than `longest` and a bit.
 * `isWhole` when there are no others.
 */
export async function readHead(
  file: TableText,
  longest: number,
): Promise<{ bytes: Uint8Array; isWhole: boolean }> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  let lines = 0;
  for await (const chunk of file.bytes()) {
    pieces.push(chunk.slice());
    length += chunk.length;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines++;
    // One line break may be inside a quoted name.
    if ((length >= HEAD_BYTES && lines > 1) || length > longest)
      return { bytes: joined(pieces, length), isWhole: false };
  }
  return { bytes: joined(pieces, length), isWhole: true };
}

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
