import { RESULT_WORDS, RowStatus } from '../../../arithmetic/delimitedRows.js';
import { CODE_TABLE_BYTES } from '../../../arithmetic/delimitedValues.js';
import { type Kernels, loadKernels } from '../../../arithmetic/kernels.js';
import { fillPowersOfTen, POWERS_BYTES } from '../../../arithmetic/powersOfTen.js';
import { MlmlError } from '../../../errors.js';
import { Arena } from '../../../memory/arena.js';
import { formatBytes } from '../../../memory/byteSize.js';
import { layOut, type Region } from '../../../memory/plan.js';
import type { TableBatch, TableSource } from '../tableSource.js';
import { DelimitedBatch } from './delimitedBatch.js';
import { checkDelimiter, type Dialect, type DialectOptions, dialectOf } from './dialect.js';
import { readHead } from './readHead.js';
import { CHUNK_BYTES } from './tableFile.js';
import type { TableText } from './tableText.js';

/** Fields that are found at once; one row may have more. */
const BATCH_FIELDS = 16 * 1024;
/** Bytes in which a field is told of: where it lies, and its number. */
const FIELD_BYTES = 16;
/** Bytes behind the text: kernels look at sixteen at once, from the byte behind a row. */
const BEHIND_BYTES = 32;
/** Names of columns that take more are none. */
const LONGEST_HEAD = 16 * 1024 * 1024;
/** The shares of the budget that a row, and all that belongs to reading, may take. */
const ROW_SHARE = 1 / 16;
const READER_SHARE = 1 / 4;

/** The memory of a reader, for tables that are read one after the other: that of a hundred files is that of one. */
export class ReaderMemory {
  #memory: WebAssembly.Memory | undefined;
  #kernels: Kernels | undefined;

