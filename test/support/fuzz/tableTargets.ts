import assert from 'node:assert/strict';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { importTableFiles } from '../../../src/data/table/importTableFiles.js';
import { openTable } from '../../../src/data/table/openTable.js';
import { verifyDataset } from '../../../src/data/verify.js';
import { MlmlError } from '../../../src/errors.js';
import { MemoryStorage } from '../../../src/storage/memoryStorage.js';
import { concat, put } from '../originalFiles.js';
import { bytesLike, type FuzzTarget } from './fuzz.js';
import { wholeOrNothing } from './wholeOrNothing.js';

const bufferBytes = 1e6;
const NUMBER = /^[ \t]*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?[ \t]*$/i;

/** The rows of CSV, header first, letter by letter, as RFC 4180 has them. Letters are bytes. */
function plainCsv(text: string, delimiter: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let field = '';
  let quoted = false;
  let begun = false;
  const endRow = () => {
    if (row.length > 0 || field !== '' || begun) rows.push([...row, field]);
    row = [];
    field = '';
    begun = false;
  };
  for (let i = 0; i < text.length; i++) {
    const letter = text[i]!;
    const isBreak = letter === '\n' || (letter === '\r' && (text[i + 1] === '\n' || i + 1 === text.length));
    if (quoted) {
      if (letter !== '"') field += letter;
      else if (text[i + 1] === '"') field += text[i++];
      else quoted = false;
    } else if (letter === '"' && !begun) {
      quoted = true;
      begun = true;
    } else if (letter === delimiter) {
      row.push(field);
      field = '';
      begun = false;
    } else if (isBreak) {
      if (letter === '\r') i++;
      endRow();
    } else {
      field += letter;
      begun = true;
    }
  }
  endRow();
  return rows;
}

