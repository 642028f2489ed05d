import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { put } from '../../../../test/support/originalFiles.js';
import { MemoryStorage } from '../../../storage/memoryStorage.js';
import { type OpenTableOptions, openTable } from '../openTable.js';

/** All cells, with where their rows stand. */
async function read(
  files: Readonly<Record<string, string | Uint8Array>>,
  source: string,
  options: Partial<OpenTableOptions> = {},
) {
  const storage = new MemoryStorage();
  for (const [name, bytes] of Object.entries(files))
    await put(storage, name, typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes);
  const table = await openTable(storage, source, { bufferBytes: 1e6, ...options });
  const once = async () => {
    const rows: unknown[][] = [];
    const places: string[] = [];
    for await (const batch of table.batches())
      for (let row = 0; row < batch.rows; row++) {
        rows.push(table.columns.map((_, column) => batch.cell(row, column)));
        places.push(batch.place(row));
      }
    return { rows, places };
  };
  const first = await once();
  assert.deepEqual(await once(), first, 'the second time it is another table');
  return { ...first, columns: table.columns, table };
}

const fails = (
  text: string | Uint8Array,
  message: string | RegExp,
  options: Partial<OpenTableOptions> = {},
) => assert.rejects(read({ '/t.csv': text }, '/t.csv', options), { code: 'MLML_BAD_DATA', message });

describe('CSV files', () => {
  test('a byte order mark, quoted line breaks, CRLF and empty lines', async () => {
    const { rows, columns, places } = await read(
      { '/t.csv': '\ufeffx,"y ""z""",w\r\n1,"a\r\nb",\r\n\r\n2,"c, ""d""",é€😀\n' },
      '/t.csv',
    );
    assert.deepEqual(columns, ['x', 'y "z"', 'w']);
    assert.deepEqual(rows, [
      ['1', 'a\r\nb', ''],
      ['2', 'c, "d"', 'é€😀'],
    ]);
    assert.deepEqual(places, ['/t.csv: line 2', '/t.csv: line 5']);
  });

  test('the delimiter is found out, or given; a header is there, or not', async () => {
    for (const [text, delimiter] of [
      ['a;b,c;d\n1;2,5;3\n', undefined],
      ['a\tb\tc\n1\t2,3\t4\n', undefined],
      ['a|b|c\n1|2|3\n', undefined],
      ['a b c\n1 2 3\n', ' '],
      ['a:b:c\n1:2:3\n', ':'],
    ] as const) {
      const { columns, rows } = await read(
        { '/t.txt': text },
        '/t.txt',
        delimiter === undefined ? {} : { delimiter },
      );
      assert.deepEqual([columns.length, rows.length], [3, 1], text);
    }
    const bare = await read({ '/t.tsv': '1\t2\n3\t4' }, '/t.tsv', { header: false });
    assert.deepEqual(bare.columns, ['column1', 'column2']);
    assert.deepEqual(bare.rows, [
      ['1', '2'],
      ['3', '4'],
    ]);
    const warnings: string[] = [];
    await read({ '/t.csv': '1,2\n3,4' }, '/t.csv', { onWarning: (message) => warnings.push(message) });
    assert.match(warnings[0]!, /are all numbers; --no-header/);
    await assert.rejects(read({ '/t.csv': 'a,b\n' }, '/t.csv', { delimiter: '""' }), {
      code: 'MLML_USAGE',
      message: '--delimiter="": must be one character such as , ; | or tab',
    });
  });

  test('rows that lie across pieces of the file, in gzip and Zstandard, are whole', async () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `${i},"row ${i}\n",${i / 7}`);
    const text = `a,b,c\n${lines.join('\n')}`;
    const plain = await read({ '/t.csv': text }, '/t.csv');
    assert.equal(plain.rows.length, lines.length);
    assert.deepEqual(plain.rows[19_999], ['19999', 'row 19999\n', String(19_999 / 7)]);
    assert.equal(plain.places[19_999], '/t.csv: line 40000');
    const packed = await read({ '/t.csv.gz': new Uint8Array(gzipSync(text)) }, '/t.csv.gz');
    assert.deepEqual(packed.rows, plain.rows);
    for await (const batch of plain.table.batches()) {
      const numbers = new Float64Array(batch.rows);
      batch.numbersOf!(2, 0, batch.rows, numbers);
      for (let row = 0; row < batch.rows; row++) assert.equal(numbers[row], Number(batch.cell(row, 2)));
    }
  });

  test('what is wrong is told with file and line', async () => {
    await fails('a,b\n1,2\n\n3\n', '/t.csv: line 4: has 1 field, there are 2 columns');
    await fails('a,b\n1,2,3\n', '/t.csv: line 2: has more than 2 fields, as many as there are columns');
    await fails(
      'a,b\n"1"2,3\n',
      /^\/t.csv: line 2: column a: something other than "," follows the closing quote/,
    );
    await fails('a,b\n1,2\n3,"4\n5,6\n', '/t.csv: line 3: column b: the quote is not closed');
    await fails(
      `a,b\n1,2\n3,"${'4\n'.repeat(50_000)}`,
      /^\/t.csv: line 3: is longer than 62\.5 kB; if it is a row/,
      {
        bufferBytes: 1e6,
      },
    );
    await fails(
      Uint8Array.of(97, 44, 98, 10, 49, 44, 0xe9, 10),
      '/t.csv: line 2, column 2: is not UTF-8 text; convert the file, with iconv for one',
    );
    await fails(Uint8Array.of(0xff, 0xfe, 97, 0), '/t.csv: is UTF-16 text; save it as UTF-8');
    await fails(Uint8Array.of(97, 44, 0, 10), '/t.csv: byte 2 is zero: this is no text');
    await fails('a,b,a\n1,2,3\n', /^\/t.csv: line 1: two columns are called "a"/);
    await fails('', '/t.csv: is empty; a pipe is read as -');
    await fails('a\n1\n', /^\/t.csv: line 1: has no "," between columns/);
    await fails(`"a,b\n${'1,2\n'.repeat(9)}`, '/t.csv: line 1: a quote in it is not closed');
    const wide = Array.from({ length: 20_000 }, (_, i) => `c${i}`).join(',');
    await assert.rejects(read({ '/t.csv': `${wide}\n` }, '/t.csv', { bufferBytes: 1.5e6 }), {
      code: 'MLML_BUDGET_TOO_SMALL',
    });
    await assert.rejects(read({ '/t.csv.gz': gzipSync('a,b\n1,2\n').subarray(0, 20) }, '/t.csv.gz'), {
      code: 'MLML_BAD_FILE',
      message: /damaged gzip stream/,
    });
  });
});

