import type { Decompress } from 'fzstd';
import type { XXHash } from 'xxhash-wasm';
import { MlmlError } from '../../../errors.js';
import { collectGarbage } from '../../../memory/collectGarbage.js';
import { checksumText } from '../../../storage/crc32c.js';
import { ZstdFault, ZstdFrames } from './zstdFrames.js';

/** The largest window that every decompressor has to manage (RFC 8878), and the largest of zstd without --ultra or --long. */
const LARGEST_WINDOW = 8 * 1024 * 1024;
/** Output after which dropped buffers are freed. */
const DROPPED_BYTES = 2 ** 21;

/** A frame on its way. */
interface Frame {
  readonly stream: Decompress;
  readonly hash: XXHash<bigint>;
  readonly contentBytes: number | undefined;
  produced: number;
}

/**
 * Decompresses Zstandard as it streams by, a block at a time. Lengths and checksums that frames carry are checked. Damage is
 * `MLML_BAD_FILE` naming `path`.
 */
export async function* unzstd(source: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<Uint8Array> {
  const [{ Decompress }, { default: loadHashes }] = await Promise.all([
    import('fzstd'),
    import('xxhash-wasm'),
  ]);
  const hashes = await loadHashes();
  const frames = new ZstdFrames();
  let frame: Frame | undefined;
  let out: Uint8Array[] = [];
  let produced = 0;
  const begin = (contentBytes: number | undefined): Frame => {
    const made: Frame = {
      hash: hashes.create64(),
      contentBytes,
      produced: 0,
      stream: new Decompress((data) => {
        if (data.length === 0) return;
        made.hash.update(data);
        made.produced += data.length;
        // What it gives it may overwrite.
        out.push(data.slice());
      }),
    };
    return made;
  };
  const end = (ended: Frame, checksum?: number) => {
    // Of a short frame all comes now.
    ended.stream.push(new Uint8Array(0), true);
    if (ended.contentBytes !== undefined && ended.contentBytes !== ended.produced)
      throw new ZstdFault(`a frame of ${ended.produced} bytes, which should have ${ended.contentBytes}`);
    const found = Number(ended.hash.digest() & 0xffffffffn);
    if (checksum !== undefined && checksum !== found)
      throw new ZstdFault(`its checksum is ${checksumText(found)}, not ${checksumText(checksum)}`);
  };
  /** Takes the next bytes; says how many. */
  const take = (chunk: Uint8Array, from: number): number => {
    const [taken, step] = frames.step(chunk, from);
    switch (step.kind) {
      case 'none':
        break;
      case 'frame': {
        const { windowBytes, contentBytes } = step.header;
        if (windowBytes > LARGEST_WINDOW)
          throw new MlmlError(
            'MLML_BAD_FILE',
            `${path}: was compressed with a window of ${windowBytes} bytes, more than ${LARGEST_WINDOW}; undo it with zstd -d`,
          );
        frame = begin(contentBytes);
        frame.stream.push(step.bytes);
        break;
      }
      case 'blocks':
        frame!.stream.push(step.bytes);
        if (step.isLast) end(frame!);
        break;
      case 'checksum':
        frame!.stream.push(step.bytes);
        end(frame!, step.checksum);
    }
    return taken;
  };
  const damaged = (cause: Error) =>
    new MlmlError(
      'MLML_BAD_FILE',
      `${path}: damaged Zstandard stream after byte ${produced} of the decompressed data (${cause.message}); get the file anew`,
      { cause },
    );
  for await (const chunk of source) {
    for (let from = 0; from < chunk.length; ) {
      try {
        from += take(chunk, from);
      } catch (error) {
        throw error instanceof MlmlError ? error : damaged(error as Error);
      }
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
  if (!frames.isBetweenFrames) throw damaged(new ZstdFault('it ends within a frame'));
}
