/** What is between two steps of the bytes of a Zstandard stream (RFC 8878, section 3). */
type Phase = 'start' | 'block header' | 'block' | 'checksum' | 'skipped';

/** Thrown where bytes are no Zstandard. */
export class ZstdFault extends Error {}

/** The header of a frame. */
export interface FrameHeader {
  readonly windowBytes: number;
  /** Bytes of the decompressed frame, where the header tells. */
  readonly contentBytes: number | undefined;
  readonly hasChecksum: boolean;
}

/** What a step came to. */
export type FrameStep =
  | { readonly kind: 'none' }
  /** A frame begins: `bytes` are its header. */
  | { readonly kind: 'frame'; readonly bytes: Uint8Array; readonly header: FrameHeader }
  /** Bytes of a frame behind its header; `isLast`: without a checksum behind them. */
  | { readonly kind: 'blocks'; readonly bytes: Uint8Array; readonly isLast: boolean }
  /** The checksum at the end of a frame: the low 32 bits of XXH64. */
  | { readonly kind: 'checksum'; readonly bytes: Uint8Array; readonly checksum: number };

const LONGEST_HEADER = 18;
const LARGEST_BLOCK = 131_072;
const NONE = { kind: 'none' } as const;

/**
 * Divides a Zstandard stream into frames, and a frame into blocks, as it comes in: the decompressor in use passes over checksums, so
 * they are found here. `step` takes bytes until something is known.
 */
export class ZstdFrames {
  #phase: Phase = 'start';
  readonly #gathered = new Uint8Array(LONGEST_HEADER);
  #count = 0;
  /** Bytes left of a block or of what is skipped. */
  #left = 0;
  #isLastBlock = false;
  #hasChecksum = false;

  /** Whether the stream may end here. */
  get isBetweenFrames(): boolean {
    return this.#phase === 'start' && this.#count === 0;
  }

  /** Takes some of bytes[from…]; says how many, and what they came to. Given bytes are copied. */
  step(bytes: Uint8Array, from: number): readonly [taken: number, step: FrameStep] {
    const phase = this.#phase;
    if (phase === 'block' || phase === 'skipped') {
      const taken = Math.min(this.#left, bytes.length - from);
      this.#left -= taken;
      const step = phase === 'skipped' ? NONE : this.#blocks(bytes.slice(from, from + taken));
      if (this.#left === 0 && phase === 'skipped') this.#phase = 'start';
      return [taken, step];
    }
    const taken = Math.min(this.#wanted() - this.#count, bytes.length - from);
    this.#gathered.set(bytes.subarray(from, from + taken), this.#count);
    this.#count += taken;
    if (this.#count < this.#wanted()) return [taken, NONE];
    const whole = this.#gathered.slice(0, this.#count);
    this.#count = 0;
    return [taken, this.#known(phase, whole)];
  }

  /** Bytes to be gathered, as far as those gathered tell. */
  #wanted(): number {
    if (this.#phase === 'block header') return 3;
    if (this.#phase === 'checksum') return 4;
    if (this.#count < 5) return 5;
    if (isSkippable(this.#gathered)) return 8;
    if (!isZstandard(this.#gathered)) throw new ZstdFault('invalid frame');
    return headerBytes(this.#gathered[4]!);
  }

  #known(phase: Phase, whole: Uint8Array): FrameStep {
    if (phase === 'checksum') {
      this.#phase = 'start';
      return { kind: 'checksum', bytes: whole, checksum: numberAt(whole, 0, 4) };
    }
    if (phase === 'start' && isSkippable(whole)) {
      this.#left = numberAt(whole, 4, 4);
      this.#phase = this.#left === 0 ? 'start' : 'skipped';
      return NONE;
    }
    if (phase === 'start') {
      const header = frameHeader(whole);
      this.#hasChecksum = header.hasChecksum;
      this.#phase = 'block header';
      return { kind: 'frame', bytes: whole, header };
    }
    const value = numberAt(whole, 0, 3);
    const type = (value >> 1) & 3;
    if (type === 3 || value >> 3 > LARGEST_BLOCK) throw new ZstdFault('invalid block');
    this.#isLastBlock = (value & 1) === 1;
    // A repeated byte is there once.
    this.#left = type === 1 ? 1 : value >> 3;
    return this.#blocks(whole);
  }

  /** Bytes of a block, of which `#left` are still to come. */
  #blocks(bytes: Uint8Array): FrameStep {
    const isEnd = this.#left === 0 && this.#isLastBlock;
    if (this.#left > 0) this.#phase = 'block';
    else if (!isEnd) this.#phase = 'block header';
    else this.#phase = this.#hasChecksum ? 'checksum' : 'start';
    return { kind: 'blocks', bytes, isLast: isEnd && !this.#hasChecksum };
  }
}

/** Whether bytes begin as a frame does. */
export function isZstandard(bytes: Uint8Array): boolean {
  return bytes[0] === 0x28 && bytes[1] === 0xb5 && bytes[2] === 0x2f && bytes[3] === 0xfd;
}

/** A frame of anything, which decompressors pass over. */
function isSkippable(bytes: Uint8Array): boolean {
  return bytes[0]! >> 4 === 5 && bytes[1] === 0x2a && bytes[2] === 0x4d && bytes[3] === 0x18;
}

function numberAt(bytes: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let i = length - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!;
  return value;
}

const isSingleSegment = (descriptor: number) => (descriptor & 0x20) !== 0;
const dictionaryBytes = (descriptor: number) => [0, 1, 2, 4][descriptor & 3]!;

function contentSizeBytes(descriptor: number): number {
  return [isSingleSegment(descriptor) ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
}

function headerBytes(descriptor: number): number {
  const window = isSingleSegment(descriptor) ? 0 : 1;
  return 5 + window + dictionaryBytes(descriptor) + contentSizeBytes(descriptor);
}

function frameHeader(bytes: Uint8Array): FrameHeader {
  const descriptor = bytes[4]!;
  if ((descriptor & 8) !== 0) throw new ZstdFault('invalid header');
  const single = isSingleSegment(descriptor);
  const dictionaryAt = single ? 5 : 6;
  const contentAt = dictionaryAt + dictionaryBytes(descriptor);
  if (numberAt(bytes, dictionaryAt, dictionaryBytes(descriptor)) !== 0)
    throw new ZstdFault('it was compressed with a dictionary, which is not here');
  const length = contentSizeBytes(descriptor);
  const content = numberAt(bytes, contentAt, length) + (length === 2 ? 256 : 0);
  const window = bytes[5]!;
  return {
    // A single segment: the window is the content.
    windowBytes: single ? content : 2 ** (10 + (window >> 3)) * (1 + (window & 7) / 8),
    contentBytes: length === 0 ? undefined : content,
    hasChecksum: (descriptor & 4) !== 0,
  };
}
