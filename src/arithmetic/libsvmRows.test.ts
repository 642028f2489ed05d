import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Arena } from '../memory/arena.js';
import { bestBuild, type KernelBuild, loadKernels } from './kernels.js';
import { LIBSVM_RESULT_WORDS, LIBSVM_ROW_WORDS, LibsvmResult, LibsvmStatus } from './libsvmRows.js';
import { fillPowersOfTen, POWERS_BYTES } from './powersOfTen.js';

const builds: KernelBuild[] = bestBuild() === 'relaxed' ? ['plain', 'simd', 'relaxed'] : ['plain', 'simd'];
const MOST = 1000;

const arena = new Arena([
  { name: 'powers', bytes: POWERS_BYTES },
  { name: 'text', bytes: 10_000 },
  { name: 'records', bytes: 4 * MOST },
  { name: 'values', bytes: 8 * MOST },
  { name: 'rows', bytes: 4 * LIBSVM_ROW_WORDS * MOST },
  { name: 'result', bytes: 4 * LIBSVM_RESULT_WORDS },
]);
fillPowersOfTen(arena.buffer, arena.address('powers'));
const kernelsOf = new Map(builds.map((build) => [build, loadKernels(arena.memory, build)]));

interface Limits {
  readonly zero?: number;
  readonly features?: number;
  readonly dtype?: number;
  readonly words?: number;
  readonly values?: number;
  readonly rows?: number;
}

function read(build: KernelBuild, given: string, from: number, limits: Limits = {}) {
  const { zero = 1, features = 2 ** 31, dtype = 0, words = MOST, values = MOST, rows = MOST } = limits;
  const bytes = Buffer.from(given, 'latin1');
  arena.uint8('text').set(bytes);
  arena.uint32('records').fill(0xffffffff);
  arena.float64('values').fill(-1);
  const at = (name: string) => arena.address(name);
  const status = kernelsOf
    .get(build)!
    .libsvmRows(
      at('text'),
      from,
      bytes.length,
      zero,
      features,
      dtype,
      at('records'),
      words,
      at('values'),
      values,
      at('rows'),
      rows,
      at('powers'),
      at('result'),
    );
  const result = [...arena.uint32('result')];
  const view = new DataView(arena.buffer, at('records'));
  const places = arena.uint32('rows');
  const records = Array.from({ length: result[LibsvmResult.rows]! }, (_, row) => {
    const start = 4 * places[LIBSVM_ROW_WORDS * row]!;
    const count = view.getUint32(start, true);
    const stored = (i: number) => {
      const place = start + 12 + 4 * count + i * 2 ** dtype;
      if (dtype === 0) return view.getUint8(place);
      return dtype === 2 ? view.getFloat32(place, true) : view.getFloat64(place, true);
    };
    return {
      label: view.getFloat64(start + 4, true),
      indices: Array.from({ length: count }, (_, i) => view.getUint32(start + 12 + 4 * i, true)),
      stored: Array.from({ length: count }, (_, i) => stored(i)),
      values: Array.from(
        { length: count },
        (_, i) => arena.float64('values')[places[LIBSVM_ROW_WORDS * row + 1]! + i]!,
      ),
      line: places[LIBSVM_ROW_WORDS * row + 2]!,
    };
  });
  const used = [...arena.uint32('records').subarray(0, result[LibsvmResult.words]!)];
  return { status, result, records, used };
}

