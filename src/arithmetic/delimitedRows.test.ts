import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Arena } from '../memory/arena.js';
import { Random } from '../memory/random.js';
import { FIELD_DOUBLED, FIELD_HARD, FIELD_OFFSET, RESULT_WORDS, RowStatus } from './delimitedRows.js';
import { bestBuild, type KernelBuild, loadKernels } from './kernels.js';
import { fillPowersOfTen, POWERS_BYTES } from './powersOfTen.js';

const builds: KernelBuild[] = bestBuild() === 'relaxed' ? ['plain', 'simd', 'relaxed'] : ['plain', 'simd'];
const MOST_BYTES = 4000;
const MOST_FIELDS = 2000;

const arena = new Arena([
  { name: 'powers', bytes: POWERS_BYTES },
  { name: 'text', bytes: MOST_BYTES + 1 },
  { name: 'fields', bytes: 8 * MOST_FIELDS },
  { name: 'values', bytes: 8 * MOST_FIELDS },
  { name: 'rows', bytes: 4 * MOST_FIELDS },
  { name: 'result', bytes: 4 * RESULT_WORDS },
]);
fillPowersOfTen(arena.buffer, arena.address('powers'));

interface Found {
  readonly status: number;
  readonly rows: readonly (readonly string[])[];
  readonly values: readonly (readonly number[])[];
  readonly lines: readonly number[];
  readonly consumed: number;
  readonly linesDone: number;
  readonly count: number;
}

const kernelsOf = new Map(builds.map((build) => [build, loadKernels(arena.memory, build)]));

interface Options {
  readonly columns: number;
  readonly delimiter?: string;
  readonly last?: boolean;
  readonly mostRows?: number;
  readonly from?: number;
}

function find(
  build: KernelBuild,
  given: Uint8Array,
  { columns, delimiter = ',', last = true, mostRows = Math.floor(MOST_FIELDS / columns), from = 0 }: Options,
): Found {
  new Uint8Array(arena.buffer, arena.address('fields')).fill(0xff);
  const text = arena.uint8('text');
  text.set(given);
  // What lies behind the text is not of it, and stays.
  text[given.length] = 0x37;
  const status = kernelsOf
    .get(build)!
    .delimitedRows(
      arena.address('text'),
      from,
      given.length,
      last ? 1 : 0,
      delimiter.charCodeAt(0),
      columns,
      mostRows,
      arena.address('fields'),
      arena.address('values'),
      arena.address('rows'),
      arena.address('powers'),
      arena.address('result'),
    );
  assert.equal(text[given.length], 0x37);
  const [done, consumed, linesDone, count] = arena.uint32('result') as unknown as [
    number,
    number,
    number,
    number,
  ];
  const fields = arena.uint32('fields');
  const values = arena.float64('values');
  const of = <T>(make: (slot: number) => T) =>
    Array.from({ length: done }, (_, row) =>
      Array.from({ length: columns }, (_, column) => make(row * columns + column)),
    );
  const textIn = (slot: number) => {
    const end = fields[2 * slot + 1]!;
    const letters = Buffer.from(text.slice(fields[2 * slot]!, end & FIELD_OFFSET)).toString('latin1');
    return end >= FIELD_DOUBLED ? letters.replaceAll('""', '"') : letters;
  };
  const numberIn = (slot: number) => {
    const hard = (fields[2 * slot + 1]! & FIELD_HARD) !== 0;
    const value = hard ? Number(textIn(slot)) : values[slot]!;
    return Number.isFinite(value) ? value : Number.NaN;
  };
  return {
    status,
    rows: of(textIn),
    values: of(numberIn),
    lines: [...arena.uint32('rows').subarray(0, done)],
    consumed,
    linesDone,
    count,
  };
}

const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));

