import type { Metadata, Sharp, SharpOptions } from 'sharp';
import { MlmlError } from '../../errors.js';
import type { Storage } from '../../storage/storage.js';
import { optionalPackage } from '../optionalPackage.js';

/** Larger files are no images to learn from, and are not read. */
const LARGEST_FILE = 64 * 2 ** 20;
/** Width times height at most: what is decoded at once may take four bytes of each. */
const MOST_PIXELS = 2 ** 25;
const LARGEST_SIDE = 2 ** 16;

export interface ImageShape {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
}

/** Decodes PNG and JPEG files, one after the other. */
export class ImageDecoder {
  readonly #storage: Storage;
  readonly #open: (bytes: Uint8Array, options: SharpOptions) => Sharp;
  #bytes = new Uint8Array(0);

  private constructor(storage: Storage, open: (bytes: Uint8Array, options: SharpOptions) => Sharp) {
    this.#storage = storage;
    this.#open = open;
  }

  /** `folder`: for messages. `MLML_MISSING_PACKAGE` where the package that decodes is not installed. */
  static async make(storage: Storage, folder: string): Promise<ImageDecoder> {
    const { default: sharp } = await optionalPackage(
      'sharp',
      `${folder}: is a folder of images`,
      () => import('sharp'),
    );
    sharp.cache(false);
    sharp.concurrency(1);
    // What is neither PNG nor JPEG is refused before; nothing else that the library knows is ever tried.
    sharp.block({ operation: ['VipsForeignLoad'] });
    sharp.unblock({ operation: ['VipsForeignLoadPng', 'VipsForeignLoadJpeg'] });
    return new ImageDecoder(storage, (bytes, options) => sharp(bytes, options));
  }

  /** The bytes of an image file, valid until the next is read. */
  async read(path: string): Promise<Uint8Array> {
    const file = await this.#storage.openRead(path);
    try {
      const { byteLength } = file;
      if (byteLength > LARGEST_FILE)
        throw new MlmlError(
          'MLML_BAD_FILE',
          `${path}: has ${byteLength} bytes; at most ${LARGEST_FILE} for an image`,
        );
      if (byteLength > this.#bytes.length)
        this.#bytes = new Uint8Array(2 ** Math.ceil(Math.log2(byteLength)));
      const bytes = this.#bytes.subarray(0, byteLength);
      await file.readInto(bytes, 0);
      const starts = (...head: number[]) => head.every((byte, i) => bytes[i] === byte);
      if (starts(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a) || starts(0xff, 0xd8, 0xff)) return bytes;
      throw new MlmlError('MLML_BAD_FILE', `${path}: begins as neither a PNG nor a JPEG file`);
    } finally {
      await file.close();
    }
  }

  /** Width and height of an image as it is to be looked at. */
  async sizeOf(path: string, bytes: Uint8Array): Promise<{ width: number; height: number }> {
    const { autoOrient } = await decoding(path, () => this.#image(bytes).metadata() as Promise<Metadata>);
    const { width, height } = autoOrient;
    // Beyond that the library complains on the terminal.
    if (Math.max(width, height) <= LARGEST_SIDE) return { width, height };
    throw new MlmlError(
      'MLML_BAD_FILE',
      `${path}: is ${width} x ${height} pixels; at most ${LARGEST_SIDE} on a side`,
    );
  }

  /**
   * Fills `target` with the bytes of the image, [channel][row][column]. It is stretched to the shape; turned as its camera was held;
   * what is transparent is laid on white.
   */
  async decode(path: string, bytes: Uint8Array, shape: ImageShape, target: Uint8Array): Promise<void> {
    const { width, height, channels } = shape;
    const image = this.#image(bytes)
      .autoOrient()
      .resize({ width, height, fit: 'fill' })
      .flatten({ background: '#ffffff' })
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .raw({ depth: 'uchar' });
    const { data, info } = await decoding(path, () => image.toBuffer({ resolveWithObject: true }));
    const pixels = width * height;
    const step = info.channels;
    if (data.length !== pixels * step)
      throw new MlmlError('MLML_INTERNAL', `${path}: ${data.length} bytes of pixels`);
    for (let c = 0; c < channels; c++) {
      const from = step < channels ? 0 : c;
      for (let i = 0; i < pixels; i++) target[c * pixels + i] = data[i * step + from]!;
    }
  }

  #image(bytes: Uint8Array): Sharp {
    return this.#open(bytes, { failOn: 'error', limitInputPixels: MOST_PIXELS, sequentialRead: true });
  }
}

/** The library's complaints become errors about the file. */
async function decoding<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const [first = ''] = String((error as Error).message)
      .trim()
      .split('\n');
    throw new MlmlError('MLML_BAD_FILE', `${path}: the image cannot be decoded (${first.slice(0, 200)})`, {
      cause: error,
    });
  }
}
