import type { SourceFile } from '../import/sourceFiles.js';

/** Bytes inside a file: as they stand, or what comes out of a compressed piece of it. */
export interface ByteSource {
  /** For messages: `data.npz (X.npy)`. */
  readonly name: string;
  /** What offsets count in messages when they are not bytes of the file; see `ByteReader`. */
  readonly unit: string;
  /** Offset in messages of the first byte. */
  readonly origin: number;
  readonly byteLength: number;
  /** From the start, each time anew. A chunk is overwritten by the next. */
  chunks(): AsyncIterable<Uint8Array>;
  /** `chunks`, read to the end, compares a checksum. */
  readonly hasChecksum?: boolean;
  /** Reads anywhere; absent where bytes are compressed and come only in order. */
  readInto?(target: Uint8Array, position: number): Promise<void>;
}

/** `byteLength` bytes of a file from byte `from`. */
export function bytesOfFile(file: SourceFile, from = 0, byteLength = file.byteLength - from): ByteSource {
  return {
    name: file.path,
    unit: '',
    origin: from,
    byteLength,
    async *chunks() {
      let left = byteLength;
      for await (const chunk of file.chunks(from)) {
        yield chunk.length > left ? chunk.subarray(0, left) : chunk;
        left -= chunk.length;
        if (left <= 0) return;
      }
    },
    readInto: (target, position) => file.readInto(target, from + position),
  };
}
