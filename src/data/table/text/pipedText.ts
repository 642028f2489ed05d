import { createHash, type Hash } from 'node:crypto';
import { MlmlError } from '../../../errors.js';
import type { TableText } from './tableText.js';

/** A pipe whose first row does not end within so many bytes is not waited for any longer. */
const LONGEST_HEAD = 1 << 20;

/** Text from a pipe, as it comes. Its head can be looked at before it is read, once. */
export class PipedText implements TableText {
  readonly name: string;
  readonly repeatable = false;
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #hash: Hash = createHash('sha256');
  #head: Uint8Array | undefined;
  #ended = false;

  constructor(input: AsyncIterable<Uint8Array>, name: string) {
    this.name = name;
    this.#source = input[Symbol.asyncIterator]();
  }

  /** The first lines; all of a text that is shorter. */
  async head(signal?: AbortSignal): Promise<Uint8Array> {
    if (this.#head !== undefined) return this.#head;
    let head = new Uint8Array(0);
    let lines = 0;
    while (lines < 2 && head.length < LONGEST_HEAD) {
      const chunk = await this.#next(signal);
      if (chunk === undefined) break;
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines++;
      const longer = new Uint8Array(head.length + chunk.length);
      longer.set(head);
      longer.set(chunk, head.length);
      head = longer;
    }
    this.#head = head;
    return head;
  }

  async *bytes(signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const head = await this.head(signal);
    if (head.length > 0) yield head;
    for (;;) {
      const chunk = await this.#next(signal);
      if (chunk === undefined) return;
      yield chunk;
    }
  }

  /**
   * The same for readers that look at the beginning first: the first reading ends behind the lines of the head, so that nobody waits
   * for a pipe to fill; the second is that of everything.
   */
  headFirst(): TableText {
    let seen = false;
    const first = async function* (text: PipedText): AsyncGenerator<Uint8Array> {
      const head = await text.head();
      // A row that is cut short would look as if it had fewer fields.
      const end = text.#ended ? head.length : head.lastIndexOf(10) + 1;
      if (head.length > 0) yield head.subarray(0, end === 0 ? head.length : end);
    };
    return {
      name: this.name,
      repeatable: false,
      bytes: (signal) => {
        if (seen) return this.bytes(signal);
        seen = true;
        return first(this);
      },
      record: () => this.record(),
    };
  }

  /** The next piece, or undefined at the end. */
  async #next(signal: AbortSignal | undefined): Promise<Uint8Array | undefined> {
    if (this.#ended) return undefined;
    signal?.throwIfAborted();
    let stop: (() => void) | undefined;
    // Who writes the pipe may be silent for ever.
    const stopped = new Promise<never>((_, reject) => {
      stop = () => reject(signal!.reason);
      signal?.addEventListener('abort', stop, { once: true });
    });
    try {
      const { done, value } = await Promise.race([this.#source.next(), stopped]);
      if (done === true) {
        this.#ended = true;
        return undefined;
      }
      if (!(value instanceof Uint8Array)) throw new MlmlError('MLML_IO', `${this.name}: gives no bytes`);
      this.#hash.update(value);
      return value;
    } finally {
      if (stop !== undefined) signal?.removeEventListener('abort', stop);
    }
  }

  async record() {
    return { name: this.name, sha256: this.#hash.copy().digest('hex') };
  }
}
