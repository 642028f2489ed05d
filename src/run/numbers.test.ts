import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatCount, formatLoss, formatQuality, formatSeconds } from './numbers.js';

test('counts in groups of three', () => {
  assert.deepEqual([0, 999, 1000, 1234567.4].map(formatCount), ['0', '999', '1 000', '1 234 567']);
});

test('losses with four digits, with an exponent only where it is shorter', () => {
  assert.deepEqual([0, 0.5, 123.456, -2, 0.00012, 0.00001, 1e6, Number.NaN, Infinity].map(formatLoss), [
    '0.000',
    '0.5000',
    '123.5',
    '-2.000',
    '0.0001200',
    '1.000e-5',
    '1.000e+6',
    'NaN',
    'Infinity',
  ]);
});

test('times from hundredths of seconds to hours', () => {
  assert.deepEqual([0, 1.234, 59.94, 60, 3599, 3600, 90_061, Infinity].map(formatSeconds), [
    '0.00 s',
    '1.23 s',
    '59.9 s',
    '1:00 min',
    '59:59 min',
    '1:00:00 h',
    '25:01:01 h',
    '?',
  ]);
});

test('accuracy for classes, rmse and r2 for regression', () => {
  assert.equal(formatQuality({ accuracy: 0.86041 }), 'accuracy 86.04 %');
  assert.equal(formatQuality({ rmse: 4.5, r2: -0.1 }), 'rmse 4.500, r2 -0.1000');
  assert.equal(formatQuality({ rmse: 4.5 }), 'rmse 4.500');
  assert.equal(formatQuality({}), '');
});
