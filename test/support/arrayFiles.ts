import { crc32, deflateRawSync } from 'node:zlib';
import { numberToHalf } from '../../src/arithmetic/dtype.js';
import { concat } from './originalFiles.js';

type Writer = (view: DataView, at: number, value: number | bigint, little: boolean) => void;

const writers: Readonly<Record<string, Writer>> = {
  b1: (view, at, value) => view.setUint8(at, Number(value)),
  u1: (view, at, value) => view.setUint8(at, Number(value)),
  i1: (view, at, value) => view.setInt8(at, Number(value)),
  i2: (view, at, value, little) => view.setInt16(at, Number(value), little),
  u2: (view, at, value, little) => view.setUint16(at, Number(value), little),
  i4: (view, at, value, little) => view.setInt32(at, Number(value), little),
  u4: (view, at, value, little) => view.setUint32(at, Number(value), little),
  i8: (view, at, value, little) => view.setBigInt64(at, BigInt(value), little),
  u8: (view, at, value, little) => view.setBigUint64(at, BigInt(value), little),
  f2: (view, at, value, little) => view.setUint16(at, numberToHalf(Number(value)), little),
  f4: (view, at, value, little) => view.setFloat32(at, Number(value), little),
  f8: (view, at, value, little) => view.setFloat64(at, Number(value), little),
};

/** What numpy.save writes; `values` row by row, stored column by column in Fortran order; bytes are stored as they are. */
export function npyFile(
  descr: string,
  shape: readonly number[],
  values: readonly (number | bigint)[] | Uint8Array,
  { fortranOrder = false, version = 1 }: { fortranOrder?: boolean; version?: 1 | 2 } = {},
): Uint8Array {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${descr}', 'fortran_order': ${fortranOrder ? 'True' : 'False'}, 'shape': (${sizes}), }`;
  const prefix = version === 1 ? 10 : 12;
  const length = Math.ceil((prefix + text.length + 1) / 64) * 64 - prefix;
  const lengthBytes = [length & 255, length >> 8, ...(version === 1 ? [] : [0, 0])];
  const bytes = Number(descr.slice(2));
  const data = new Uint8Array(values.length * bytes);
  const view = new DataView(data.buffer);
  if (values instanceof Uint8Array) data.set(values);
  const [rows = 1, columns = 1] = shape;
  for (const [i, value] of values instanceof Uint8Array ? [] : values.entries()) {
    const place = fortranOrder ? (i % columns) * rows + Math.floor(i / columns) : i;
    writers[descr.slice(1)]!(view, place * bytes, value, descr[0] !== '>');
  }
  return concat('\x93NUMPY', [version, 0], lengthBytes, `${text.padEnd(length - 1)}\n`, data);
}

function numbers(...fields: readonly (readonly [bytes: number, value: number])[]): Uint8Array {
  return concat(
    ...fields.map(([bytes, value]) =>
      Array.from({ length: bytes }, (_, i) => Math.floor(value / 256 ** i) % 256),
    ),
  );
}

/** What numpy.savez writes: a zip archive of npy files, stored or deflated, with 64-bit sizes or sizes after the bytes. */
export function npzFile(
  arrays: Readonly<Record<string, Uint8Array>>,
  {
    deflated = false,
    zip64 = false,
    descriptor = false,
  }: { deflated?: boolean; zip64?: boolean; descriptor?: boolean },
): Uint8Array {
  const pieces: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  const wide = 0xffffffff;
  for (const [array, plain] of Object.entries(arrays)) {
    const name = `${array}.npy`;
    const packed = deflated ? new Uint8Array(deflateRawSync(plain)) : plain;
    const flags = descriptor ? 8 : 0;
    const method = deflated ? 8 : 0;
    const sum = crc32(plain);
    const known: (readonly [number, number])[] = descriptor
      ? [
          [4, 0],
          [4, 0],
          [4, 0],
        ]
      : [
          [4, sum],
          [4, zip64 ? wide : packed.length],
          [4, zip64 ? wide : plain.length],
        ];
    const localExtra =
      zip64 && !descriptor ? numbers([2, 1], [2, 16], [8, plain.length], [8, packed.length]) : concat();
    const after = descriptor
      ? numbers([4, 0x08074b50], [4, sum], [zip64 ? 8 : 4, packed.length], [zip64 ? 8 : 4, plain.length])
      : concat();
    const local = concat(
      numbers(
        [4, 0x04034b50],
        [2, 45],
        [2, flags],
        [2, method],
        [4, 0],
        ...known,
        [2, name.length],
        [2, localExtra.length],
      ),
      name,
      localExtra,
      packed,
      after,
    );
    const extra = zip64
      ? numbers([2, 1], [2, 24], [8, plain.length], [8, packed.length], [8, offset])
      : concat();
    directory.push(
      numbers(
        [4, 0x02014b50],
        [2, 45],
        [2, 45],
        [2, flags],
        [2, method],
        [4, 0],
        [4, sum],
        [4, zip64 ? wide : packed.length],
        [4, zip64 ? wide : plain.length],
        [2, name.length],
        [2, extra.length],
        [2, 0],
        [2, 0],
        [2, 0],
        [4, 0],
        [4, zip64 ? wide : offset],
      ),
      concat(name, extra),
    );
    pieces.push(local);
    offset += local.length;
  }
  const list = concat(...directory);
  const count = Object.keys(arrays).length;
  const end64 = zip64
    ? concat(
        numbers(
          [4, 0x06064b50],
          [8, 44],
          [2, 45],
          [2, 45],
          [4, 0],
          [4, 0],
          [8, count],
          [8, count],
          [8, list.length],
          [8, offset],
        ),
        numbers([4, 0x07064b50], [4, 0], [8, offset + list.length], [4, 1]),
      )
    : concat();
  return concat(
    ...pieces,
    list,
    end64,
    numbers(
      [4, 0x06054b50],
      [2, 0],
      [2, 0],
      [2, zip64 ? 0xffff : count],
      [2, zip64 ? 0xffff : count],
      [4, zip64 ? wide : list.length],
      [4, zip64 ? wide : offset],
      [2, 0],
    ),
  );
}