for (const build of builds) {
  const at = (text: string, options: Options) => find(build, bytesOf(text), options);
  describe(`rows of delimited text, ${build}`, () => {
    test('fields, numbers, quotes, line breaks of both kinds, empty lines', () => {
      const text = 'a,1.5,\r\n\n"b ""c"", d", -2e3 ,"x\r\ny"\n\r\n,"7",end"quote\n3,4,5';
      const found = at(text, { columns: 3 });
      assert.equal(found.status, RowStatus.more);
      assert.deepEqual(found.rows, [
        ['a', '1.5', ''],
        ['b "c", d', ' -2e3 ', 'x\r\ny'],
        ['', '7', 'end"quote'],
        ['3', '4', '5'],
      ]);
      const { NaN: none } = Number;
      assert.deepEqual(found.values, [
        [none, 1.5, none],
        [none, -2000, none],
        [none, 7, none],
        [3, 4, 5],
      ]);
      assert.deepEqual(found.lines, [0, 2, 5, 6]);
      assert.deepEqual([found.consumed, found.linesDone], [text.length, 6]);
    });

    test('a row of which a part is missing waits for it, at every place', () => {
      const text = '1,"a ""b""\nc"\r\n-2.5e1,\r\n"3",4\r\n';
      const whole = at(text, { columns: 2 });
      assert.equal(whole.rows.length, 3);
      for (let cut = 0; cut <= text.length; cut++) {
        const first = at(text.slice(0, cut), { columns: 2, last: false });
        assert.equal(first.status, RowStatus.more, `cut at ${cut}`);
        const rest = at(text.slice(first.consumed), { columns: 2 });
        assert.deepEqual([...first.rows, ...rest.rows], whole.rows, `cut at ${cut}`);
        assert.deepEqual([...first.values, ...rest.values], whole.values);
        assert.deepEqual([...first.lines, ...rest.lines.map((line) => line + first.linesDone)], whole.lines);
        assert.equal(first.linesDone + rest.linesDone, whole.linesDone);
      }
    });

    test('faults are told with the rows before them', () => {
      for (const [text, status, rows, count] of [
        ['1,2\n3\n4,5\n', RowStatus.few, 1, 1],
        ['1,2\n3,4,5\n', RowStatus.many, 1, 2],
        ['1,2\n"3"x,4\n', RowStatus.quote, 1, 0],
        ['1,2\n3,"4\n5,6\n', RowStatus.open, 1, 1],
        ['1,2\n3,"4""', RowStatus.open, 1, 1],
        ['1,2\n3', RowStatus.few, 1, 1],
      ] as const) {
        const found = at(text, { columns: 2 });
        assert.deepEqual([found.status, found.rows.length, found.count], [status, rows, count], text);
        assert.equal(found.consumed, 4);
        assert.equal(found.linesDone, 1);
      }
      const full = at('1;2\n3;4\n5;6\n', { columns: 2, delimiter: ';', mostRows: 2 });
      assert.deepEqual(
        [full.status, full.rows.length, full.consumed, full.linesDone],
        [RowStatus.full, 2, 8, 2],
      );
      const later = at('1;2\n3;4\n5;6\n', { columns: 2, delimiter: ';', from: 8 });
      assert.deepEqual(later.rows, [['5', '6']]);
    });

    test('a number of zeros and up to 19 other digits is read by the kernel', () => {
      const texts = ['0.00012345678901234567', '-000.0000001234567890123456789', '00001234567890123456789'];
      const found = at(`${texts.join('\n')}\n`, { columns: 1 });
      assert.deepEqual(
        found.values.map(([value]) => value),
        texts.map(Number),
      );
      for (let i = 0; i < texts.length; i++)
        assert.equal(arena.uint32('fields')[2 * i + 1]! & FIELD_HARD, 0, texts[i]);
    });

    test('what numbers are is what they are elsewhere', () => {
      for (const text of [
        '0',
        '-0',
        '+1',
        '.5',
        '5.',
        '-.5e-3',
        '1e22',
        '1e23',
        '1E+5',
        '9007199254740993',
        '0.1',
        '123456789012345678',
        '1234567890123456789',
        '12345678901234567890',
        '18446744073709551615',
        '9999999999999999999',
        '1e400',
        '1e-400',
        '4.9406564584124654e-324',
        '2.2250738585072011e-308',
        '1.7976931348623157e308',
        '8.5e-64',
        '3e64',
        '7e65',
        '0.000000000000000000000000000012345',
        '00000000000000000000000000001',
        '1e0000000000000000000000000000000000005',
        '9007199254740992.5',
        '4503599627370496.5',
        '4503599627370497.5',
      ]) {
        const { values } = at(`${text},x\n`, { columns: 2 });
        const number = Number(text);
        assert.ok(
          Object.is(values[0]![0], Number.isFinite(number) ? number : Number.NaN),
          `${text}: ${values[0]![0]}`,
        );
      }
      for (const text of [
        '',
        '.',
        '-',
        '1e',
        '1e+',
        '1 2',
        '0x10',
        'inf',
        'NaN',
        '--1',
        '1_0',
        '1.2.3',
        'e5',
        '1;',
      ])
        assert.deepEqual(at(`${text},x\n`, { columns: 2 }).values[0], [Number.NaN, Number.NaN], text);
      const tabs = at('1 \t 2\t\t3\n', { columns: 4, delimiter: '\t' });
      assert.deepEqual(tabs.values, [[1, 2, Number.NaN, 3]]);
    });
  });
}

