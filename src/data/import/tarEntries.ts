import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar-stream';
import { MlmlError } from '../../errors.js';
import { ByteReader } from './byteReader.js';

/** A file inside an archive. The reader is valid until the next entry is asked for. */
export interface TarEntry {
  /** Without folders. */
  readonly name: string;
  readonly byteLength: number;
  readonly reader: ByteReader;
}

/**
 * The files of a tar stream, in stored order, without unpacking to disk. `chunks` must not be overwritten
 * once given. Damage is `MLML_BAD_FILE` naming `path` and the offset in the archive.
 */
export async function* tarEntries(chunks: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<TarEntry> {
  let given = 0;
  async function* counted() {
    for await (const chunk of chunks) {
      given += chunk.length;
      yield chunk;
    }
  }
  const translate = (error: unknown) =>
    error instanceof MlmlError
      ? error
      : new MlmlError(
          'MLML_BAD_FILE',
          `${path}: damaged tar archive before byte ${given} of the decompressed data (${(error as Error).message})`,
          { cause: error },
        );
  async function* contentOf(entry: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of entry) yield chunk as Uint8Array;
    } catch (error) {
      throw translate(error);
    }
  }
  const archive = extract();
  const feeding = pipeline(Readable.from(counted(), { objectMode: true, highWaterMark: 1 }), archive);
  // The same failure reaches the loop below, which reports it.
  feeding.catch(() => {});
  try {
    for await (const entry of archive) {
      const { name, size = 0, type } = entry.header;
      const short = name.slice(name.lastIndexOf('/') + 1);
      if (type === 'file' || type === 'contiguous-file') {
        const reader = new ByteReader(contentOf(entry), `${path} (${name})`, 'of that entry');
        yield { name: short, byteLength: size, reader };
        await reader.drain();
      } else entry.resume();
    }
    await feeding;
  } catch (error) {
    throw translate(error);
  } finally {
    archive.destroy();
  }
}
