import { describe, test } from 'node:test';
import { arrayTargets } from '../support/fuzz/arrayTargets.js';
import { commandTargets } from '../support/fuzz/commandTargets.js';
import { duckdbTargets, sqliteTargets } from '../support/fuzz/databaseTargets.js';
import { formatTargets } from '../support/fuzz/formatTargets.js';
import { fuzz } from '../support/fuzz/fuzz.js';
import { importTargets } from '../support/fuzz/importTargets.js';
import { modelTargets } from '../support/fuzz/modelTargets.js';
import { tableTargets } from '../support/fuzz/tableTargets.js';

/** Of each target; together with the others more than 100 000. */
const CASES = Number(process.env['MLML_TORTURE_CASES'] ?? 4000);
/** Another one each time; a failure tells which it was. */
const SEED = Number(process.env['MLML_TORTURE_SEED'] ?? Date.now() % 2 ** 31);

describe('what others wrote is read right or refused in one line', () => {
  for (const target of [
    ...importTargets,
    ...tableTargets,
    ...arrayTargets,
    ...formatTargets,
    ...modelTargets,
    ...sqliteTargets,
    ...duckdbTargets,
    ...commandTargets,
  ]) {
    test(`${target.name}: ${CASES} cases, seed ${SEED}`, { timeout: 3_600_000 }, async (t) => {
      const { cases, taken } = await fuzz(target, CASES, SEED);
      t.diagnostic(`${cases} cases, ${taken} of them taken, the others refused`);
    });
  }
});
