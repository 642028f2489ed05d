import { type ErrorCode, MlmlError } from '../../errors.js';

/** Reads a stream of chunks front to back in pieces of any size; knows where it is, for error messages. */
export class ByteReader {
  readonly path: string;
  /** Bytes read so far. */
  position = 0;
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #unit: string;
  #chunk = new Uint8Array(0);
  #used = 0;

  /**
   * `unit` says what offsets count when they are not bytes of the file itself: `of the decompressed data`.
   * `position` is the offset of the first byte of `chunks`.
   */
  constructor(chunks: AsyncIterable<Uint8Array>, path: string, unit = '', position = 0) {
    this.#chunks = chunks[Symbol.asyncIterator]();
    this.path = path;
    this.#unit = unit === '' ? '' : ` ${unit}`;
    this.position = position;
  }

  /** `mnist/train-images-idx3-ubyte.gz: byte 16 of the decompressed data`. */
  place(offset: number): string {
    return `${this.path}: byte ${offset}${this.#unit}`;
  }

  /** An error about the bytes at `offset`. */
  fault(message: string, offset = this.position, code: ErrorCode = 'MLML_BAD_FILE'): MlmlError {
    return new MlmlError(code, `${this.place(offset)}: ${message}`);
  }

  async #fill(): Promise<boolean> {
    while (this.#used === this.#chunk.length) {
      const next = await this.#chunks.next();
      if (next.done === true) return false;
      this.#chunk = next.value as Uint8Array<ArrayBuffer>;
      this.#used = 0;
    }
    return true;
  }

  /** Fills `target` as far as the stream reaches; returns the number of bytes. */
  async readUpTo(target: Uint8Array): Promise<number> {
    let done = 0;
    while (done < target.length && (await this.#fill())) {
      const length = Math.min(target.length - done, this.#chunk.length - this.#used);
      target.set(this.#chunk.subarray(this.#used, this.#used + length), done);
      this.#advance(length);
      done += length;
    }
    return done;
  }

  #advance(length: number): void {
    this.#used += length;
    this.position += length;
  }

  /** Fills all of `target`; `what` names it when the stream ends early. */
  async read(target: Uint8Array, what: string): Promise<void> {
    const start = this.position;
    const done = await this.readUpTo(target);
    if (done < target.length) {
      throw this.fault(
        `the data end here, inside ${what} (${target.length} bytes from ${start}); the file is cut short`,
      );
    }
  }

  /** Gets at least `length` bytes at hand for `byte`, fewer only where the stream ends. */
  async prepare(length: number): Promise<void> {
    while (!this.has(length)) {
      // Copied first: the next chunk may overwrite this one.
      const rest = this.#chunk.slice(this.#used);
      this.#chunk = rest;
      this.#used = 0;
      const next = await this.#chunks.next();
      if (next.done === true) return;
      const joined = new Uint8Array(rest.length + next.value.length);
      joined.set(rest);
      joined.set(next.value, rest.length);
      this.#chunk = joined;
    }
  }

  /** Whether `length` bytes are at hand. */
  has(length: number): boolean {
    return this.#chunk.length - this.#used >= length;
  }

  /** The next `length` bytes, which are at hand, without going on; valid until something is read. */
  peek(length: number): Uint8Array {
    return this.#chunk.subarray(this.#used, this.#used + length);
  }

  /** The next byte, which must be at hand unless the stream has ended. */
  byte(what: string): number {
    if (!this.has(1)) throw this.fault(`the data end here, ${what} is missing; the file is cut short`);
    this.position++;
    return this.#chunk[this.#used++]!;
  }

  /** The next `length` bytes piece by piece, without copying; each piece is valid until the next is asked for. */
  async *pieces(length: number, what: string): AsyncGenerator<Uint8Array> {
    for (let left = length; left > 0; ) {
      if (!(await this.#fill()))
        throw this.fault(`the data end here, ${left} bytes before the end of ${what}; the file is cut short`);
      const piece = this.#chunk.subarray(
        this.#used,
        this.#used + Math.min(left, this.#chunk.length - this.#used),
      );
      this.#advance(piece.length);
      left -= piece.length;
      yield piece;
    }
  }

  async skip(length: number, what: string): Promise<void> {
    for await (const piece of this.pieces(length, what)) void piece;
  }

  /** Checks that nothing follows; runs the stream's own end checks (the CRC of gzip) too. */
  async expectEnd(): Promise<void> {
    if (await this.#fill()) throw this.fault('the data should end here, but more bytes follow');
  }

  /** Reads on to the end, wherever it is. */
  async drain(): Promise<void> {
    while (await this.#fill()) this.#advance(this.#chunk.length - this.#used);
  }

  /** Ends the stream early. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}
