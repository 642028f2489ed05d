import type { DataType, RecordBatch, Schema } from 'apache-arrow';
import { MlmlError } from '../../../errors.js';
import type { Storage } from '../../../storage/storage.js';
import type { Cell } from '../../columns/columnMapping.js';
import { ByteReader } from '../../import/byteReader.js';
import { MOST_INFLATED } from '../../import/decompress.js';
import { optionalPackage } from '../../optionalPackage.js';
import type { ColumnType, TableBatch, TableSource } from '../tableSource.js';
import type { TableFile } from '../text/tableFile.js';
import {
  type ColumnShape,
  cellOf,
  columnTypeOf,
  DICTIONARY_TYPE,
  plainNumbers,
  shapeOf,
} from './arrowColumns.js';
import { type ArrowMessage, arrowMessages, DICTIONARY, SCHEMA } from './arrowMessages.js';
import { batchFault } from './checkBatch.js';
import { FlatBufferFault } from './flatBuffer.js';

/** The share of the budget that one batch may take, and that all dictionaries may; decoding texts takes some of its own. */
const BATCH_SHARE = 1 / 4;

/**
 * A table in an Arrow IPC stream or file (also .gz, .zst), a batch at a time. Columns of numbers, truth values, dates, times,
 * texts and dictionaries of them. Compressed batches, and columns of lists, structures or bytes, are refused.
 */
export async function openArrowTable(
  storage: Storage,
  file: TableFile,
  { bufferBytes, signal }: { readonly bufferBytes: number; readonly signal?: AbortSignal },
): Promise<TableSource> {
  const arrow = await optionalPackage(
    'apache-arrow',
    `${file.name}: is an Arrow file`,
    () => import('apache-arrow'),
  );
  const { byteLength } = (await storage.status(file.path)) ?? { byteLength: 0 };
  const packed = /\.(gz|zst)$/i.test(file.path);
  // Nothing is larger than the file it is in.
  const mostBytes = Math.min(
    Math.floor(bufferBytes * BATCH_SHARE),
    packed ? byteLength * MOST_INFLATED : byteLength,
  );
  const messages = (given: AbortSignal | undefined) =>
    arrowMessages(new ByteReader(file.bytes(given), file.name), mostBytes);
  const bad = (what: string, cause?: unknown) =>
    new MlmlError('MLML_BAD_FILE', `${file.name}: Arrow: ${what}`, { cause });

  const schema = await readSchema(arrow, messages(signal), bad);
  const { fields } = schema;
  const types = fields.map(({ name, type }): ColumnType => {
    const found = columnTypeOf(type);
    if (found !== undefined) return found;
    throw new MlmlError(
      'MLML_BAD_DATA',
      `${file.name}: column ${name.slice(0, 100)}: is of the type ${String(type).slice(0, 100)}; columns of numbers, truth values, dates, times and texts are read`,
    );
  });
  const columns = fields.map(({ name }) => name);
  const twice = columns.find((name, i) => columns.indexOf(name) !== i);
  if (twice !== undefined) throw bad(`two columns are called ${JSON.stringify(twice.slice(0, 100))}`);
  if (!fields.some(({ type }) => shapeOf(type).buffers > 0)) throw bad('there is no column with values');
  const check = checker(schema, mostBytes, bad);

  return {
    name: file.name,
    columns,
    types,
    repeatable: true,
    async *batches(given) {
      let fault: unknown;
      const bytes = async function* () {
        try {
          const checkOf = check();
          for await (const message of messages(given)) {
            try {
              checkOf(message);
            } catch (error) {
              throw error instanceof FlatBufferFault ? bad(error.message) : error;
            }
            yield message.metadata;
            if (message.body.length > 0) yield message.body;
          }
        } catch (error) {
          fault = error;
        }
      };
      let first = 0;
      try {
        const reader = await arrow.RecordBatchReader.from(bytes());
        for await (const batch of reader) {
          yield batchOf(file.name, columns, batch, first);
          first += batch.numRows;
        }
      } catch (error) {
        // The reader tells of an early end; why the bytes ended is what is of interest.
        fault ??= error;
      }
      if (fault === undefined) return;
      if (fault instanceof MlmlError) throw fault;
      throw bad(`the batch after row ${first} cannot be read (${reasonOf(fault)})`, fault);
    },
    records: async () => [await file.record()],
    close: async () => {},
  };
}

const reasonOf = (error: unknown) =>
  String((error as Error).message)
    .split('\n')[0]!
    .slice(0, 100);

