import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SampleRandom } from './sampleRandom.js';

const COUNT = 100_000;

function moments(draw: (random: SampleRandom) => number) {
  const random = new SampleRandom();
  let sum = 0;
  let squares = 0;
  let least = Infinity;
  let most = -Infinity;
  for (let i = 0; i < COUNT; i++) {
    // A few draws of each of many streams: the start must mix well, not only the steps.
    if (i % 10 === 0) random.start(1, i);
    const x = draw(random);
    sum += x;
    squares += x * x;
    least = Math.min(least, x);
    most = Math.max(most, x);
  }
  const mean = sum / COUNT;
  return { mean, variance: squares / COUNT - mean * mean, least, most };
}

test('bell has mean 0, variance 1 and bounded tails', () => {
  const { mean, variance, least, most } = moments((random) => random.bell());
  assert.ok(Math.abs(mean) < 0.015, `mean ${mean}`);
  assert.ok(Math.abs(variance - 1) < 0.02, `variance ${variance}`);
  assert.ok(least > -3.5 && least < -2.9 && most < 3.5 && most > 2.9, `${least} to ${most}`);
});

test('uniform and signed fill their intervals', () => {
  const uniform = moments((random) => random.uniform());
  assert.ok(Math.abs(uniform.mean - 0.5) < 0.005 && Math.abs(uniform.variance - 1 / 12) < 0.002);
  assert.ok(uniform.least >= 0 && uniform.least < 0.001 && uniform.most < 1 && uniform.most > 0.999);
  const signed = moments((random) => random.signed());
  assert.ok(Math.abs(signed.mean) < 0.01 && Math.abs(signed.variance - 1 / 3) < 0.005);
  assert.ok(signed.least >= -1 && signed.least < -0.999 && signed.most < 1 && signed.most > 0.999);
});

test('below is uniform over the first draws of successive samples', () => {
  const random = new SampleRandom();
  const counts = new Array<number>(7).fill(0);
  for (let index = 0; index < 70_000; index++) {
    random.start(9, index);
    counts[random.below(7)]! += 1;
  }
  const chiSquare = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
  // 22.5 is the 99.9 % point of chi-square with 6 degrees of freedom.
  assert.ok(chiSquare < 22.5, `chi-square ${chiSquare} of ${counts}`);
});

test('starting again repeats the stream', () => {
  const random = new SampleRandom();
  random.start(4, 8);
  const first = [random.int32(), random.int32(), random.int32()];
  random.start(4, 9);
  assert.notEqual(random.int32(), first[0]);
  random.start(4, 8);
  assert.deepEqual([random.int32(), random.int32(), random.int32()], first);
});
