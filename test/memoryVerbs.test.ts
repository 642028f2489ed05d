import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { limitUnavailable } from './support/limitedProcess.js';
import { importJobs, linearJobs, MemoryWorld } from './support/memoryJobs.js';

/**
 * What memoryBudget and kernelBudget leave out, on small data; all verbs, three budgets and a hundred times the data are in
 * the long suite (test/torture/memory.test.ts).
 */
describe('the other verbs under a real memory limit', { skip: limitUnavailable }, () => {
  const sizes = { digits: 12_000, kernelRows: 0 };
  const world = new MemoryWorld(mkdtempSync(join(tmpdir(), 'mlml-memory-')), sizes);
  before((t) => world.make(t as TestContext, false));
  after(() => rmSync(world.folder, { recursive: true, force: true }));

  const jobs = linearJobs.filter((job) => /^(predict|evaluate|info|sgd)/.test(job.name));
  for (const job of jobs)
    test(job.name, (t) => world.check(t, job, 0.6e6).then((told) => t.diagnostic(told)));
  for (const job of importJobs(world).filter(({ name }) => /digits|raw|array|table/.test(name)))
    test(job.name, (t) => world.check(t, job, job.budgetBytes ?? 0).then((told) => t.diagnostic(told)));
});