async function readSchema(
  arrow: typeof import('apache-arrow'),
  messages: AsyncGenerator<ArrowMessage>,
  bad: (what: string, cause?: unknown) => MlmlError,
): Promise<Schema> {
  const { value: first } = await messages.next();
  await messages.return(undefined);
  if (first === undefined) throw bad('there is nothing in it');
  if (first.kind !== SCHEMA) throw bad('it does not begin with a schema; write it as an Arrow stream');
  try {
    // Either byte order may be written, and nobody writes the other.
    if (first.header.byte(0) === 1) throw bad('its numbers are big-endian');
    const reader = arrow.RecordBatchReader.from(first.metadata).open();
    return reader.schema;
  } catch (error) {
    if (error instanceof MlmlError) throw error;
    throw bad(`its schema cannot be read (${reasonOf(error)})`, error);
  }
}

/** Checks the messages of one reading, in order, before anything trusts their sizes. */
function checker(
  schema: Schema,
  mostBytes: number,
  bad: (what: string) => MlmlError,
): () => (message: ArrowMessage) => void {
  const shapes = schema.fields.map(({ type }) => shapeOf(type));
  const dictionaries = new Map<number, ColumnShape>();
  for (const { type } of schema.fields) {
    const { id, dictionary } = type as unknown as { id?: number; dictionary?: DataType };
    if (dictionary !== undefined) dictionaries.set(Number(id), shapeOf(dictionary));
  }
  return () => {
    let isFirst = true;
    const sizes = new Map<number, number>();
    return ({ kind, header, body }) => {
      if (isFirst !== (kind === SCHEMA))
        throw bad('its schema is not the first of its messages, and the only one');
      isFirst = false;
      if (kind === SCHEMA) return;
      if (kind !== DICTIONARY) {
        const fault = batchFault(header, body, shapes);
        if (fault !== undefined) throw bad(fault);
        return;
      }
      const id = header.long(0);
      const shape = dictionaries.get(id);
      const data = header.table(1);
      if (shape === undefined || data === undefined)
        throw bad(`a dictionary number ${id}, which no column has`);
      const fault = batchFault(data, body, [shape]);
      if (fault !== undefined) throw bad(`dictionary ${id}: ${fault}`);
      sizes.set(id, (header.byte(2) === 1 ? (sizes.get(id) ?? 0) : 0) + body.length);
      const all = [...sizes.values()].reduce((sum, size) => sum + size, 0);
      if (all > mostBytes)
        throw new MlmlError(
          'MLML_BAD_DATA',
          `${bad('').message.slice(0, -2)}: dictionaries of ${all} bytes; at most ${mostBytes} are kept: give a larger --buffer`,
        );
    };
  };
}

function batchOf(name: string, columns: readonly string[], batch: RecordBatch, first: number): TableBatch {
  const vectors = columns.map((_, column) => batch.getChildAt(column)!);
  const plain = vectors.map(plainNumbers);
  const place = (row: number) => `${name}: row ${first + row + 1}`;
  const cell = (row: number, column: number): Cell => {
    const vector = vectors[column]!;
    let value: unknown;
    try {
      value = vector.get(row);
    } catch (cause) {
      const what = `${place(row)}, column ${columns[column]}: cannot be read (${reasonOf(cause)})`;
      throw new MlmlError('MLML_BAD_DATA', what, { cause });
    }
    if (value === null && vector.type.typeId === DICTIONARY_TYPE && vector.isValid(row)) {
      const { dictionary, values } = vector.data[0]!;
      if (!(Number(values[row]) < dictionary!.length))
        throw new MlmlError(
          'MLML_BAD_DATA',
          `${place(row)}, column ${columns[column]}: entry ${values[row]} of a dictionary of ${dictionary!.length}`,
        );
    }
    return cellOf(vector.type, value);
  };
  const numberAt = (row: number, column: number): number | undefined => {
    const value = cell(row, column);
    const number = typeof value === 'bigint' ? Number(value) : value;
    return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
  };
  return {
    rows: batch.numRows,
    cell,
    numberAt,
    numbersOf(column, from, count, target) {
      const values = plain[column];
      for (let i = 0; i < count; i++) {
        const value = values === undefined ? numberAt(from + i, column) : values[from + i]!;
        // What is infinite is none of the finite numbers either.
        target[i] = value === undefined || !Number.isFinite(value) ? Number.NaN : value;
      }
    },
    place,
  };
}
