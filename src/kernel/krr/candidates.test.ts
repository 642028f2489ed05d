import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Candidate, type Job, predict, predictNystrom, quickest } from './candidates.js';
import type { Speeds } from './speeds.js';

const speeds: Speeds = { entries: 1e8, products: 1e10, floatProducts: 1e10, written: 1e9, read: 2e9 };
const job: Job = { n: 10_000, width: 10, scored: 1000, storeBytes: 2e8, missingBytes: 2e8 };
const cg: Candidate = {
  solver: 'cg',
  stored: true,
  passes: 20,
  bytesPerPass: 2e8,
  scratchBytes: 0,
  flops: 0,
  floats: false,
};
const near = (found: number, wanted: number) =>
  assert.ok(Math.abs(found - wanted) < 1e-3 * wanted, `${found} instead of ${wanted}`);

test('a stored kernel: made once, then the slower of products and disk in each pass', () => {
  const { generate, solve, score, seconds } = predict(cg, job, speeds);
  near(generate, 0.5);
  // 1e9 multiply-adds at 1e10/s, 2e8 bytes at 2e9/s: both take 0.1 s.
  near(solve, 2);
  near(score, 0.1);
  near(seconds, 2.6);
  near(predict(cg, job, { ...speeds, read: 1e9 }).solve, 4);
  near(predict(cg, job, { ...speeds, written: 1e8 }).generate, 2);
});

test('a kernel that is there costs nothing to make, one half there half', () => {
  assert.equal(predict(cg, { ...job, missingBytes: 0 }, speeds).generate, 0);
  near(predict(cg, { ...job, missingBytes: 1e8 }, speeds).generate, 0.25);
});

test('a kernel that is computed is computed in each pass', () => {
  const { generate, solve } = predict({ ...cg, stored: false, bytesPerPass: 1e6 }, job, speeds);
  assert.equal(generate, 0);
  near(solve, 20 * (0.1 + 0.5));
});

test('work of the solver and its files overlap; the slower counts', () => {
  const own = { ...cg, passes: 0, flops: 5e10 };
  near(predict(own, job, speeds).solve, 2);
  near(predict({ ...own, scratchBytes: 5e9 }, job, speeds).solve, 5);
});

test('a disk that could not be measured is taken for a slow one', () => {
  const { generate, solve } = predict(cg, { ...job, missingBytes: 0 }, { ...speeds, written: 0, read: 0 });
  assert.equal(generate, 0);
  near(solve, 20 * (2e8 / 2e8));
});

test('inducing points grow with n times m', () => {
  near(predictNystrom(1000, 1e10, job, speeds).seconds, 0.1 + 0.5 + 0.01);
});

test('the least time wins, the first of equals', () => {
  const of = (seconds: number) => ({ prediction: { seconds, generate: 0, solve: seconds, score: 0 } });
  const [a, b, c] = [of(3), of(1), of(1)];
  assert.equal(quickest([a, b, c]), b);
  assert.equal(quickest([]), undefined);
});