  /** The regions, of which the first are the tables of powers, and the kernels over them. */
  open(regions: readonly Region[]): { arena: Arena; kernels: Kernels } {
    const bytes = layOut(regions).totalBytes;
    const isNew = this.#memory === undefined || this.#memory.buffer.byteLength < bytes;
    if (isNew) {
      this.#memory = Arena.memory(bytes);
      this.#kernels = loadKernels(this.#memory);
    }
    const arena = new Arena(regions, this.#memory!);
    if (isNew) fillPowersOfTen(arena.buffer, arena.address('powers'));
    return { arena, kernels: this.#kernels! };
  }
}

export interface DelimitedOptions extends DialectOptions {
  /** Of the whole import; a row may be as long as a sixteenth of it. */
  readonly bufferBytes: number;
  readonly memory?: ReaderMemory;
}

/** A CSV or TSV file, or any other delimited text, as a table. Opens the file to look at its first row. */
export async function openDelimitedTable(file: TableText, options: DelimitedOptions): Promise<TableSource> {
  const longest = Math.floor(options.bufferBytes * ROW_SHARE);
  const delimiter = options.delimiter === undefined ? {} : { delimiter: checkDelimiter(options.delimiter) };
  const { bytes, isWhole } = await readHead(file, Math.min(longest, LONGEST_HEAD));
  const dialect = dialectOf(bytes, isWhole, file.name, { ...options, ...delimiter });
  return new DelimitedTable(file, dialect, options, longest);
}

class DelimitedTable implements TableSource {
  readonly name: string;
  readonly columns: readonly string[];
  readonly types: readonly 'text'[];
  readonly repeatable: boolean;
  readonly #file: TableText;
  readonly #dialect: Dialect;
  readonly #longest: number;
  readonly #mostRows: number;
  readonly #regions: readonly Region[];
  /** Where in the text the two buffers begin, each behind room for the row of which the end is missing. */
  readonly #starts: readonly [number, number];
  readonly #memory: ReaderMemory;

  constructor(
    file: TableText,
    dialect: Dialect,
    { bufferBytes, memory = new ReaderMemory() }: DelimitedOptions,
    longest: number,
  ) {
    const { columns } = dialect;
    this.name = file.name;
    this.repeatable = file.repeatable;
    this.columns = columns;
    this.types = columns.map(() => 'text');
    this.#file = file;
    this.#dialect = dialect;
    this.#longest = longest;
    const room = bufferBytes * (READER_SHARE - ROW_SHARE);
    this.#mostRows = Math.max(1, Math.floor(Math.min(BATCH_FIELDS, room / FIELD_BYTES) / columns.length));
    const fields = this.#mostRows * columns.length;
    this.#memory = memory;
    const before = 64 * Math.ceil(longest / 64);
    this.#starts = [before, before + CHUNK_BYTES + before];
    this.#regions = [
      { name: 'powers', bytes: POWERS_BYTES },
      { name: 'fields', bytes: 8 * fields },
      { name: 'values', bytes: 8 * fields },
      { name: 'rows', bytes: 4 * this.#mostRows },
      { name: 'result', bytes: 4 * RESULT_WORDS },
      { name: 'column', bytes: 8 * this.#mostRows },
      { name: 'codes', bytes: CODE_TABLE_BYTES },
      { name: 'codesGiven', bytes: 4 * (columns.length + 1) },
      // Pages that no row reaches cost nothing.
      { name: 'text', bytes: this.#starts[1] + CHUNK_BYTES + BEHIND_BYTES },
    ];
    const least = (FIELD_BYTES * fields) / (READER_SHARE - ROW_SHARE);
    if (least > bufferBytes)
      throw new MlmlError(
        'MLML_BUDGET_TOO_SMALL',
        `${file.name}: reading ${columns.length} columns needs at least ${formatBytes(least)}; --buffer is ${formatBytes(bufferBytes)}`,
      );
  }

  async *batches(signal?: AbortSignal): AsyncGenerator<TableBatch> {
    const { arena, kernels } = this.#memory.open(this.#regions);
    const text = arena.uint8('text');
    const result = arena.uint32('result');
    const batch = new DelimitedBatch(this.name, this.columns.length, {
      kernels,
      text,
      fields: arena.uint32('fields'),
      values: arena.float64('values'),
      lines: arena.uint32('rows'),
      times: arena.float64('column'),
      codes: arena.int32('column'),
      table: arena.uint8('codes'),
      codesGiven: arena.uint32('codesGiven'),
    });
    const starts = this.#starts;
    const buffers = starts.map((start) => text.subarray(start, start + CHUNK_BYTES));
    let { skippedBytes: toSkip, skippedLines: line } = this.#dialect;
    // Text from `from` to `to` has not been used yet. Between chunks it lies before the buffer `turn`.
    let turn = 0;
    let from = starts[0];
    let to = from;
    const find = (isLast: boolean) => {
      batch.firstLine = line;
      const status = this.#find(arena, kernels, from, to, isLast);
      batch.rows = result[0]!;
      from = result[1]!;
      line += result[2]!;
      return status;
    };
    for await (const chunk of this.#file.bytes(signal, [buffers[0]!, buffers[1]!])) {
      const skipped = Math.min(toSkip, chunk.length);
      toSkip -= skipped;
      const inPlace = chunk.buffer === text.buffer;
      if (inPlace) turn = chunk.byteOffset === buffers[0]!.byteOffset ? 0 : 1;
      for (let used = skipped; used < chunk.length; ) {
        const start = starts[turn]!;
        const length = inPlace ? chunk.length : Math.min(CHUNK_BYTES, chunk.length - used);
        if (!inPlace) text.set(chunk.subarray(used, used + length), start);
        from = start - (to - from);
        // Nothing is left of what came before where there is something to skip.
        if (inPlace) from += skipped;
        to = start + length;
        used += length;
        for (let status: number = RowStatus.full; status === RowStatus.full; ) {
          status = find(false);
          if (batch.rows > 0) yield batch;
          if (status > RowStatus.full) throw this.#fault(status, line, result[3]!);
        }
        if (to - from > this.#longest)
          throw new MlmlError(
            'MLML_BAD_DATA',
            `${this.name}: line ${line + 1}: is longer than ${formatBytes(this.#longest)}; if it is a row, give a larger --buffer, else a quote in it may not be closed`,
          );
        // The buffer that the rest lies in is read into again as soon as the next chunk is asked for.
        turn = 1 - turn;
        const next = starts[turn]!;
        text.copyWithin(next - (to - from), from, to);
        from = next - (to - from);
        to = next;
      }
    }
    for (let status: number = RowStatus.full; status === RowStatus.full; ) {
      status = find(true);
      if (batch.rows > 0) yield batch;
      if (status > RowStatus.full) throw this.#fault(status, line, result[3]!);
    }
  }

  #find(arena: Arena, kernels: Kernels, from: number, to: number, isLast: boolean): number {
    return kernels.delimitedRows(
      arena.address('text'),
      from,
      to,
      isLast ? 1 : 0,
      this.#dialect.delimiter.charCodeAt(0),
      this.columns.length,
      this.#mostRows,
      arena.address('fields'),
      arena.address('values'),
      arena.address('rows'),
      arena.address('powers'),
      arena.address('result'),
    );
  }

  /** What is wrong with the row that begins in the line behind `line`. */
  #fault(status: number, line: number, fields: number): MlmlError {
    const place = `${this.name}: line ${line + 1}`;
    const wanted = this.columns.length;
    const column = this.columns[fields] ?? `number ${fields + 1}`;
    const what =
      status === RowStatus.few
        ? `has ${fields} ${fields === 1 ? 'field' : 'fields'}, there are ${wanted} columns`
        : status === RowStatus.many
          ? `has more than ${wanted} fields, as many as there are columns`
          : status === RowStatus.quote
            ? `column ${column}: something other than ${JSON.stringify(this.#dialect.delimiter)} follows the closing quote; a quote inside a quoted field is written twice`
            : `column ${column}: the quote is not closed`;
    return new MlmlError('MLML_BAD_DATA', `${place}: ${what}`);
  }

  async records() {
    return [await this.#file.record()];
  }

  async close(): Promise<void> {}
}
