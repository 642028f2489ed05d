import { crc32 } from 'node:zlib';
import { type Blob, chunksOf, joinedBytes, type Piece, pieceBytes } from '../pieces.js';

/**
 * A ZIP archive (PKWARE APPNOTE 6.3) of files stored as they are. Their checksums are known only once they have been written, so
 * they stand behind each file and in the directory at the end, which is what readers go by.
 */

export interface ZipEntry {
  /** ASCII. */
  readonly name: string;
  readonly content: readonly Piece[];
}

/** Sizes and places from here on take 64 bits, in fields of their own. */
const LARGE = 0xffffffff;
const STORED_AT = { time: 0, date: 0x21 };
/** The checksum comes behind the file. */
const FLAGS = 0x08;

interface Placed {
  readonly entry: ZipEntry;
  readonly offset: number;
  readonly size: number;
  readonly isLarge: boolean;
  crc: number;
}

/** The archive in pieces, to be written in this order, once. */
export function zipPieces(entries: readonly ZipEntry[]): Piece[] {
  const pieces: Piece[] = [];
  const placed: Placed[] = [];
  let offset = 0;
  for (const entry of entries) {
    const size = pieceBytes(entry.content);
    const file: Placed = { entry, offset, size, isLarge: size >= LARGE, crc: 0 };
    const parts = [localHeader(file), checked(file), later(file.isLarge ? 24 : 16, () => descriptor(file))];
    pieces.push(...parts);
    placed.push(file);
    offset += pieceBytes(parts);
  }
  const entryBytes = placed.reduce((sum, file) => sum + directoryEntry(file).length, 0);
  pieces.push(later(entryBytes, () => joinedBytes(placed.map(directoryEntry))));
  pieces.push(ending(placed.length, entryBytes, offset));
  return pieces;
}

function later(byteLength: number, make: () => Uint8Array): Blob {
  return {
    byteLength,
    *chunks() {
      yield make();
    },
  };
}

/** The content of a file; its checksum is known afterwards. */
function checked(file: Placed): Blob {
  return {
    byteLength: file.size,
    async *chunks() {
      let crc = 0;
      for (const piece of file.entry.content)
        for await (const chunk of chunksOf(piece)) {
          crc = crc32(chunk, crc);
          yield chunk;
        }
      file.crc = crc;
    },
  };
}

/** Little-endian fields of 2, 4 or 8 bytes, then more bytes. */
function record(
  fields: readonly (readonly [size: 2 | 4 | 8, value: number])[],
  ...rest: Uint8Array[]
): Uint8Array {
  const view = new DataView(new ArrayBuffer(fields.reduce((sum, [size]) => sum + size, 0)));
  let at = 0;
  for (const [size, value] of fields) {
    if (size === 2) view.setUint16(at, value, true);
    else if (size === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
    at += size;
  }
  return joinedBytes([new Uint8Array(view.buffer), ...rest]);
}

const nameOf = ({ entry }: Placed) => new TextEncoder().encode(entry.name);
/** Version of the format needed: 4.5 has 64-bit sizes. */
const version = (isLarge: boolean) => (isLarge ? 45 : 20);

function localHeader(file: Placed): Uint8Array {
  const name = nameOf(file);
  // Tells readers of streams that the sizes behind the file have 64 bits.
  const extra = file.isLarge
    ? record([
        [2, 1],
        [2, 16],
        [8, 0],
        [8, 0],
      ])
    : new Uint8Array(0);
  return record(
    [
      [4, 0x04034b50],
      [2, version(file.isLarge)],
      [2, FLAGS],
      [2, 0],
      [2, STORED_AT.time],
      [2, STORED_AT.date],
      [4, 0],
      [4, file.isLarge ? LARGE : 0],
      [4, file.isLarge ? LARGE : 0],
      [2, name.length],
      [2, extra.length],
    ],
    name,
    extra,
  );
}

function descriptor({ crc, size, isLarge }: Placed): Uint8Array {
  const width = isLarge ? 8 : 4;
  return record([
    [4, 0x08074b50],
    [4, crc],
    [width, size],
    [width, size],
  ]);
}

function directoryEntry(file: Placed): Uint8Array {
  const name = nameOf(file);
  const { crc, size, offset, isLarge } = file;
  const isFar = offset >= LARGE;
  const wide: [8, number][] = [];
  if (isLarge) wide.push([8, size], [8, size]);
  if (isFar) wide.push([8, offset]);
  const extra = wide.length === 0 ? new Uint8Array(0) : record([[2, 1], [2, 8 * wide.length], ...wide]);
  const needed = version(isLarge || isFar);
  return record(
    [
      [4, 0x02014b50],
      [2, needed],
      [2, needed],
      [2, FLAGS],
      [2, 0],
      [2, STORED_AT.time],
      [2, STORED_AT.date],
      [4, crc],
      [4, isLarge ? LARGE : size],
      [4, isLarge ? LARGE : size],
      [2, name.length],
      [2, extra.length],
      [2, 0],
      [2, 0],
      [2, 0],
      [4, 0],
      [4, isFar ? LARGE : offset],
    ],
    name,
    extra,
  );
}

function ending(count: number, bytes: number, offset: number): Uint8Array {
  const isFar = offset >= LARGE;
  const wide = isFar
    ? [
        record([
          [4, 0x06064b50],
          [8, 44],
          [2, 45],
          [2, 45],
          [4, 0],
          [4, 0],
          [8, count],
          [8, count],
          [8, bytes],
          [8, offset],
        ]),
        record([
          [4, 0x07064b50],
          [4, 0],
          [8, offset + bytes],
          [4, 1],
        ]),
      ]
    : [];
  const last = record([
    [4, 0x06054b50],
    [2, 0],
    [2, 0],
    [2, count],
    [2, count],
    [4, bytes],
    [4, isFar ? LARGE : offset],
    [2, 0],
  ]);
  return joinedBytes([...wide, last]);
}
