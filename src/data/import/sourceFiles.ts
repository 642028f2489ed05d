import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { MlmlError } from '../../errors.js';
import type { ReadableFile, Storage } from '../../storage/storage.js';
import type { ImportOptions } from './importOptions.js';

const CHUNK_BYTES = 64 * 1024;

/** An original file: read in chunks, any number of times, and hashed on the way. */
export class SourceFile {
  readonly path: string;
  readonly byteLength: number;
  readonly #file: ReadableFile;
  readonly #onHashed: (bytes: number) => void;
  readonly #hash = createHash('sha256');
  #hashed = 0;

  constructor(file: ReadableFile, onHashed: (bytes: number) => void) {
    this.path = file.path;
    this.byteLength = file.byteLength;
    this.#file = file;
    this.#onHashed = onHashed;
  }

  /** The bytes from `from` to the end. Each chunk is overwritten by the next: do not keep it. */
  async *chunks(from = 0): AsyncGenerator<Uint8Array> {
    const buffer = new Uint8Array(Math.min(CHUNK_BYTES, this.byteLength - from));
    for (let position = from; position < this.byteLength; ) {
      const chunk = buffer.subarray(0, Math.min(buffer.length, this.byteLength - position));
      await this.#file.readInto(chunk, position);
      // Each byte is hashed once, when it is met in file order; other passes only read.
      if (position === this.#hashed) {
        this.#hash.update(chunk);
        this.#hashed += chunk.length;
        this.#onHashed(chunk.length);
      }
      yield chunk;
      position += chunk.length;
    }
  }

  /** Fills the target from anywhere; such bytes are hashed by another pass. */
  readInto(target: Uint8Array, position: number): Promise<void> {
    return this.#file.readInto(target, position);
  }

  /** File name and sha256 of the whole file; reads what no pass has read. */
  async record(): Promise<{ name: string; sha256: string }> {
    for await (const chunk of this.chunks(this.#hashed)) void chunk;
    return { name: basename(this.path), sha256: this.#hash.digest('hex') };
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** The original files of one import: progress over all of them, interruption, and their hashes at the end. */
export class SourceFiles {
  readonly #storage: Storage;
  readonly #files: SourceFile[] = [];
  readonly #options: Pick<ImportOptions, 'signal' | 'onProgress'>;
  readonly #what: string;
  #total = 0;
  #done = 0;

  constructor(storage: Storage, what: string, options: Pick<ImportOptions, 'signal' | 'onProgress'>) {
    this.#storage = storage;
    this.#what = what;
    this.#options = options;
  }

  async open(path: string): Promise<SourceFile> {
    const file = new SourceFile(await this.#storage.openRead(path), (bytes) => this.#advance(bytes));
    this.#files.push(file);
    this.#total += file.byteLength;
    return file;
  }

  #advance(bytes: number): void {
    if (this.#options.signal?.aborted) {
      throw new MlmlError('MLML_INTERRUPTED', `the import of ${this.#what} was interrupted`);
    }
    this.#done += bytes;
    this.#options.onProgress?.({
      phase: 'import',
      what: this.#what,
      done: this.#done,
      total: this.#total,
    });
  }

  /** Names and sha256 of all files, in the order of opening. */
  async records(): Promise<{ name: string; sha256: string }[]> {
    const records = [];
    for (const file of this.#files) records.push(await file.record());
    return records;
  }

  async close(): Promise<void> {
    for (const file of this.#files) await file.close();
  }
}
