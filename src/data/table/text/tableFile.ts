import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { MlmlError } from '../../../errors.js';
import type { ReadableFile, Storage } from '../../../storage/storage.js';
import { gunzip } from '../../import/decompress.js';
import type { ImportProgress } from '../../import/importOptions.js';
import type { TableText, TextBuffers } from './tableText.js';
import { unzstd } from './unzstd.js';
import { isZstandard } from './zstdFrames.js';

/** Bytes read at once. */
export const CHUNK_BYTES = 256 * 1024;

export interface TableFileOptions {
  /** How messages call the file. Default: its path. */
  readonly name?: string;
  readonly onProgress?: (progress: ImportProgress) => void;
}

/**
 * A file of text read from front to back, any number of times; gzip and Zstandard are undone. It is open only while it is read,
 * so that there may be many. The first whole reading finds its sha256.
 */
export class TableFile implements TableText {
  readonly repeatable = true;
  readonly path: string;
  readonly name: string;
  readonly #storage: Storage;
  readonly #onProgress: TableFileOptions['onProgress'];
  #sha256: string | undefined;

  constructor(storage: Storage, path: string, { name = path, onProgress }: TableFileOptions = {}) {
    this.#storage = storage;
    this.path = path;
    this.name = name;
    this.#onProgress = onProgress;
  }

  /** The text. A chunk is valid until the next is asked for. */
  async *bytes(signal?: AbortSignal, buffers?: TextBuffers): AsyncGenerator<Uint8Array> {
    const head = await this.#head();
    if (head[0] === 0x1f && head[1] === 0x8b) yield* gunzip(this.#raw(signal), this.name);
    else if (isZstandard(head)) yield* unzstd(this.#raw(signal), this.name);
    else yield* this.#raw(signal, buffers);
  }

  /** The bytes by which compressed files are known. */
  async #head(): Promise<Uint8Array> {
    const file = await this.#storage.openRead(this.path);
    try {
      const head = new Uint8Array(Math.min(4, file.byteLength));
      await file.readInto(head, 0);
      return head;
    } finally {
      await file.close();
    }
  }

  /** The bytes of the file: while one chunk is worked on, the next is read. */
  async *#raw(signal?: AbortSignal, given?: TextBuffers): AsyncGenerator<Uint8Array> {
    const file = await this.#storage.openRead(this.path);
    let ahead: Promise<Uint8Array> | undefined;
    try {
      const { byteLength } = file;
      const buffers = given ?? [0, 1].map(() => new Uint8Array(Math.min(CHUNK_BYTES, byteLength)));
      const hash = this.#sha256 === undefined ? createHash('sha256') : undefined;
      const readAt = (position: number, turn: number) => readChunk(file, buffers[turn]!, position);
      ahead = byteLength > 0 ? readAt(0, 0) : undefined;
      for (let position = 0, turn = 0; position < byteLength; turn = 1 - turn) {
        const chunk = await ahead!;
        const next = position + chunk.length;
        ahead = next < byteLength ? readAt(next, 1 - turn) : undefined;
        // The failure of a reading that nobody waits for any more must not end the process.
        ahead?.catch(() => {});
        hash?.update(chunk);
        if (signal?.aborted)
          throw new MlmlError('MLML_INTERRUPTED', `the import of ${this.name} was interrupted`);
        this.#onProgress?.({ phase: 'import', what: basename(this.name), done: next, total: byteLength });
        yield chunk;
        position = next;
      }
      if (hash !== undefined) this.#sha256 = hash.digest('hex');
    } finally {
      await ahead?.catch(() => {});
      await file.close();
    }
  }

  /** File name and sha256 of the whole file. */
  async record(): Promise<{ name: string; sha256: string }> {
    if (this.#sha256 === undefined) for await (const chunk of this.#raw()) void chunk;
    return { name: basename(this.name), sha256: this.#sha256! };
  }
}

async function readChunk(file: ReadableFile, buffer: Uint8Array, position: number): Promise<Uint8Array> {
  const chunk = buffer.subarray(0, Math.min(buffer.length, file.byteLength - position));
  await file.readInto(chunk, position);
  return chunk;
}
