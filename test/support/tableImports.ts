import assert from 'node:assert/strict';
import { dtypeBytes, readNumber } from '../../src/arithmetic/dtype.js';
import { openDataset } from '../../src/data/dataset.js';
import type { PartName } from '../../src/data/format.js';
import { importTable } from '../../src/data/table/importTable.js';
import type { TableImportOptions } from '../../src/data/table/tableImportOptions.js';
import type { TableSource } from '../../src/data/table/tableSource.js';
import { verifyDataset } from '../../src/data/verify.js';
import { MemoryStorage } from '../../src/storage/memoryStorage.js';
import { listTable } from './listTable.js';

const OUT = '/data/new';

/** Imports, checks the files, and gives the rows of a part as they are stored: features, then the labels. */
export async function imported(source: TableSource, options: Omit<TableImportOptions, 'out'>) {
  const storage = new MemoryStorage();
  const warnings: string[] = [];
  const notices: string[] = [];
  await importTable(storage, source, {
    onWarning: (message) => warnings.push(message),
    onNotice: (message) => notices.push(message),
    ...options,
    out: OUT,
  });
  await verifyDataset(storage, OUT);
  const dataset = await openDataset(storage, OUT);
  const { description, layout } = dataset;
  await dataset.close();
  const rows = (part: PartName) => {
    const bytes = storage.bytesOf(`${OUT}/${part}.rows`);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const { d, dtype, labelDtype, labels, labelOffset, rowBytes } = layout;
    return Array.from({ length: description.parts[part].n }, (_, row) => [
      ...Array.from({ length: d }, (_, j) => readNumber(view, row * rowBytes + j * dtypeBytes[dtype], dtype)),
      ...Array.from({ length: labels }, (_, c) =>
        readNumber(view, row * rowBytes + labelOffset + c * dtypeBytes[labelDtype], labelDtype),
      ),
    ]);
  };
  return { description, rows, warnings, notices };
}

/** An import that is refused leaves nothing behind. */
export async function fails(
  source: TableSource,
  options: Omit<TableImportOptions, 'out'>,
  code: string,
  message: string | RegExp,
) {
  const storage = new MemoryStorage();
  await assert.rejects(importTable(storage, source, { ...options, out: OUT }), { code, message });
  assert.deepEqual(storage.paths(), []);
}

/** A table of four rows with a column of each kind and missing values. */
export const houses = listTable(
  ['id', 'rooms', 'sea', 'built', 'town', 'price'],
  [
    ['a', '3', 'yes', '2001-02-03', 'York', '10.5'],
    ['b', '', 'no', '2002-03-04', 'Bath', '20'],
    ['c', '6', '', '', 'York', '30'],
    ['d', '9', 'yes', '2003-12-31', '', '40'],
  ],
  { name: 'houses.csv' },
);