describe('several files', () => {
  const files = {
    '/data/2.csv': 'b,a\n20,2\n',
    '/data/1.csv': 'a,b\n1,10\n',
    '/data/more/3.csv': 'a,b\n3,30\n',
    '/data/x.json': '',
  };

  test('are one table, their columns matched by name', async () => {
    const { rows, places } = await read(files, '/data/*.csv');
    assert.deepEqual(rows, [
      ['1', '10'],
      ['2', '20'],
    ]);
    assert.deepEqual(places, ['/data/1.csv: line 2', '/data/2.csv: line 2']);
    assert.equal((await read(files, '/data/**/[1-3].csv')).rows.length, 3);
    assert.equal((await read(files, '/data/{1,2}.c?v')).rows.length, 2);
  });

  test('of other columns, or none, are refused', async () => {
    await assert.rejects(read({ ...files, '/data/4.csv': 'a,c\n' }, '/data/*.csv'), {
      code: 'MLML_BAD_DATA',
      message:
        '/data/4.csv: has no column b, which /data/1.csv has; files that are read together need the same columns',
    });
    await assert.rejects(read({ '/w/1.csv': 'a,b\n', '/w/2.csv': 'a,b,c\n' }, '/w/*.csv'), {
      message: /^\/w\/2.csv: has a column c, which \/w\/1.csv does not have/,
    });
    await assert.rejects(read(files, '/data/*.tsv'), {
      code: 'MLML_NOT_FOUND',
      message: '/data/*.tsv: there are no such files',
    });
    await assert.rejects(read(files, '/data/x.json'), {
      code: 'MLML_USAGE',
      message: /give --format, one of /,
    });
    await assert.rejects(read(files, '/none.csv'), { code: 'MLML_NOT_FOUND' });
  });
});

describe('JSON lines', () => {
  test('columns are all names that occur; what a line lacks is missing', async () => {
    const { rows, columns, places } = await read(
      {
        '/t.jsonl':
          '\ufeff{"a": 1, "b": "x"}\n\n{"toString": true, "a": null}\r\n{"b": "y\\n", "__proto__": 2.5}',
      },
      '/t.jsonl',
    );
    assert.deepEqual(columns, ['a', 'b', 'toString', '__proto__']);
    assert.deepEqual(rows, [
      [1, 'x', undefined, undefined],
      [null, undefined, true, undefined],
      [undefined, 'y\n', undefined, 2.5],
    ]);
    assert.deepEqual(places, ['/t.jsonl: line 1', '/t.jsonl: line 3', '/t.jsonl: line 4']);
  });

  test('what is wrong is told with file and line', async () => {
    const wrong = (text: string, message: string | RegExp) =>
      assert.rejects(read({ '/t.jsonl': text }, '/t.jsonl'), { code: 'MLML_BAD_DATA', message });
    await wrong('{"a": 1}\n{"a": 2', /^\/t.jsonl: line 2: is not JSON \(/);
    await wrong('{"a": 1}\n[1, 2]\n', /^\/t.jsonl: line 2: is a list; an object is needed/);
    await wrong('3\n', /^\/t.jsonl: line 1: is 3; an object is needed/);
    await wrong('{"a": [1]}\n', /^\/t.jsonl: line 1, column a: is a list or an object;/);
    await wrong(`{"a": "${'x'.repeat(40_000)}"}\n`, /^\/t.jsonl: line 1: is longer than/);
    await wrong('\n\n', /is empty/);
  });

  test('long files are the same in pieces', async () => {
    const lines = Array.from({ length: 30_000 }, (_, i) => JSON.stringify({ i, text: 'é'.repeat(i % 9) }));
    const { rows, places } = await read({ '/t.ndjson': lines.join('\r\n') }, '/t.ndjson');
    assert.equal(rows.length, lines.length);
    assert.deepEqual(rows[29_999], [29_999, 'é'.repeat(29_999 % 9)]);
    assert.equal(places[29_999], '/t.ndjson: line 30000');
  });
});
