import type { ByteSink } from '../byteSink.js';

/** Bytes whose number is known before they are made: written in chunks, so that they never lie in memory whole. */
export interface Blob {
  readonly byteLength: number;
  /** All bytes in order. A chunk is valid until the next is asked for. */
  chunks(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** A part of a file to be written. */
export type Piece = Uint8Array | Blob;

/** Bytes of all pieces together. */
export function pieceBytes(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/** Writes pieces one after another; `signal` is heard between chunks. */
export async function writePieces(
  sink: Pick<ByteSink, 'write'>,
  pieces: readonly Piece[],
  signal?: AbortSignal,
): Promise<void> {
  for (const piece of pieces) {
    if (piece instanceof Uint8Array) {
      await sink.write(piece);
      continue;
    }
    for await (const chunk of piece.chunks()) {
      signal?.throwIfAborted();
      await sink.write(chunk);
    }
  }
}
