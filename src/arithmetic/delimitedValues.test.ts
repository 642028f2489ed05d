import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Arena } from '../memory/arena.js';
import { RESULT_WORDS } from './delimitedRows.js';
import { CODE_TABLE_BYTES, MOST_CODES } from './delimitedValues.js';
import { bestBuild, type KernelBuild, loadKernels } from './kernels.js';
import { fillPowersOfTen, POWERS_BYTES } from './powersOfTen.js';

const builds: KernelBuild[] = bestBuild() === 'relaxed' ? ['plain', 'simd', 'relaxed'] : ['plain', 'simd'];
const MOST_BYTES = 60_000;
const MOST_FIELDS = 6000;
const MOST_COLUMNS = 3;

const arena = new Arena([
  { name: 'powers', bytes: POWERS_BYTES },
  { name: 'fields', bytes: 8 * MOST_FIELDS },
  { name: 'values', bytes: 8 * MOST_FIELDS },
  { name: 'rows', bytes: 4 * MOST_FIELDS },
  { name: 'result', bytes: 4 * RESULT_WORDS },
  { name: 'target', bytes: 8 * MOST_FIELDS },
  { name: 'codes', bytes: CODE_TABLE_BYTES },
  { name: 'codesGiven', bytes: 4 * (MOST_COLUMNS + 1) },
  { name: 'text', bytes: MOST_BYTES + 32 },
]);
fillPowersOfTen(arena.buffer, arena.address('powers'));
const kernelsOf = new Map(builds.map((build) => [build, loadKernels(arena.memory, build)]));

/** Finds the rows of a text, which must be whole; returns how many there are. */
function findRows(build: KernelBuild, text: string, columns: number): number {
  const bytes = Buffer.from(text);
  assert.ok(bytes.length <= MOST_BYTES);
  arena.uint8('text').set(bytes);
  const at = (name: string) => arena.address(name);
  kernelsOf
    .get(build)!
    .delimitedRows(
      at('text'),
      0,
      bytes.length,
      1,
      44,
      columns,
      MOST_FIELDS / columns,
      at('fields'),
      at('values'),
      at('rows'),
      at('powers'),
      at('result'),
    );
  return arena.uint32('result')[0]!;
}

/** The times of a column of the rows found, and how many have a time of day. */
function timesOf(build: KernelBuild, columns: number, column: number, from: number, count: number) {
  const withTime = kernelsOf
    .get(build)!
    .delimitedTimes(
      arena.address('text'),
      arena.address('fields'),
      columns,
      column,
      from,
      count,
      arena.address('target'),
    );
  return { times: [...arena.float64('target').subarray(0, count)], withTime };
}

function codesOf(
  build: KernelBuild,
  columns: number,
  column: number,
  from: number,
  count: number,
  most: number,
) {
  kernelsOf
    .get(build)!
    .delimitedCodes(
      arena.address('text'),
      arena.address('fields'),
      columns,
      column,
      from,
      count,
      arena.address('codes'),
      arena.address('codesGiven'),
      most,
      arena.address('target'),
    );
  return [...arena.int32('target').subarray(0, count)];
}

function forgetCodes(): void {
  arena.uint8('codes').fill(0);
  arena.uint32('codesGiven').fill(0);
}

/** Texts that are nearly dates. */
const nearDate = fc
  .tuple(
    fc.integer({ min: 0, max: 9999 }),
    fc.integer({ min: 0, max: 13 }),
    fc.integer({ min: 0, max: 32 }),
    fc.constantFrom('', ' ', 'T', 't', '-', '  '),
    fc.integer({ min: 0, max: 25 }),
    fc.integer({ min: 0, max: 61 }),
    fc.constantFrom('', ':', '.'),
    fc.integer({ min: 0, max: 62 }),
    fc.constantFrom('', '.5', ',123456789', '.', '.1234567890', '.007'),
    fc.constantFrom('', 'Z', 'z', ' ', '+01:00', 'x'),
    fc.integer({ min: 0, max: 40 }),
    fc.boolean(),
  )
  .map(([year, month, day, between, hour, minute, colon, second, fraction, zone, cut, isWhole]) => {
    const two = (value: number) => String(value).padStart(2, '0');
    const ofDay = between === '' ? '' : `${between}${two(hour)}:${two(minute)}`;
    const seconds = colon === '' || ofDay === '' ? '' : `${colon}${two(second)}${fraction}`;
    const text = `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}${ofDay}${seconds}${ofDay === '' ? '' : zone}`;
    const given = isWhole ? text : text.slice(0, cut);
    return given.includes(',') ? `"${given}"` : given;
  });

