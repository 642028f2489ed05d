import type { Readable } from 'node:stream';
import { collectGarbage } from '../../../memory/collectGarbage.js';
import { FRAME_BYTES, FRAME_HEADER } from './messages.js';

/** A frame. The payload, at an address that is a multiple of 8, is valid until the next frame is asked for. */
export interface Frame {
  readonly kind: number;
  readonly payload: Uint8Array;
}

/** Each chunk of a pipe is a buffer of its own; see collectGarbage. */
const COLLECT_BYTES = 4e6;

/** Takes frames from a pipe, one at a time; the pipe is not read further meanwhile. */
export class FrameReader {
  readonly #stream: Readable;
  readonly #header = Buffer.alloc(FRAME_HEADER);
  #payload = new Uint8Array(FRAME_BYTES);
  #chunk: Uint8Array = new Uint8Array(0);
  #used = 0;
  #uncollected = 0;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(stream: Readable) {
    this.#stream = stream;
    const wake = () => this.#wake?.();
    stream.on('readable', wake);
    for (const event of ['end', 'close', 'error'])
      stream.on(event, () => {
        this.#ended = true;
        wake();
      });
  }

  /** undefined when the pipe ended. */
  async next(): Promise<Frame | undefined> {
    if (!(await this.#fill(this.#header, FRAME_HEADER))) return undefined;
    const bytes = this.#header.readUInt32LE(4);
    if (this.#payload.length < bytes) this.#payload = new Uint8Array(bytes);
    if (!(await this.#fill(this.#payload, bytes))) return undefined;
    return { kind: this.#header.readUInt32LE(0), payload: this.#payload.subarray(0, bytes) };
  }

  async #fill(target: Uint8Array, length: number): Promise<boolean> {
    for (let done = 0; done < length; ) {
      if (this.#used === this.#chunk.length && !(await this.#nextChunk())) return false;
      const count = Math.min(length - done, this.#chunk.length - this.#used);
      target.set(this.#chunk.subarray(this.#used, this.#used + count), done);
      this.#used += count;
      done += count;
    }
    return true;
  }

  async #nextChunk(): Promise<boolean> {
    for (;;) {
      const chunk = this.#stream.read() as Uint8Array | null;
      if (chunk !== null) {
        this.#uncollected += chunk.length;
        if (this.#uncollected > COLLECT_BYTES) {
          this.#uncollected = 0;
          collectGarbage('minor');
        }
        this.#chunk = chunk;
        this.#used = 0;
        return true;
      }
      if (this.#ended) return false;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }
}
