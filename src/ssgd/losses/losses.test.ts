import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Random } from '../../memory/random.js';
import { lossNames } from '../options.js';
import { lossOf } from './losses.js';

for (const name of lossNames) {
  const loss = lossOf(name);
  describe(`loss ${name}`, () => {
    for (const task of loss.tasks) {
      for (const k of task === 'regression' ? [1] : [2, 3, 7]) {
        test(`${task}, k=${k}: slopes are the derivatives of the loss (central differences)`, () => {
          const columns = loss.columns(task, k);
          const rows = 6;
          const random = Random.of(7, k);
          const scores = Float64Array.from({ length: rows * columns }, () => 2 * random.normal());
          const labels = Float64Array.from({ length: rows }, () =>
            task === 'regression' ? random.normal() : random.below(k),
          );
          const slopes = new Float64Array(scores.length);
          loss.evaluate(scores, rows, columns, labels, slopes);
          const scratch = new Float64Array(scores.length);
          const h = 1e-6;
          for (let i = 0; i < scores.length; i++) {
            const at = (shift: number) => {
              const moved = scores.slice();
              moved[i]! += shift;
              return loss.evaluate(moved, rows, columns, labels, scratch);
            };
            const difference = (at(h) - at(-h)) / (2 * h);
            assert.ok(
              Math.abs(difference - slopes[i]!) < 1e-6,
              `score ${i}: ${difference} is not ${slopes[i]}`,
            );
          }
        });

        test(`${task}, k=${k}: slopes may overwrite the scores, floats agree with doubles`, () => {
          const columns = loss.columns(task, k);
          const random = Random.of(8, k);
          const scores = Float64Array.from({ length: 5 * columns }, () => Math.fround(random.normal()));
          const labels = Float64Array.from({ length: 5 }, () =>
            task === 'regression' ? random.normal() : random.below(k),
          );
          const slopes = new Float64Array(scores.length);
          const sum = loss.evaluate(scores, 5, columns, labels, slopes);
          const floats = Float32Array.from(scores);
          const inPlace = loss.evaluate(floats, 5, columns, labels, floats);
          assert.ok(Math.abs(sum - inPlace) < 1e-5);
          for (let i = 0; i < slopes.length; i++) assert.ok(Math.abs(slopes[i]! - floats[i]!) < 1e-6);
        });
      }
    }

    test('a score that is not a number makes the loss not a number', () => {
      const columns = loss.columns(loss.tasks[0]!, 3);
      const scores = new Float64Array(columns).fill(Number.NaN);
      assert.ok(Number.isNaN(loss.evaluate(scores, 1, columns, new Float64Array(1), scores)));
    });
  });
}

/** Literal values from the definitions, computed by hand. */
const literals: readonly [(typeof lossNames)[number], number[], number, number, number[]][] = [
  ['ridge', [0.5, 0.25], 0, 0.15625, [-0.5, 0.25]],
  ['softmax', [1, 1], 1, Math.LN2, [0.5, -0.5]],
  ['logistic', [0], 1, Math.LN2, [-0.5]],
  ['logistic', [800], 0, 800, [1]],
  ['logistic', [800], 1, 0, [0]],
  ['hinge', [0.25], 1, 0.75, [-1]],
  ['hinge', [2], 0, 3, [1]],
  ['squared_hinge', [0.5], 1, 0.25, [-1]],
  ['huber', [3], 0, 2.5, [1]],
];
for (const [name, scores, label, value, slopes] of literals) {
  test(`${name} of ${scores} for label ${label} is ${value}`, () => {
    const given = Float64Array.from(scores);
    const sum = lossOf(name).evaluate(given, 1, scores.length, Float64Array.of(label), given);
    assert.ok(Math.abs(sum - value) < 1e-12, `${sum}`);
    for (const [i, slope] of slopes.entries()) assert.ok(Math.abs(given[i]! - slope) < 1e-12);
  });
}