for (const build of builds) {
  describe(`rows of LIBSVM text, ${build}`, () => {
    test('labels, indices, values; blanks, comments and lines without a row', () => {
      const text = '+1 3:1 11:0 14:200 # 5:6\n\n # comment\n-1.5\t1:2 \r\n  0 2:1#\n';
      const { status, result, records } = read(build, text, 0);
      assert.equal(status, LibsvmStatus.more);
      assert.deepEqual(records, [
        { label: 1, indices: [2, 13], stored: [1, 200], values: [1, 200], line: 0 },
        { label: -1.5, indices: [0], stored: [2], values: [2], line: 3 },
        { label: 0, indices: [1], stored: [1], values: [1], line: 4 },
      ]);
      assert.deepEqual(result, [3, text.length, 5, 6 + 5 + 5, 4, 14, 2, 1]);
    });

    test('values in single and double precision are those of Number', () => {
      const text = '1 0:0.1 1:-12345.678901 2:.5 3:7. 4:-.000000000000001\n';
      const values = [0.1, -12345.678901, 0.5, 7, -1e-15];
      for (const [dtype, stored] of [
        [2, values.map(Math.fround)],
        [3, values],
      ] as const) {
        const { records, result } = read(build, text, 0, { zero: 0, dtype });
        assert.deepEqual(records[0]!.stored, stored);
        assert.deepEqual(records[0]!.values, values);
        assert.equal(result[LibsvmResult.allBytes], 0);
      }
    });

    test('what is unusual is left to the caller, the rows before it are not', () => {
      for (const line of [
        'x 1:1',
        '1e3 1:1',
        '1 1:1e3',
        '1 1:nan',
        '1 0:1',
        '1 11:1',
        '1 2:1 2:1',
        '1 2:1 1:1',
        '1 3',
        '1 3:',
        '1 :3',
        '1 qid:3 1:1',
        '1,2 1:1',
        '1 1:256',
        '1 1:-1',
        '1 1:0.5',
        '1 1:1234567890123456',
        '1 1:1x',
        '1 12345678901:1',
        '.',
      ]) {
        const found = read(build, `1 1:1\n${line}\n1 1:1\n`, 0, { features: 10 });
        assert.equal(found.status, LibsvmStatus.hard, line);
        assert.deepEqual(found.result.slice(0, 3), [1, 6, 1], line);
      }
    });

    test('rows for which there is no room wait, one that is too long alone is left to the caller', () => {
      const text = '1 1:1 2:2\n1 1:1 2:2 3:3\n';
      for (const limits of [{ rows: 1 }, { words: 7 + 5 }, { values: 4 }]) {
        const { status, result } = read(build, text, 0, limits);
        assert.deepEqual([status, ...result.slice(0, 3)], [LibsvmStatus.full, 1, 10, 1]);
        const rest = read(build, text, 10, limits);
        assert.deepEqual([rest.status, ...rest.result.slice(0, 3)], [LibsvmStatus.more, 1, text.length, 1]);
      }
      assert.equal(read(build, text, 0, { values: 1 }).status, LibsvmStatus.hard);
      assert.equal(read(build, text, 0, { words: 5 }).status, LibsvmStatus.hard);
    });
  });

  if (build !== 'plain')
    test(`rows of LIBSVM text, ${build}: those of the reference`, () => {
      const number = fc.oneof(
        fc.integer({ min: -3, max: 300 }).map(String),
        fc.double({ noNaN: true, min: -1e3, max: 1e3 }).map((value) => value.toFixed(4)),
        fc.constantFrom('0', '-0', '+1', '1.', '.5', '', 'x', '1e2', '123456789012345', '1234567890123456'),
      );
      const pair = fc
        .tuple(fc.integer({ min: 0, max: 30 }), number)
        .map(([index, value]) => `${index}:${value}`);
      const blank = fc.constantFrom(' ', ' ', '  ', '\t', ' \r');
      const line = fc
        .tuple(
          number,
          fc.array(fc.tuple(blank, pair), { maxLength: 6 }),
          fc.boolean(),
          fc.constantFrom('', '#c', ' # 1:1', ' '),
        )
        .map(([label, pairs, sorted, end]) => {
          const given = sorted
            ? pairs.sort(([, a], [, b]) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
            : pairs;
          return `${label}${given.map(([before, each]) => before + each).join('')}${end}`;
        });
      fc.assert(
        fc.property(
          fc.array(line, { maxLength: 12 }),
          fc.constantFrom(0, 2, 3),
          fc.constantFrom(0, 1),
          fc.integer({ min: 5, max: 40 }),
          (lines, dtype, zero, features) => {
            const text = lines.map((each) => `${each}\n`).join('');
            // Past each row that is left to the caller, whatever number the rows before it have.
            for (let from = 0; from < text.length; ) {
              const found = read(build, text, from, { dtype, zero, features });
              assert.deepEqual(found, read('plain', text, from, { dtype, zero, features }));
              if (found.status === LibsvmStatus.more) break;
              from = text.indexOf('\n', found.result[LibsvmResult.consumed]!) + 1;
            }
          },
        ),
        { numRuns: 2000 },
      );
    });
}
