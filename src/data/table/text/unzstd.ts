import { MlmlError } from '../../../errors.js';
import { collectGarbage } from '../../../memory/collectGarbage.js';

/** The largest window that every decompressor has to manage (RFC 8878), and the largest of zstd without --ultra or --long. */
const LARGEST_WINDOW = 8 * 1024 * 1024;
/** What is handed over at once, so that little comes out at once. */
const PIECE_BYTES = 16 * 1024;
/** Output after which dropped buffers are freed. */
const DROPPED_BYTES = 2 ** 21;

export function isZstandard(bytes: Uint8Array): boolean {
  return bytes[0] === 0x28 && bytes[1] === 0xb5 && bytes[2] === 0x2f && bytes[3] === 0xfd;
}

/** The window that the header of a frame asks for, in bytes; undefined where the header is cut short. */
function windowOf(bytes: Uint8Array): number | undefined {
  const descriptor = bytes[4];
  const window = bytes[5];
  if (descriptor === undefined || window === undefined) return undefined;
  if ((descriptor & 0x20) === 0) return 2 ** (10 + (window >> 3)) * (1 + (window & 7) / 8);
  // A single segment: the window is the content.
  const length = [1, 2, 4, 8][descriptor >> 6]!;
  const at = 5 + [0, 1, 2, 4][descriptor & 3]!;
  if (bytes.length < at + length) return undefined;
  let size = 0;
  for (let i = length - 1; i >= 0; i--) size = size * 256 + bytes[at + i]!;
  return length === 2 ? size + 256 : size;
}

/** Decompresses Zstandard as it streams by. Damage is `MLML_BAD_FILE` naming `path`. */
export async function* unzstd(source: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<Uint8Array> {
  const { Decompress } = await import('fzstd');
  let out: Uint8Array[] = [];
  let produced = 0;
  let isFirst = true;
  const stream = new Decompress((data) => {
    // What it gives it may overwrite.
    if (data.length > 0) out.push(data.slice());
  });
  const push = (piece: Uint8Array, isLast: boolean) => {
    try {
      stream.push(piece, isLast);
    } catch (error) {
      throw new MlmlError(
        'MLML_BAD_FILE',
        `${path}: damaged Zstandard stream after byte ${produced} of the decompressed data (${(error as Error).message}); get the file anew`,
        { cause: error },
      );
    }
  };
  for await (const chunk of source) {
    const window = isFirst ? (windowOf(chunk) ?? 0) : 0;
    if (window > LARGEST_WINDOW)
      throw new MlmlError(
        'MLML_BAD_FILE',
        `${path}: was compressed with a window of ${window} bytes, more than ${LARGEST_WINDOW}; undo it with zstd -d`,
      );
    isFirst = false;
    for (let from = 0; from < chunk.length; from += PIECE_BYTES) {
      // A copy: it keeps what it cannot use yet, and chunks are overwritten.
      push(chunk.slice(from, from + PIECE_BYTES), false);
      const pieces = out;
      out = [];
      for (const piece of pieces) {
        if (Math.floor(produced / DROPPED_BYTES) < Math.floor((produced + piece.length) / DROPPED_BYTES))
          collectGarbage('minor');
        produced += piece.length;
        yield piece;
      }
    }
  }
  push(new Uint8Array(0), true);
  yield* out;
}
