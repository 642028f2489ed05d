import {
  createGunzip,
  createInflate,
  createInflateRaw,
  type Gunzip,
  type Inflate,
  type InflateRaw,
} from 'node:zlib';
import { MlmlError } from '../../errors.js';
import { collectGarbage } from '../../memory/collectGarbage.js';

/** Of a byte, deflate makes at most so many. */
export const MOST_INFLATED = 1032;
/** Small, so that what zlib allocates and drops stays small. */
const CHUNK_BYTES = 16 * 1024;

/** Output after which the buffers that zlib dropped are freed. */
const DROPPED_BYTES = 2 ** 21;

/** Decompresses gzip as it streams by. Damage is `MLML_BAD_FILE` naming `path` and the place. */
export function gunzip(source: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<Uint8Array> {
  return decompress(source, createGunzip({ chunkSize: CHUNK_BYTES }), path, 'gzip');
}

/** Decompresses a zlib stream likewise. */
export function inflate(source: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<Uint8Array> {
  return decompress(source, createInflate({ chunkSize: CHUNK_BYTES }), path, 'zlib');
}

/** Decompresses what a zip archive holds. */
export function inflateRaw(source: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<Uint8Array> {
  return decompress(source, createInflateRaw({ chunkSize: CHUNK_BYTES }), path, 'deflate');
}

async function* decompress(
  source: AsyncIterable<Uint8Array>,
  stream: Gunzip | Inflate | InflateRaw,
  path: string,
  format: string,
): AsyncGenerator<Uint8Array> {
  let release = () => {};
  let given = 0;
  let produced = 0;
  stream.on('close', () => release());
  // Chunks of the source are overwritten, so each must be used up before the next is asked for.
  const feed = async () => {
    for await (const chunk of source) {
      given += chunk.length;
      await new Promise<void>((resolve) => {
        release = resolve;
        stream.write(chunk, () => resolve());
      });
      if (stream.destroyed) return;
    }
    stream.end();
  };
  const feeding = feed().catch((error) => {
    stream.destroy(error as Error);
  });
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      if (Math.floor(produced / DROPPED_BYTES) < Math.floor((produced + chunk.length) / DROPPED_BYTES)) {
        collectGarbage('minor');
      }
      produced += chunk.length;
      yield chunk;
    }
    if (given > stream.bytesWritten) {
      throw new MlmlError(
        'MLML_BAD_FILE',
        `${path}: byte ${stream.bytesWritten}: the ${format} stream ends here, but more bytes follow`,
      );
    }
  } catch (error) {
    if (!String((error as NodeJS.ErrnoException).code).startsWith('Z_')) throw error;
    throw new MlmlError(
      'MLML_BAD_FILE',
      `${path}: damaged ${format} stream after byte ${produced} of the decompressed data ` +
        `(${(error as Error).message}); get the file anew`,
      { cause: error },
    );
  } finally {
    stream.destroy();
    await feeding;
  }
}