for (const build of builds.slice(1)) {
  test(`numbers are rounded correctly, ${build}`, () => {
    const random = Random.of(20261125);
    const bits = new DataView(new ArrayBuffer(8));
    const texts: string[] = [];
    for (let i = 0; i < 40_000; i++) {
      bits.setUint32(0, random.uint32());
      bits.setUint32(4, random.uint32());
      const any = bits.getFloat64(0);
      const digits = String(random.below(10 ** 9)) + String(random.below(10 ** 9));
      const power = random.below(140) - 70;
      if (Number.isFinite(any)) texts.push(String(any));
      texts.push(String(random.normal()), `${digits.slice(0, 1 + random.below(18))}e${power}`);
      texts.push(`-0.${'0'.repeat(random.below(30))}${digits}`, `${'0'.repeat(random.below(9))}.${digits}`);
      // Halfway between two doubles, and next to it.
      const whole = (2n ** 53n + BigInt(random.below(2 ** 31)) * 2n + 1n) * 2n ** BigInt(random.below(7));
      texts.push(String(whole), String(whole - 1n), String(whole + 1n), `${whole}e-${random.below(5)}`);
    }
    for (let from = 0; from < texts.length; from += 100) {
      const some = texts.slice(from, from + 100);
      const { values } = find(build, bytesOf(some.join('\n')), { columns: 1 });
      for (const [i, text] of some.entries())
        assert.ok(
          Object.is(values[i]![0], Number.isFinite(Number(text)) ? Number(text) : Number.NaN),
          `${text}: ${values[i]![0]}`,
        );
    }
  });

  test(`any text is read as the reference reads it, ${build}`, () => {
    const piece = fc.constantFrom(
      ',',
      ',',
      '\n',
      '\r\n',
      '\r',
      '"',
      '""',
      '1',
      '-2.5',
      'e',
      '3e2',
      ' ',
      'ab',
      'more than sixteen letters',
      '\t',
      '.',
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 40 }),
        fc.integer({ min: 1, max: 4 }),
        fc.boolean(),
        fc.constantFrom(',', '\t', ' '),
        fc.integer({ min: 1, max: 5 }),
        (pieces, columns, last, delimiter, mostRows) => {
          const text = bytesOf(pieces.join(''));
          const options = { columns, last, delimiter, mostRows };
          assert.deepEqual(find(build, text, options), find('plain', text, options));
        },
      ),
      { numRuns: 3000, seed: 7 },
    );
  });
}
