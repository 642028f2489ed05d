import type { DataType, Vector } from 'apache-arrow';
import type { Cell } from '../../columns/columnMapping.js';
import type { ColumnType } from '../tableSource.js';

/** Type numbers of Arrow's format, of the columns that a table can have. */
const ids = {
  null: 1,
  int: 2,
  float: 3,
  text: 5,
  bool: 6,
  decimal: 7,
  date: 8,
  timestamp: 10,
  largeText: 20,
};
/** What apache-arrow calls the type of a column with a dictionary. */
export const DICTIONARY_TYPE = -1;

/** The types of apache-arrow, as far as they are looked at. */
interface AnyType {
  readonly typeId: number;
  readonly bitWidth?: number;
  readonly precision?: number;
  readonly unit?: number;
  readonly scale?: number;
  readonly indices?: AnyType;
  readonly dictionary?: AnyType;
}

/** What a column of this type holds; undefined for types that no table here has (lists, structures, bytes, …). */
export function columnTypeOf(type: DataType): ColumnType | undefined {
  return kindOf(type as unknown as AnyType);
}

function kindOf(type: AnyType): ColumnType | undefined {
  switch (type.typeId) {
    case ids.int:
    case ids.float:
    case ids.decimal:
      return 'number';
    case ids.bool:
      return 'boolean';
    case ids.date:
    case ids.timestamp:
      return 'date';
    case ids.text:
    case ids.largeText:
    case ids.null:
      return 'text';
    case DICTIONARY_TYPE:
      return type.dictionary!.typeId === DICTIONARY_TYPE ? undefined : kindOf(type.dictionary!);
    default:
      return undefined;
  }
}

/** How the numbers of a column lie in the buffers of a batch: bits of each, or of each offset of a text. */
export interface ColumnShape {
  readonly buffers: 0 | 2 | 3;
  readonly bits: number;
}

export function shapeOf(given: DataType): ColumnShape {
  const type = given as unknown as AnyType;
  switch (type.typeId) {
    case ids.null:
      return { buffers: 0, bits: 0 };
    case ids.int:
    case ids.decimal:
      return { buffers: 2, bits: type.bitWidth! };
    case ids.float:
      return { buffers: 2, bits: 16 * 2 ** type.precision! };
    case ids.bool:
      return { buffers: 2, bits: 1 };
    case ids.date:
      return { buffers: 2, bits: type.unit === 0 ? 32 : 64 };
    case ids.timestamp:
      return { buffers: 2, bits: 64 };
    case ids.text:
      return { buffers: 3, bits: 32 };
    case ids.largeText:
      return { buffers: 3, bits: 64 };
    default:
      return shapeOf(type.indices as unknown as DataType);
  }
}

/** A value as tables have it. */
export function cellOf(given: DataType, value: unknown): Cell {
  const type = given as unknown as AnyType;
  if (value === null || value === undefined) return null;
  switch (type.typeId) {
    case DICTIONARY_TYPE:
      return cellOf(type.dictionary as unknown as DataType, value);
    case ids.date:
    case ids.timestamp:
      return value instanceof Date ? value : new Date(Number(value));
    case ids.decimal:
      return decimal(value as Uint32Array, type.scale ?? 0);
    default:
      return value as Cell;
  }
}

/** Little-endian words, in two's complement, of a number times ten to the scale. */
function decimal(words: Uint32Array, scale: number): number {
  let value = 0n;
  for (let i = words.length - 1; i >= 0; i--) value = (value << 32n) | BigInt(words[i]!);
  return Number(BigInt.asIntN(32 * words.length, value)) / 10 ** scale;
}

/** The numbers of a column where they lie as typed arrays have them and none is missing; else undefined. */
export function plainNumbers(vector: Vector): ArrayLike<number> | undefined {
  const { typeId } = vector.type as unknown as AnyType;
  const [data] = vector.data;
  if ((typeId !== ids.int && typeId !== ids.float) || vector.data.length !== 1 || data!.nullCount !== 0)
    return undefined;
  const values = data!.values as unknown;
  const isPlain =
    values instanceof Float64Array ||
    values instanceof Float32Array ||
    values instanceof Int32Array ||
    values instanceof Uint32Array ||
    values instanceof Int16Array ||
    values instanceof Int8Array ||
    values instanceof Uint8Array;
  // Half floats lie in unsigned numbers of 16 bits, as those do.
  return isPlain || (values instanceof Uint16Array && typeId === ids.int)
    ? (values as ArrayLike<number>)
    : undefined;
}
