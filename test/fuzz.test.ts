import { describe, test } from 'node:test';
import { arrayTargets } from './support/fuzz/arrayTargets.js';
import { commandTargets } from './support/fuzz/commandTargets.js';
import { duckdbTargets, sqliteTargets } from './support/fuzz/databaseTargets.js';
import { formatTargets } from './support/fuzz/formatTargets.js';
import { fuzz } from './support/fuzz/fuzz.js';
import { importTargets } from './support/fuzz/importTargets.js';
import { modelTargets } from './support/fuzz/modelTargets.js';
import { tableTargets } from './support/fuzz/tableTargets.js';

/** The long suite (test/torture/fuzz.test.ts) has a hundred times as many. */
const CASES = 60;
const SEED = 20161;

describe('what others wrote is read right or refused in one line', () => {
  for (const target of [
    ...importTargets,
    ...tableTargets,
    ...arrayTargets,
    ...formatTargets,
    ...modelTargets,
    ...sqliteTargets,
    ...commandTargets,
  ]) {
    test(`${target.name}: ${CASES} cases`, async () => {
      await fuzz(target, CASES, SEED);
    });
  }

  for (const target of duckdbTargets)
    test(`${target.name}: 4 cases`, async () => {
      await fuzz(target, 4, SEED);
    });
});
