import fc from 'fast-check';

/** One change of some bytes. `at` is taken modulo their length. */
export interface Mutation {
  readonly kind: 'flip' | 'set' | 'number' | 'cut' | 'delete' | 'insert' | 'repeat' | 'splice';
  readonly at: number;
  readonly length: number;
  readonly value: number;
}

/** What sizes, offsets and counts are set to: limits of number types and their neighbours. */
const extremes = [
  0,
  1,
  2,
  3,
  4,
  7,
  8,
  9,
  10,
  15,
  16,
  127,
  128,
  255,
  256,
  783,
  784,
  785,
  3071,
  3072,
  3073,
  32767,
  32768,
  65535,
  65536,
  1e6,
  2 ** 24,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
];

/** Headers are where the sizes are: half of all places are among the first bytes. */
const place = fc.oneof(fc.nat(160), fc.nat(2 ** 30));

/** Mutations; the largest of several at once is small, so that much of a file stays in order. */
export const mutationsOf = fc.array(
  fc.record<Mutation>({
    kind: fc.constantFrom('flip', 'set', 'number', 'cut', 'delete', 'insert', 'repeat', 'splice'),
    at: place,
    length: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 4096 })),
    value: fc.nat(2 ** 31),
  }),
  { minLength: 1, maxLength: 4 },
);

/** The bytes after the mutations; `other` is what pieces are spliced in from. */
export function mutated(
  bytes: Uint8Array,
  mutations: readonly Mutation[],
  other: Uint8Array = bytes,
): Uint8Array {
  let now = bytes.slice();
  for (const { kind, at, length, value } of mutations) {
    if (now.length === 0) return now;
    const from = at % now.length;
    const to = Math.min(now.length, from + length);
    const with_ = (piece: Uint8Array) => {
      const longer = new Uint8Array(now.length + piece.length);
      longer.set(now.subarray(0, from));
      longer.set(piece, from);
      longer.set(now.subarray(from), from + piece.length);
      return longer;
    };
    if (kind === 'flip') now[from]! ^= 1 << (value % 8);
    else if (kind === 'set') now.fill(value, from, Math.min(to, from + 16));
    else if (kind === 'number') setNumber(now, from, value);
    else if (kind === 'cut') now = now.slice(0, from);
    else if (kind === 'delete') {
      now.copyWithin(from, to);
      now = now.slice(0, now.length - (to - from));
    } else if (kind === 'insert')
      now = with_(Uint8Array.from({ length }, (_, i) => Math.imul(value + i, 0x9e3779b1) >>> 24));
    else if (kind === 'repeat') now = with_(now.slice(from, to));
    else {
      const start = value % Math.max(1, other.length);
      const piece = other.subarray(start, start + Math.min(length, now.length - from));
      now.set(piece, from);
    }
  }
  return now;
}

function setNumber(bytes: Uint8Array, at: number, value: number): void {
  const number = extremes[value % extremes.length]!;
  const width = [1, 2, 4][Math.floor(value / extremes.length) % 3]!;
  const littleEndian = value % 2 === 0;
  for (let i = 0; i < width && at + i < bytes.length; i++)
    bytes[at + i] = Math.floor(number / 256 ** (littleEndian ? i : width - 1 - i)) % 256;
}

/** What a field of a description may be changed to. */
const strange: readonly unknown[] = [
  null,
  true,
  false,
  '',
  'x',
  '..',
  '../x',
  'a/b',
  'NaN',
  '\u0000',
  'x'.repeat(3000),
  0,
  -1,
  1,
  2,
  0.5,
  1e308,
  -1e-320,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  2 ** 53 - 1,
  [],
  {},
  [[]],
  [null],
  Array.from({ length: 300 }, (_, i) => i),
  { kind: 'sum', terms: [] },
  'uint8',
  'float64',
  'precomputed',
  Array.from({ length: 40 }).reduce<unknown>((inner) => [inner], 0),
];

export interface FieldChange {
  /** Which field, counted over the whole tree; modulo their number. */
  readonly field: number;
  /** Which value: below 0 the field is removed. */
  readonly value: number;
}

export const fieldChangesOf = fc.array(
  fc.record<FieldChange>({ field: fc.nat(4000), value: fc.integer({ min: -2, max: strange.length - 1 }) }),
  { minLength: 1, maxLength: 2 },
);

/** A copy of a parsed description with some fields, at any depth, changed or removed. */
export function changed(description: unknown, changes: readonly FieldChange[]): unknown {
  const copy = structuredClone(description);
  for (const { field, value } of changes) {
    const places: [Record<string, unknown>, string][] = [];
    const walk = (node: unknown) => {
      if (typeof node !== 'object' || node === null) return;
      for (const key of Object.keys(node)) {
        places.push([node as Record<string, unknown>, key]);
        walk((node as Record<string, unknown>)[key]);
      }
    };
    walk(copy);
    if (places.length === 0) continue;
    const [node, key] = places[field % places.length]!;
    if (value < 0) delete node[key];
    else node[key] = structuredClone(strange[value]);
  }
  return copy;
}
