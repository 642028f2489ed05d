import { dirname } from 'node:path';
import { type Dtype, dtypeBytes, integerRange, writeNumber } from '../../arithmetic/dtype.js';
import { MlmlError } from '../../errors.js';
import { requireNew } from '../../storage/requireNew.js';
import { Scratch } from '../../storage/scratch.js';
import type { Storage } from '../../storage/storage.js';
import { fitsDtype } from '../convert.js';
import type { DatasetDescription } from '../format.js';
import type { ImportOptions } from '../import/importOptions.js';
import { importLabelledRows } from './importArrays.js';
import { LabelledRows } from './labelledRows.js';
import { numberType } from './numberType.js';
import { NumericArray } from './numericArray.js';
import { Spool } from './spool.js';

/** Numbers of a row, features and label: an array or a typed array. It may be overwritten once the next is asked for. */
export type NumericRow = readonly number[] | Exclude<NodeJS.TypedArray, BigInt64Array | BigUint64Array>;

/** Rows of numbers, from anywhere. */
export type NumericRows = Iterable<NumericRow> | AsyncIterable<NumericRow>;

/** Options of `importNumericRows`. */
export interface NumericRowOptions
  extends Pick<
    ImportOptions,
    | 'out'
    | 'labelColumn'
    | 'task'
    | 'dtype'
    | 'percentage'
    | 'n'
    | 'seed'
    | 'onNan'
    | 'signal'
    | 'onNotice'
    | 'onWarning'
  > {
  /** Name of the data set. Default `rows`. */
  readonly name?: string;
  /** Test rows, as the others. Default: a share of the rows, see `percentage`. */
  readonly test?: NumericRows;
}

/**
 * Makes a data set of rows of numbers that a program has, each once, in order. They are kept in a scratch file beside the data
 * set (as many bytes as they have) while the labels are counted; memory is bounded. Typed arrays keep their number type where rows
 * have it, everything else is stored as float64 unless `dtype` says otherwise.
 */
export async function importNumericRows(
  storage: Storage,
  rows: NumericRows,
  options: NumericRowOptions,
): Promise<DatasetDescription> {
  const { out, test, labelColumn, percentage, name = 'rows' } = options;
  await requireNew(storage, out, 'out');
  if (test !== undefined && percentage !== undefined)
    throw new MlmlError('MLML_USAGE', `percentage ${percentage}: not with test rows of their own`);
  const scratch = await Scratch.open(storage, dirname(out), 0);
  try {
    const kept = async (source: NumericRows, title: string) => {
      const spool = new Spool(await scratch.create(title, {}));
      return new LabelledRows(await keepRows(source, title, spool, options.signal), undefined, labelColumn);
    };
    const train = await kept(rows, 'rows');
    const parts = test === undefined ? { train } : { train, test: await kept(test, 'test rows') };
    return await importLabelledRows(storage, name, parts, options, async () => {
      await scratch.close();
      return { description: `rows of a program: ${train.layout.d} features and a label each`, files: [] };
    });
  } finally {
    await scratch.close();
  }
}

/** The number type of the rows of a data set that holds what such a row does. */
function dtypeOf(row: NumericRow): Dtype {
  if (row instanceof Uint8Array || row instanceof Uint8ClampedArray) return 'uint8';
  if (row instanceof Int8Array) return 'int8';
  if (row instanceof Int16Array) return 'int16';
  return row instanceof Float32Array ? 'float32' : 'float64';
}

/** Writes the rows one after the other; the first tells how long all are, and of which number type. */
async function keepRows(
  source: NumericRows,
  name: string,
  spool: Spool,
  signal: AbortSignal | undefined,
): Promise<NumericArray> {
  const bad = (row: number, what: string) => new MlmlError('MLML_BAD_DATA', `${name}: row ${row}: ${what}`);
  let columns = 0;
  let dtype: Dtype = 'float64';
  let bytes = new Uint8Array(0);
  let view = new DataView(bytes.buffer);
  let rows = 0;
  for await (const row of source) {
    signal?.throwIfAborted();
    if (typeof row !== 'object' || row === null || !Number.isSafeInteger(row.length))
      throw bad(rows, `is ${shown(row)}; an array of numbers is needed`);
    if (rows === 0) {
      columns = row.length;
      dtype = dtypeOf(row);
      bytes = new Uint8Array(columns * dtypeBytes[dtype]);
      view = new DataView(bytes.buffer);
      if (columns < 2) throw bad(0, `has ${columns} numbers; features and a label are needed`);
    }
    if (row.length !== columns) throw bad(rows, `has ${row.length} numbers, the rows before it ${columns}`);
    const whole = integerRange(dtype) !== undefined;
    for (let j = 0; j < columns; j++) {
      const value: unknown = row[j];
      if (typeof value !== 'number') throw bad(rows, `number ${j} is ${shown(value)}`);
      // NaN and infinities are looked for later, as in all sources.
      if (whole ? !fitsDtype(value, dtype) : Number.isFinite(value) && !fitsDtype(value, dtype))
        throw bad(rows, `number ${j} is ${value}, which does not fit ${dtype}, the type of the first row`);
      writeNumber(view, j * dtypeBytes[dtype], dtype, value);
    }
    await spool.append(bytes);
    rows++;
  }
  if (rows === 0) throw new MlmlError('MLML_BAD_DATA', `${name}: there is no row`);
  const kind = dtype.startsWith('float') ? 'float' : dtype.startsWith('u') ? 'uint' : 'int';
  return new NumericArray(name, [rows, columns], {
    bytes: await spool.finish({ name, unit: 'of the copy', origin: 0 }),
    start: 0,
    type: numberType(kind, dtypeBytes[dtype], true)!,
    columnOrder: false,
  });
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40));
  return typeof value === 'object' && value !== null ? 'an object' : String(value).slice(0, 40);
}
