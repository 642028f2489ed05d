import type { ByteSink } from '../byteSink.js';

/** Bytes written in chunks, so that they never lie in memory whole. */
export interface Chunks {
  /** All bytes in order. A chunk is valid until the next is asked for. */
  chunks(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** … whose number is known before they are made. */
export interface Blob extends Chunks {
  readonly byteLength: number;
}

/** A part of a file whose size has to be known before it is written. */
export type Piece = Uint8Array | Blob;

/** Bytes of all pieces together. */
export function pieceBytes(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/** Small pieces as one. */
export function joinedBytes(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(pieceBytes(parts));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The chunks of a part. */
export function chunksOf(part: Uint8Array | Chunks): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
  return part instanceof Uint8Array ? [part] : part.chunks();
}

/** Writes parts one after another and returns how many bytes they were; `signal` is heard between chunks. */
export async function writeParts(
  sink: Pick<ByteSink, 'write'>,
  parts: readonly (Uint8Array | Chunks)[],
  signal?: AbortSignal,
): Promise<number> {
  let bytes = 0;
  for (const part of parts)
    for await (const chunk of chunksOf(part)) {
      signal?.throwIfAborted();
      await sink.write(chunk);
      bytes += chunk.length;
    }
  return bytes;
}
