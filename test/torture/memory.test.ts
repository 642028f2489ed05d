import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { limitUnavailable } from '../support/limitedProcess.js';
import { DIGIT_BYTES, importJobs, kernelJobs, linearJobs, MemoryWorld } from '../support/memoryJobs.js';

/** MB. The data are at least a hundred times the largest: rows for linear models, the kernel matrix for kernels. */
const LINEAR = [0.8, 0.9, 1];
const KERNEL = [5, 5.5, 6];
const digits = Math.ceil((100 * LINEAR.at(-1)! * 1e6) / DIGIT_BYTES);
const kernelRows = Math.ceil(Math.sqrt((100 * KERNEL.at(-1)! * 1e6) / 4));
const timeout = 3_600_000;

describe('every verb under a real memory limit of Node + budget + 16 MB, data a hundred times the budget', {
  skip: limitUnavailable,
}, () => {
  const world = new MemoryWorld(mkdtempSync(join(tmpdir(), 'mlml-memory-')), { digits, kernelRows });
  before((t) => world.make(t as TestContext, true), { timeout });
  after(() => rmSync(world.folder, { recursive: true, force: true }));

  for (const [jobs, budgets] of [
    [linearJobs, LINEAR],
    [kernelJobs(world), KERNEL],
    [importJobs(world), [0]],
  ] as const) {
    for (const job of jobs) {
      for (const megabytes of budgets) {
        test(`${job.name}${megabytes === 0 ? '' : `, ${megabytes} MB`}`, { timeout }, async (t) => {
          t.diagnostic(await world.check(t, job, Math.max(megabytes * 1e6, job.budgetBytes ?? 0)));
        });
      }
    }
  }
});
