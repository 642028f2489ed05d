import { gunzipSync, inflateSync } from 'node:zlib';

/** Rows as plain numbers: what an independent, careless reader finds in the bytes of an original file that is in order. */
export interface PlainRows {
  readonly features: readonly number[][];
  readonly labels: readonly number[];
}

const gunzipped = (bytes: Uint8Array) => new Uint8Array(gunzipSync(bytes));

export function plainIdx(images: Uint8Array, labels: Uint8Array, gzip: boolean): PlainRows {
  const [pixels, classes] = gzip ? [gunzipped(images), gunzipped(labels)] : [images, labels];
  const count = Buffer.from(pixels).readUInt32BE(4);
  return {
    features: Array.from({ length: count }, (_, i) => [...pixels.subarray(16 + 784 * i, 16 + 784 * (i + 1))]),
    labels: [...classes.subarray(8, 8 + count)],
  };
}

export function plainCifar(batches: readonly Uint8Array[]): PlainRows {
  const features: number[][] = [];
  const labels: number[] = [];
  for (const bytes of batches) {
    for (let at = 0; at < bytes.length; at += 3073) {
      labels.push(bytes[at]!);
      features.push([...bytes.subarray(at + 1, at + 3073)]);
    }
  }
  return { features, labels };
}

/** Lines of numbers with the label last. */
export function plainText(bytes: Uint8Array): PlainRows {
  const lines = Buffer.from(bytes)
    .toString('latin1')
    .split('\n')
    .map((line) => line.replace(/\s+$/, ''))
    .filter((line) => line !== '')
    .map((line) => line.split(',').map(Number));
  return { features: lines.map((line) => line.slice(0, -1)), labels: lines.map((line) => line.at(-1)!) };
}

const readers: Record<number, [number, (b: Buffer, at: number) => number]> = {
  1: [1, (b, at) => b.readInt8(at)],
  2: [1, (b, at) => b.readUInt8(at)],
  3: [2, (b, at) => b.readInt16LE(at)],
  4: [2, (b, at) => b.readUInt16LE(at)],
  5: [4, (b, at) => b.readInt32LE(at)],
  6: [4, (b, at) => b.readUInt32LE(at)],
  7: [4, (b, at) => b.readFloatLE(at)],
  9: [8, (b, at) => b.readDoubleLE(at)],
};

/** The real matrices of a MATLAB 5 file; later ones of a name win. */
export function plainMatlab(bytes: Uint8Array): Map<string, { rows: number; values: number[] }> {
  const found = new Map<string, { rows: number; values: number[] }>();
  const element = (b: Buffer, at: number) => {
    const small = b.readUInt16LE(at + 2);
    if (small !== 0) return { type: b.readUInt16LE(at), from: at + 4, length: small, next: at + 8 };
    const length = b.readUInt32LE(at + 4);
    return {
      type: b.readUInt32LE(at),
      from: at + 8,
      length,
      next: at + 8 + Math.ceil(length / 8) * 8,
    };
  };
  const matrix = (b: Buffer, at: number) => {
    const flags = element(b, at);
    const shape = element(b, flags.next);
    const name = element(b, shape.next);
    const data = element(b, name.next);
    const title = b.subarray(name.from, name.from + name.length).toString('utf8');
    const [size, read] = readers[data.type] ?? [1, () => Number.NaN];
    const values: number[] = [];
    for (let i = 0; i < data.length / size && data.from + (i + 1) * size <= b.length; i++)
      values.push(read(b, data.from + i * size));
    found.set(title, { rows: b.readInt32LE(shape.from), values });
  };
  const file = Buffer.from(bytes);
  for (let at = 128; at + 8 <= file.length; ) {
    const type = file.readUInt32LE(at);
    const length = file.readUInt32LE(at + 4);
    // What names no variable that is wanted may be shaped as it likes.
    try {
      const body = file.subarray(at + 8, at + 8 + length);
      if (type === 15) matrix(inflateSync(body), 8);
      else matrix(body, 0);
    } catch {}
    at += 8 + length;
  }
  return found;
}