for (const build of builds) {
  describe(`values of delimited text, ${build}`, () => {
    test('dates and times of day', () => {
      const texts = [
        '2026-01-31',
        '2024-02-29T23:59:60.25Z',
        '1900-02-29',
        '0044-03-15',
        '2026-11-25 15:30',
        '"1969-12-31 23:59:59,5"',
        '2026-11-25 15:30:10+01:00',
        ' 2026-11-25',
        'word',
        '',
      ];
      const rows = findRows(build, texts.map((text) => `1,${text}\n`).join(''), 2);
      assert.equal(rows, texts.length);
      const { times, withTime } = timesOf(build, 2, 1, 0, rows);
      const none = Number.NaN;
      assert.deepEqual(times, [
        Date.UTC(2026, 0, 31),
        Date.UTC(2024, 2, 1) + 250,
        none,
        Date.parse('0044-03-15T00:00:00Z'),
        Date.UTC(2026, 10, 25, 15, 30),
        -500,
        none,
        none,
        none,
        none,
      ]);
      assert.equal(withTime, 3);
      assert.deepEqual(timesOf(build, 2, 1, 3, 2).times, times.slice(3, 5));
      assert.deepEqual(timesOf(build, 2, 0, 0, rows), { times: texts.map(() => none), withTime: 0 });
    });

    test('equal texts of a column have one code, up to a limit', () => {
      const texts = [
        'Bath',
        'York',
        '',
        'Bath',
        '"York"',
        'a""b',
        '"a""b"',
        'x'.repeat(24),
        'x'.repeat(25),
        'Bat',
      ];
      const rows = findRows(build, texts.map((text) => `${text},Bath,${text}\n`).join(''), 3);
      assert.equal(rows, texts.length);
      forgetCodes();
      const codes = [0, 1, 2, 0, 1, 3, -1, 4, -1, 5];
      assert.deepEqual(codesOf(build, 3, 0, 0, rows, 100), codes);
      assert.deepEqual(codesOf(build, 3, 1, 2, 3, 100), [6, 6, 6]);
      assert.deepEqual(codesOf(build, 3, 2, 0, rows, 2), [7, 8, -1, 7, 8, -1, -1, -1, -1, -1]);
      assert.deepEqual(codesOf(build, 3, 0, 3, 2, 0), codes.slice(3, 5));
    });

    test('there are so many codes and no more', () => {
      const texts = Array.from({ length: MOST_CODES + 100 }, (_, i) => `name ${i}`);
      const rows = findRows(build, `${texts.join('\n')}\n`, 1);
      forgetCodes();
      const expected = texts.map((_, i) => (i < MOST_CODES ? i : -1));
      assert.deepEqual(codesOf(build, 1, 0, 0, rows, 1e6), expected);
      assert.deepEqual(codesOf(build, 1, 0, 0, rows, 1e6), expected);
    });
  });

  if (build !== 'plain')
    test(`values of delimited text, ${build}: those of the reference`, () => {
      const word = fc.string({ unit: fc.constantFrom('a', 'b', 'é', ' '), maxLength: 26 });
      const texts = fc.array(fc.oneof(nearDate, word), { minLength: 1, maxLength: 40 });
      fc.assert(
        fc.property(texts, fc.integer({ min: 1, max: 12 }), (given, most) => {
          const text = given.map((each) => `${each},${each}\n`).join('');
          const rows = findRows(build, text, 2);
          assert.equal(rows, given.length);
          assert.deepEqual(timesOf(build, 2, 1, 0, rows), timesOf('plain', 2, 1, 0, rows));
          const both = [build, 'plain' as const].map((each) => {
            forgetCodes();
            return [codesOf(each, 2, 0, 0, rows, most), codesOf(each, 2, 1, 0, rows, most)];
          });
          assert.deepEqual(both[0], both[1]);
        }),
        { numRuns: 1000 },
      );
    });
}
