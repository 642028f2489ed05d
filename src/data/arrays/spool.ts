import type { WritableFile } from '../../storage/storage.js';
import type { ByteSource } from './byteSource.js';

/** Bytes written or read at a time. */
const PIECE_BYTES = 256 * 1024;

/** Bytes appended to a scratch file, to be read again, anywhere and any number of times. */
export class Spool {
  readonly #file: WritableFile;
  readonly #piece = new Uint8Array(PIECE_BYTES);
  #used = 0;
  #written = 0;

  constructor(file: WritableFile) {
    this.#file = file;
  }

  /** Bytes appended so far. */
  get byteLength(): number {
    return this.#written + this.#used;
  }

  async append(bytes: Uint8Array): Promise<void> {
    for (let from = 0; from < bytes.length; ) {
      const many = Math.min(this.#piece.length - this.#used, bytes.length - from);
      this.#piece.set(bytes.subarray(from, from + many), this.#used);
      this.#used += many;
      from += many;
      if (this.#used === this.#piece.length) await this.#flush();
    }
  }

  async #flush(): Promise<void> {
    if (this.#used === 0) return;
    await this.#file.write(this.#piece.subarray(0, this.#used), this.#written);
    this.#written += this.#used;
    this.#used = 0;
  }

  /** The bytes, once all are there; the scratch must stay open. `about` is what messages say of their place. */
  async finish(about: Pick<ByteSource, 'name' | 'unit' | 'origin'>): Promise<ByteSource> {
    await this.#flush();
    const file = this.#file;
    const byteLength = this.#written;
    return {
      ...about,
      byteLength,
      async *chunks() {
        const chunk = new Uint8Array(Math.min(PIECE_BYTES, byteLength));
        for (let at = 0; at < byteLength; at += chunk.length) {
          const part = chunk.subarray(0, Math.min(chunk.length, byteLength - at));
          await file.readInto(part, at);
          yield part;
        }
      },
      readInto: (target, position) => file.readInto(target, position),
    };
  }
}
