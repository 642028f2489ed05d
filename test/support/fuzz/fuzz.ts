import assert from 'node:assert/strict';
import fc from 'fast-check';
import { errorReport } from '../../../src/cli/errorReport.js';
import { MlmlError } from '../../../src/errors.js';
import { collectGarbage } from '../../../src/memory/collectGarbage.js';
import { mutated, mutationsOf } from './mutations.js';

/** Something that reads what others wrote. */
export interface FuzzTarget {
  readonly name: string;
  /**
   * Cases: anything fast-check makes; most are mutations of whole files. `run` reads one, throws the MlmlError it met, and
   * asserts that what was taken is what the bytes say. It returns true when it was taken.
   */
  readonly cases: fc.Arbitrary<unknown>;
  run(given: never): Promise<boolean>;
}

/** Longest time of one case on a busy machine; what hangs takes for ever. */
const LONGEST_MS = 20_000;
/** Bytes that one case may take, in buffers and on the heap, for input of a few kilobytes. */
const MOST_BYTES = 48e6;
const LONGEST_MESSAGE = 2000;

export interface FuzzResult {
  readonly cases: number;
  readonly taken: number;
}

/** Half of the cases are mutations of one of the files, the others any bytes, alone or after the start of a file. */
export function bytesLike(bases: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const base = fc.nat(bases.length - 1);
  const any = fc.uint8Array({ maxLength: 300 });
  return fc.oneof(
    {
      weight: 8,
      arbitrary: fc
        .tuple(base, base, mutationsOf)
        .map(([from, other, mutations]) => mutated(bases[from]!, mutations, bases[other]!)),
    },
    { weight: 1, arbitrary: any },
    {
      weight: 1,
      arbitrary: fc.tuple(base, fc.nat(200), any).map(([from, length, tail]) => {
        const head = bases[from]!.subarray(0, length);
        const joined = new Uint8Array(head.length + tail.length);
        joined.set(head);
        joined.set(tail, head.length);
        return joined;
      }),
    },
  );
}

/**
 * Runs a target on so many cases: each ends, in time and in bounded memory, with data that are right or with one clear error.
 * A failure names its seed and the smallest case that fast-check finds.
 */
export async function fuzz(target: FuzzTarget, cases: number, seed: number): Promise<FuzzResult> {
  let taken = 0;
  let done = 0;
  await fc.assert(
    fc.asyncProperty(target.cases, async (given) => {
      const before = process.memoryUsage();
      let timer: NodeJS.Timeout | undefined;
      const tooLong = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`no end after ${LONGEST_MS} ms`)), LONGEST_MS);
      });
      try {
        if (await Promise.race([target.run(given as never), tooLong])) taken++;
      } catch (error) {
        assertClear(error);
      } finally {
        clearTimeout(timer);
      }
      const after = process.memoryUsage();
      const grown = after.arrayBuffers + after.heapUsed - before.arrayBuffers - before.heapUsed;
      assert.ok(grown < MOST_BYTES, `took ${grown} bytes`);
      // The engine does not see how large the memories are that runs leave behind.
      if (++done % 16 === 0) collectGarbage('major');
    }),
    { numRuns: cases, seed, includeErrorInReport: true },
  );
  return { cases, taken };
}

/** One line that is no bug of ours and no stack trace. */
export function assertClear(error: unknown): void {
  if (!(error instanceof MlmlError)) throw error;
  assert.notEqual(error.code, 'MLML_INTERNAL', error.message);
  const { text } = errorReport(error, undefined, false);
  assert.ok(text.length < LONGEST_MESSAGE, `a message of ${text.length} letters: ${text.slice(0, 300)}`);
  assert.equal(text.trimEnd().split('\n').length, 1, text);
  assert.ok(!/\n\s+at /.test(text), text);
}
