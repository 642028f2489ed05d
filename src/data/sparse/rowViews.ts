import { type Dtype, dtypeBytes, readNumber, writeNumber } from '../../arithmetic/dtype.js';
import { MlmlError } from '../../errors.js';
import type { ReadableFile } from '../../storage/storage.js';
import { RowFile } from '../rowFile.js';
import type { RowLayout } from '../rowLayout.js';
import { HEADER_WORDS, type SparseDtype } from './sparseRecord.js';

/** Bytes of rows that are read at once to be changed. */
const READ_BYTES = 65_536;

/** Writes the row of `from` that begins at byte `at` as one of another layout, which begins at byte `to` and is all zeros. */
type RowChange = (from: DataView, at: number, target: DataView, to: number) => void;

/** A file of rows as if they lay in another layout. Whole rows are read. */
class ChangedRows implements ReadableFile {
  readonly path: string;
  readonly byteLength: number;
  readonly #file: RowFile;
  readonly #layout: RowLayout;
  readonly #change: RowChange;

  constructor(file: RowFile, layout: RowLayout, change: RowChange) {
    this.path = file.path;
    this.byteLength = file.rows * layout.rowBytes;
    this.#file = file;
    this.#layout = layout;
    this.#change = change;
  }

  async readInto(target: Uint8Array, position: number): Promise<void> {
    const { buffer, pieces } = this.#pieces(target.length, position);
    for (const { first, count, at } of pieces) {
      await this.#file.readRows(buffer, first, count);
      this.#write(buffer, count, target, at);
    }
  }

  readNow(target: Uint8Array, offset: number, length: number, position: number): void {
    const { buffer, pieces } = this.#pieces(length, position);
    for (const { first, count, at } of pieces) {
      this.#file.readRowsNow(buffer, first, count);
      this.#write(buffer, count, target, offset + at);
    }
  }

  #pieces(length: number, position: number) {
    const rows = length / this.#layout.rowBytes;
    const from = position / this.#layout.rowBytes;
    const { rowBytes } = this.#file.layout;
    const most = Math.max(1, Math.min(rows, Math.floor(READ_BYTES / rowBytes)));
    const pieces = [];
    for (let row = 0; row < rows; row += most) {
      const count = Math.min(most, rows - row);
      pieces.push({ first: from + row, count, at: row * this.#layout.rowBytes });
    }
    return { buffer: new Uint8Array(most * rowBytes), pieces };
  }

  #write(rows: Uint8Array, count: number, target: Uint8Array, at: number): void {
    const { rowBytes } = this.#layout;
    target.fill(0, at, at + count * rowBytes);
    const from = new DataView(rows.buffer);
    const to = new DataView(target.buffer, target.byteOffset, target.byteLength);
    for (let i = 0; i < count; i++) this.#change(from, i * this.#file.layout.rowBytes, to, at + i * rowBytes);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/**
 * Rows in another layout: dense or in slots from either, values of a type that holds the others. Slots have room for the longest row,
 * and for d nonzeros of dense rows. The same when nothing changes.
 *
 * @throws MlmlError `MLML_MISMATCH` for another number of labels; while reading, for a label that its type does not hold
 */
export function rowsAs(file: RowFile, layout: RowLayout): RowFile {
  const { layout: own } = file;
  const same =
    own.dtype === layout.dtype && own.labelDtype === layout.labelDtype && own.rowBytes === layout.rowBytes;
  if (same && own.longest === layout.longest) return file;
  if (own.labels !== layout.labels) {
    throw new MlmlError(
      'MLML_MISMATCH',
      `${file.path}: rows have ${own.labels} ${own.labels === 1 ? 'label' : 'labels'}, ${layout.labels} are wanted; sparse rows have one`,
    );
  }
  return RowFile.of(layout, new ChangedRows(file, layout, changeOf(own, layout)), file.rows, file.part);
}

function changeOf(own: RowLayout, layout: RowLayout): RowChange {
  const label: RowChange = (from, at, target, to) => {
    const value = readNumber(from, at + own.labelOffset, own.labelDtype);
    writeNumber(target, to + layout.labelOffset, layout.labelDtype, value);
    if (Object.is(readNumber(target, to + layout.labelOffset, layout.labelDtype), value)) return;
    throw new MlmlError(
      'MLML_MISMATCH',
      `a row has label ${value}, which ${layout.labelDtype}, the type of the labels of the model, does not hold`,
    );
  };
  const each = own.longest === undefined ? eachDense(own) : eachNonzero(own);
  const put = layout.longest === undefined ? putDense(layout) : putNonzeros(layout);
  return (from, at, target, to) => {
    label(from, at, target, to);
    put(target, to, from, at, each);
  };
}

type Each = (from: DataView, at: number, give: (j: number, value: number) => void) => void;

function eachDense({ d, dtype }: RowLayout): Each {
  const step = dtypeBytes[dtype];
  return (from, at, give) => {
    for (let j = 0; j < d; j++) {
      const value = readNumber(from, at + j * step, dtype);
      if (value !== 0) give(j, value);
    }
  };
}

function eachNonzero({ dtype }: RowLayout): Each {
  const step = dtypeBytes[dtype];
  return (from, at, give) => {
    const m = from.getUint32(at, true);
    const indices = at + 4 * HEADER_WORDS;
    for (let i = 0; i < m; i++) {
      const value = readNumber(from, indices + 4 * m + i * step, dtype);
      give(from.getUint32(indices + 4 * i, true), value);
    }
  };
}

type Put = (target: DataView, to: number, from: DataView, at: number, each: Each) => void;

function putDense({ dtype }: RowLayout): Put {
  const step = dtypeBytes[dtype];
  return (target, to, from, at, each) =>
    each(from, at, (j, value) => writeNumber(target, to + j * step, dtype, value));
}

function putNonzeros({ dtype }: RowLayout): Put {
  const step = dtypeBytes[dtype];
  return (target, to, from, at, each) => {
    let m = 0;
    each(from, at, () => m++);
    target.setUint32(to, m, true);
    const indices = to + 4 * HEADER_WORDS;
    let i = 0;
    each(from, at, (j, value) => {
      target.setUint32(indices + 4 * i, j, true);
      writeNumber(target, indices + 4 * m + i * step, dtype, value);
      i++;
    });
  };
}

const widths: readonly SparseDtype[] = ['uint8', 'float32', 'float64'];

/** The narrower of the types of sparse values that hold the values of both; undefined when there is none. */
export function commonDtype(a: Dtype, b: Dtype): SparseDtype | undefined {
  const width = Math.max(widths.indexOf(a as SparseDtype), widths.indexOf(b as SparseDtype));
  const all = [a, b].every((dtype) => widths.includes(dtype as SparseDtype));
  return all ? widths[width] : undefined;
}
