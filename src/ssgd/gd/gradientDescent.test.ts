import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DescentSettings, gradientDescent } from './gradientDescent.js';
import type { SmoothObjective } from './smoothObjective.js';

/** ½Σ hⱼ(wⱼ − 1)²: curvatures h, minimiser 1. */
function bowl(curvatures: readonly number[]): SmoothObjective {
  return {
    bytesRead: 0,
    passes: 0,
    async evaluate(vector, gradient) {
      let value = 0;
      for (const [j, h] of curvatures.entries()) {
        gradient[j] = h * (vector[j]! - 1);
        value += 0.5 * h * (vector[j]! - 1) ** 2;
      }
      return value;
    },
    curvature: async () => Math.max(...curvatures),
    model: (vector) => ({ weights: vector.slice(), intercept: new Float64Array() }),
  };
}

async function descend(curvatures: readonly number[], given: Partial<DescentSettings>) {
  const d = curvatures.length;
  const [w, gradient, velocity, best, ahead] = Array.from({ length: 5 }, () => new Float64Array(d)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const halved: number[] = [];
  const result = await gradientDescent(
    bowl(curvatures),
    { w, gradient, velocity, best, ahead },
    {
      eta0: 1 / Math.max(...curvatures),
      automatic: true,
      schedule: () => 1,
      momentum: 0.9,
      nesterov: false,
      l1: 0,
      penalised: d,
      iterations: 5000,
      onIteration: () => {},
      onHalved: (_iteration, rate) => halved.push(rate),
      ...given,
    },
  );
  return { ...result, w, halved };
}

for (const nesterov of [false, true]) {
  test(`${nesterov ? 'Nesterov' : 'heavy ball'} finds the bottom and says that it has converged`, async () => {
    const { w, converged, iterations, halved } = await descend([1, 0.1, 0.01], { nesterov });
    assert.ok(converged && iterations < 5000);
    assert.deepEqual(halved, []);
    for (const value of w) assert.ok(Math.abs(value - 1) < 1e-7);
  });
}

test('an automatic rate a thousand times too large is halved about ten times, and the bottom found', async () => {
  const { w, halved } = await descend([1, 0.1], { eta0: 1000 });
  assert.ok(halved.length >= 7 && halved.length <= 12, `${halved.length} halvings`);
  for (const value of w) assert.ok(Math.abs(value - 1) < 1e-6);
});

test('a given rate that is too large is an error, not a loop', async () => {
  await assert.rejects(descend([1, 0.1], { eta0: 1000, automatic: false }), { code: 'MLML_DIVERGED' });
});

test('the l1 penalty moves each weight by l1/h towards zero, and no further', async () => {
  const { w } = await descend([1, 0.1], { l1: 0.2 });
  assert.ok(Math.abs(w[0]! - 0.8) < 1e-6);
  assert.equal(Math.abs(w[1]!), 0);
});
