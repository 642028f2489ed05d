import { type Dtype, dtypeBytes, readNumber } from './dtype.js';

/** See assembly/gather.ts for the formula and the layout of each argument. Numbers named an address are byte offsets. */
export type Gather = (
  base: number,
  rowBytes: number,
  order: number,
  from: number,
  count: number,
  d: number,
  stride: number,
  scaling: number,
  target: number,
) => void;

type Suffix = 'Uint8' | 'Int8' | 'Int16' | 'Float16' | 'Float32' | 'Float64';

export type GatherKernels = Record<`gather32${Suffix}` | `gather64${Suffix}`, Gather> & {
  /** The `labels` labels of each row as doubles, [count][labels]; `dtype` is the position in `labelDtypeCodes`. */
  gatherLabels(
    base: number,
    rowBytes: number,
    labelOffset: number,
    dtype: number,
    labels: number,
    order: number,
    from: number,
    count: number,
    target: number,
  ): void;
};

export const labelDtypeCodes = ['uint8', 'int8', 'int16', 'float16', 'float32', 'float64'] as const;

const suffixes: Record<Dtype, Suffix> = {
  uint8: 'Uint8',
  int8: 'Int8',
  int16: 'Int16',
  float16: 'Float16',
  float32: 'Float32',
  float64: 'Float64',
};

/** The kernel that turns rows of a dtype into floats (its scaling vectors are f32 for uint8, f64 otherwise). */
export function gather32Of(kernels: GatherKernels, dtype: Dtype): Gather {
  return kernels[`gather32${suffixes[dtype]}`];
}

/** The kernel that turns rows of a dtype into doubles (scaling vectors always f64). */
export function gather64Of(kernels: GatherKernels, dtype: Dtype): Gather {
  return kernels[`gather64${suffixes[dtype]}`];
}

/** Bytes `writeScaling` needs for `gather32Of` (bits 32) or `gather64Of` (bits 64). */
export function scalingBytes(d: number, stride: number, dtype: Dtype, bits: 32 | 64): number {
  return bits === 32 && dtype === 'uint8' ? 2 * 4 * stride : 2 * 8 * d;
}

/** Puts multiply and add where the gather kernel of that dtype looks for them. */
export function writeScaling(
  buffer: SharedArrayBuffer,
  address: number,
  stride: number,
  dtype: Dtype,
  bits: 32 | 64,
  scaling: { readonly multiply: Float64Array; readonly add: Float64Array },
): void {
  const d = scaling.multiply.length;
  const single = bits === 32 && dtype === 'uint8';
  const target = single
    ? new Float32Array(buffer, address, 2 * stride)
    : new Float64Array(buffer, address, 2 * d);
  target.fill(0);
  target.set(scaling.multiply, 0);
  target.set(scaling.add, single ? stride : d);
}

export function plainGather(buffer: SharedArrayBuffer): GatherKernels {
  const view = new DataView(buffer);
  const words = new Uint32Array(buffer);
  const rowAt = (base: number, rowBytes: number, order: number, position: number) =>
    base + (order === 0 ? position : words[(order >>> 2) + position]!) * rowBytes;

  const gather =
    (dtype: Dtype, bits: 32 | 64): Gather =>
    (base, rowBytes, order, from, count, d, stride, scaling, target) => {
      const single = bits === 32 && dtype === 'uint8';
      const vector = single
        ? new Float32Array(buffer, scaling, 2 * stride)
        : new Float64Array(buffer, scaling, 2 * d);
      const addFrom = single ? stride : d;
      const out = bits === 32 ? new Float32Array(buffer) : new Float64Array(buffer);
      let cursor = target / (bits / 8);
      for (let i = 0; i < count; i++) {
        const row = rowAt(base, rowBytes, order, from + i);
        for (let j = 0; j < d; j++) {
          const x = readNumber(view, row + j * dtypeBytes[dtype], dtype);
          out[cursor + j] = vector[j]! * x + vector[addFrom + j]!;
        }
        out.fill(0, cursor + d, cursor + stride);
        cursor += stride;
      }
    };

  const kernels: Partial<Record<keyof GatherKernels, unknown>> = {
    gatherLabels(base, rowBytes, labelOffset, dtype, labels, order, from, count, target) {
      const type = labelDtypeCodes[dtype]!;
      for (let i = 0; i < count; i++) {
        const first = rowAt(base, rowBytes, order, from + i) + labelOffset;
        for (let c = 0; c < labels; c++) {
          const label = readNumber(view, first + c * dtypeBytes[type], type);
          view.setFloat64(target + 8 * (i * labels + c), label, true);
        }
      }
    },
  } satisfies Pick<GatherKernels, 'gatherLabels'>;
  for (const dtype of labelDtypeCodes) {
    kernels[`gather32${suffixes[dtype]}`] = gather(dtype, 32);
    kernels[`gather64${suffixes[dtype]}`] = gather(dtype, 64);
  }
  return kernels as GatherKernels;
}