/** Reads a file as a table and imports it: what is taken are the cells that `plain` finds. */
async function sameCells(
  path: string,
  bytes: Uint8Array,
  plain: (columns: readonly string[]) => readonly (readonly unknown[])[] | undefined,
): Promise<boolean> {
  const storage = new MemoryStorage();
  await put(storage, path, bytes);
  try {
    await wholeOrNothing(storage, async () => {
      await importTableFiles(storage, path, { out: '/out', label: 'y', bufferBytes, percentage: 0.5 });
      await verifyDataset(storage, '/out');
    });
  } catch (error) {
    // What has no such label, or none in some row, may still be a table.
    if (!(error instanceof MlmlError) || !/label|classes|column/.test(error.message)) throw error;
  }
  const table = await openTable(storage, path, { bufferBytes });
  const cells: unknown[][] = [];
  const numbers: number[][] = [];
  for await (const batch of table.batches()) {
    const column = new Float64Array(batch.rows);
    const first = numbers.length;
    for (let row = 0; row < batch.rows; row++) {
      cells.push(table.columns.map((_, c) => batch.cell(row, c)));
      numbers.push([]);
    }
    for (let c = 0; batch.numbersOf !== undefined && c < table.columns.length; c++) {
      batch.numbersOf(c, 0, batch.rows, column);
      for (const [row, value] of column.entries()) numbers[first + row]!.push(value);
    }
  }
  const wanted = plain(table.columns);
  if (wanted === undefined) return true;
  assert.deepEqual(cells, wanted);
  for (const [row, values] of numbers.entries())
    for (const [c, value] of values.entries()) {
      const text = String(cells[row]![c]);
      const number = NUMBER.test(text) ? Number(text) : Number.NaN;
      assert.ok(Object.is(value, Number.isFinite(number) ? number : Number.NaN), `${text}: ${value}`);
    }
  return true;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The rows behind the header, for any delimiter that gives as many columns as were found. */
function csvCells(bytes: Uint8Array, columns: readonly string[]): string[][] {
  const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
  const text = Buffer.from(marked).toString('latin1');
  const names = (row: readonly string[]) => row.map((name, i) => name.trim() || `column${i + 1}`);
  const decode = (latin1: string) => utf8.decode(Buffer.from(latin1, 'latin1'));
  for (const delimiter of [',', ';', '\t', '|']) {
    const [header = [], ...rows] = plainCsv(text, delimiter);
    if (names(header.map((name) => Buffer.from(name, 'latin1').toString())).join('\n') !== columns.join('\n'))
      continue;
    return rows.map((row) => row.map(decode));
  }
  return assert.fail(`no delimiter gives the columns ${columns}`);
}

const csv = [
  'x,y,w\n1.5,a,"b,c"\n-2e3,b,"say ""hi"""\n,a,\n7,b,"two\nlines"\n0.25,a,d\n9,b,e\n',
  '\ufeffx;y;z\r\n1;0.5;2026-01-31\r\n\r\n"3";1.25;2026-02-28T10:20\r\n 4 ;2;\r\n5;3;2025-01-01\r\n',
  'y\tx\té\nyes\t12345678901234567890\tö\nno\t1e-5\tü\nyes\t.5\t\nno\t-0\tx\n',
].map((text) => concat(text));
// The first of them, by zstd -19.
const zstandard = new Uint8Array(
  Buffer.from(
    'KLUv/SRJHQIAUoQOEpDPAQCQmOJ5d8vxRre9+qcAB+CdXQFnBgFd34wS0Gv77Al8HXR3hN0hr9pnP88I0O2sv45GAff5OAEAjQMFBfJyqiA=',
    'base64',
  ),
);

const json = concat(
  '{"x": 1.5, "y": "a", "w": null}\n{"y": "b", "x": -2}\n\n{"x": "3", "y": "a", "w": true}\r\n{"x": 4, "y": "b"}',
);

/** Files of tables. */
export const tableTargets: readonly FuzzTarget[] = [
  {
    name: 'CSV',
    cases: bytesLike(csv),
    run: (bytes: Uint8Array) => sameCells('/t.csv', bytes, (columns) => csvCells(bytes, columns)),
  },
  {
    name: 'TSV',
    cases: bytesLike([csv[2]!, concat('x\ty\n1.5\t"a\tb"\n2\tc\r\n\t""\n')]),
    run: (bytes: Uint8Array) => sameCells('/t.tsv', bytes, (columns) => csvCells(bytes, columns)),
  },
  {
    name: 'JSON lines in gzip',
    cases: bytesLike([new Uint8Array(gzipSync(json))]),
    run: (bytes: Uint8Array) => sameCells('/t.jsonl.gz', bytes, () => undefined),
  },
  {
    name: 'CSV of pieces',
    cases: fc
      .array(
        fc.constantFrom(',', ',', '\n', '\n', '\r\n', '"', '""', '1', '-2.5', 'a', 'b', ' ', '\r', 'é'),
        { maxLength: 30 },
      )
      .map((pieces) => concat(`x,y\n1,a\n2,b\n${pieces.join('')}`)),
    run: (bytes: Uint8Array) => sameCells('/t.csv', bytes, (columns) => csvCells(bytes, columns)),
  },
  {
    name: 'CSV in gzip',
    cases: bytesLike(csv.map((bytes) => new Uint8Array(gzipSync(bytes)))),
    run: (bytes: Uint8Array) =>
      sameCells('/t.csv.gz', bytes, (columns) =>
        csvCells(bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes, columns),
      ),
  },
  {
    name: 'CSV in Zstandard',
    cases: bytesLike([zstandard]),
    run: (bytes: Uint8Array) => sameCells('/t.csv.zst', bytes, () => undefined),
  },
  {
    name: 'JSON lines',
    cases: bytesLike([json]),
    run: (bytes: Uint8Array) =>
      sameCells('/t.jsonl', bytes, (columns) => {
        const rows = utf8
          .decode(bytes)
          .split('\n')
          .filter((line) => line.trim() !== '')
          .map((line) => JSON.parse(line) as Record<string, unknown>);
        return rows.map((row) => columns.map((name) => (Object.hasOwn(row, name) ? row[name] : undefined)));
      }),
  },
];
