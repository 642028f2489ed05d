import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { classes, jobContext, jobOptions } from '../../../test/support/kernelTraining.js';
import { MlmlError } from '../../errors.js';
import { Arena } from '../../memory/arena.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { generateKernel } from '../job/generateKernel.js';
import type { KrrPick } from '../jobs.js';
import type { KernelTrainOptions } from '../options.js';
import { listKernels } from '../store/storeList.js';
import { planKernelTraining, trainKernel } from '../trainKernel.js';
import { type Choice, choose } from './choose.js';
import type { Speeds } from './speeds.js';

const SPEEDS: Speeds = { entries: 1e8, products: 1e10, floatProducts: 1e10, written: 1e9, read: 1e9 };
const rbf = { kernel: 'rbf', sigma: 2, reg: [0.3] };

/** A file system in memory with little room left. */
class SmallStorage extends MemoryStorage {
  readonly #free: number;

  constructor(free: number) {
    super();
    this.#free = free;
  }

  override async freeBytes(): Promise<number> {
    return this.#free;
  }
}

/** What krr chooses on a machine of these speeds. */
async function chosenWith(
  speeds: Partial<Speeds>,
  changes: Partial<KernelTrainOptions> = {},
  storage = new MemoryStorage(),
  n = 300,
  pick?: KrrPick,
): Promise<Choice> {
  const dataset = await classes(storage, 3, 'float32', n);
  const options = jobOptions({ ...rbf, tol: 1e-4, ...changes });
  const { context } = jobContext(storage);
  const memory = Arena.memory(options.bufferBytes);
  const held = pick === undefined ? context : { ...context, pick };
  return await choose(dataset, options, held, memory, async () => ({ ...SPEEDS, ...speeds }));
}

/** Seconds of each candidate, read from the reasons. */
function predictions(reasons: readonly string[]): { text: string; seconds: number; chosen: boolean }[] {
  return reasons.flatMap((text) => {
    const found = /: ([0-9.]+) (s|min) predicted/.exec(text);
    if (found === null) return [];
    return [
      { text, seconds: Number(found[1]) * (found[2] === 's' ? 1 : 60), chosen: text.includes('chosen') },
    ];
  });
}

describe('the choice', () => {
  test('is the least predicted, and says so', async () => {
    const kinds = new Set<string>();
    for (const speeds of [
      {},
      { entries: 1e3 },
      { written: 10, read: 1e9 },
      { products: 1e4, floatProducts: 1e4 },
      { entries: 1e4, written: 1e3, read: 1e3 },
    ]) {
      const { chosen, reasons, missingBytes } = await chosenWith(speeds);
      const told = predictions(reasons);
      assert.equal(told.length, 5);
      assert.equal(told.filter((candidate) => candidate.chosen).length, 1);
      const best = told.find((candidate) => candidate.chosen)!;
      for (const { seconds } of told) assert.ok(best.seconds <= seconds, `${best.text}; ${seconds} s`);
      assert.ok(chosen.solver !== 'nystrom');
      assert.equal(missingBytes > 0, chosen.stored);
      assert.ok(Math.abs(chosen.prediction.seconds - best.seconds) < 0.05 * best.seconds + 0.1);
      kinds.add(`${chosen.solver} ${chosen.stored}`);
    }
    assert.ok(kinds.size >= 2, [...kinds].join());
  });

  test('that was made before is kept, whatever is measured now, unless it does not fit', async () => {
    for (const solver of ['cg', 'bcd', 'closed'] as const) {
      for (const stored of [true, false]) {
        const pick = { solver, stored };
        const { chosen, reasons } = await chosenWith({}, {}, new MemoryStorage(), 300, pick);
        const told = predictions(reasons);
        const best = told.find((candidate) => candidate.chosen)!;
        if (told.some(({ seconds }) => seconds < best.seconds))
          assert.match(best.text, /: chosen by what was measured before$/);
        if (solver === 'closed' && !stored) assert.notEqual(chosen.solver, 'nystrom');
        else assert.deepEqual([chosen.solver, 'stored' in chosen && chosen.stored], [solver, stored]);
      }
    }
    const points: KrrPick = { solver: 'nystrom', stored: false };
    const few = await chosenWith({}, { centers: 20 }, new MemoryStorage(), 300, points);
    assert.equal(few.chosen.solver, 'nystrom');
    const none = await chosenWith({}, { centers: 200 }, new MemoryStorage(), 300, points);
    assert.notEqual(none.chosen.solver, 'nystrom');
    const full = await chosenWith({}, {}, new SmallStorage(1000), 300, { solver: 'cg', stored: true });
    assert.equal('stored' in full.chosen && full.chosen.stored, false);
  });

  test('a slow disk is not stored on, slow entries are stored', async () => {
    const slowDisk = (await chosenWith({ written: 1000, read: 1000 })).chosen;
    assert.ok(slowDisk.solver !== 'nystrom' && !slowDisk.stored);
    const slowEntries = (await chosenWith({ entries: 1e4 })).chosen;
    assert.ok(slowEntries.solver !== 'nystrom' && slowEntries.stored);
  });

  test('a kernel that does not fit the disk is left out, with the reason', async () => {
    const { chosen, reasons } = await chosenWith(
      { entries: 1e4, written: 0, read: 0 },
      {},
      new SmallStorage(1e5),
    );
    assert.ok(chosen.solver !== 'nystrom' && !chosen.stored);
    assert.ok(
      reasons.some((text) => /a stored kernel would take .* of the disk are free/.test(text)),
      reasons.join('\n'),
    );
    assert.equal(predictions(reasons).length, 2);
  });

  test('a factor that does not fit beside the kernel is left out, with the reason', async () => {
    // The lower triangle of 300 x 300 floats is some 200 kB, the factor as much again.
    const { reasons } = await chosenWith({}, {}, new SmallStorage(450_000));
    assert.ok(
      reasons.some((text) => /^closed.*its factor would take .* of the disk/.test(text)),
      reasons.join('\n'),
    );
    assert.ok(reasons.some((text) => /^cg on a stored kernel: .* predicted/.test(text)));
  });

  test('what does not fit the budget is left out; when nothing does, the error names one that does', async () => {
    const { reasons } = await chosenWith({}, { bufferBytes: 420_000 });
    assert.ok(
      reasons.some((text) => /does not fit --buffer/.test(text)),
      reasons.join('\n'),
    );
    let message = '';
    await assert.rejects(chosenWith({}, { bufferBytes: 290_000 }), (error) => {
      assert.ok(error instanceof MlmlError && error.code === 'MLML_BUDGET_TOO_SMALL', String(error));
      message = error.message;
      return true;
    });
    const bufferBytes = Math.round(Number(/needs at least ([0-9.]+) MB/.exec(message)![1]) * 1e6);
    await assert.rejects(chosenWith({}, { bufferBytes: bufferBytes - 1e4 }), {
      code: 'MLML_BUDGET_TOO_SMALL',
    });
    assert.ok((await chosenWith({}, { bufferBytes })).chosen.plan.plannedPeakBytes <= bufferBytes);
  });

  test('a budget too small to measure in is refused with one in which the solver fits too', async () => {
    const storage = new MemoryStorage();
    const dataset = await classes(storage, 3, 'float32', 300);
    const options = jobOptions({ ...rbf, tol: 1e-4, bufferBytes: 1000 });
    const { context } = jobContext(storage);
    let needed = 0;
    await assert.rejects(trainKernel('krr', dataset, options, context), (error) => {
      needed =
        1e6 * Number(/^krr on 300 rows .* needs at least ([0-9.]+) MB/.exec((error as Error).message)![1]);
      return true;
    });
    const given = { ...options, bufferBytes: Math.round(needed) };
    const { plan } = await trainKernel('krr', dataset, given, context);
    assert.ok(plan.plannedPeakBytes <= needed);
  });

  test('solvers that --passes allows no step are left out, with the reason', async () => {
    const { chosen, reasons } = await chosenWith({}, { passes: 2 });
    assert.equal(chosen.solver, 'cg');
    assert.ok(
      reasons.some((text) => /^bcd.*: --passes=2: bcd needs at least 4/.test(text)),
      reasons.join('\n'),
    );
    assert.notEqual((await chosenWith({}, { passes: 1 })).chosen.solver, 'cg');
    const tight = chosenWith({}, { passes: 1, bufferBytes: 300_000 });
    await assert.rejects(tight, { code: 'MLML_USAGE', message: /^--passes=1: cg needs at least 2/ });
  });

  test('inducing points where the whole system is out of reach', async () => {
    const slow = { entries: 1, products: 1e3, floatProducts: 1e3 };
    const { chosen, reasons, missingBytes } = await chosenWith(slow, { centers: 20 });
    assert.equal(chosen.solver, 'nystrom');
    assert.equal(missingBytes, 0);
    assert.ok(
      reasons.some((text) =>
        /nystrom on 20 centres: .* chosen, since the whole system is out of reach/.test(text),
      ),
    );
    // Quick enough: the whole system is solved, however quick they are.
    assert.notEqual((await chosenWith({}, { centers: 20 })).chosen.solver, 'nystrom');
    // Half of the rows stand for nothing.
    assert.notEqual((await chosenWith(slow, { centers: 150 })).chosen.solver, 'nystrom');
  });

  test('a memId is kept to, and costs nothing to make', async () => {
    const storage = new MemoryStorage();
    const dataset = await classes(storage, 3, 'float32', 300);
    const { context } = jobContext(storage);
    const options = jobOptions(rbf);
    const { memId } = await generateKernel(dataset, options, context);
    const memory = Arena.memory(options.bufferBytes);
    const speeds = async () => ({ ...SPEEDS, read: 1 });
    const { chosen, missingBytes, reasons } = await choose(
      dataset,
      { ...options, memId },
      context,
      memory,
      speeds,
    );
    assert.ok(chosen.solver !== 'nystrom' && chosen.stored && chosen.source.stored?.memId === memId);
    assert.equal(missingBytes, 0);
    assert.equal(chosen.prediction.generate, 0);
    assert.equal(predictions(reasons).length, 3);
    await assert.rejects(choose(dataset, { ...options, memId, subset: 200 }, context, memory, speeds), {
      code: 'MLML_MISMATCH',
    });
  });
});

describe('the run', () => {
  test('the second goes on with the kernel of the first; a killed one with its tiles', async () => {
    const storage = new MemoryStorage();
    const dataset = await classes(storage, 3, 'float32', 300);
    const options = jobOptions({ ...rbf, tile: 32 });
    const stop = new AbortController();
    const killed = jobContext(storage, stop.signal);
    const generating = generateKernel(dataset, options, {
      ...killed.context,
      onEvent: (event) => {
        if (event.type === 'progress' && event.done >= 20) stop.abort();
      },
    });
    await assert.rejects(generating);
    const [begun] = await listKernels(storage, options.kernels);
    assert.ok(begun!.tilesDone >= 20 && begun!.tilesDone < begun!.tiles, `${begun!.tilesDone} tiles`);
    const memory = () => Arena.memory(options.bufferBytes);
    const slow = async () => ({ ...SPEEDS, entries: 1e3 });
    const whole = (await chosenWith({ entries: 1e3 }, { tile: 32 })).missingBytes;
    const { context } = jobContext(storage);
    const goingOn = await choose(dataset, options, context, memory(), slow);
    assert.ok(
      goingOn.missingBytes > 0 && goingOn.missingBytes < 0.8 * whole,
      `${goingOn.missingBytes} of ${whole}`,
    );

    const { memId } = await generateKernel(dataset, options, context);
    assert.equal(memId, begun!.memId);
    const reused = await choose(dataset, options, context, memory(), slow);
    assert.equal(reused.missingBytes, 0);
    assert.ok(reused.chosen.solver !== 'nystrom' && reused.chosen.stored);

    // Reading what is there cannot be slower than nothing, so it is likely but not certain that it is read.
    const result = await trainKernel('krr', dataset, options, context);
    assert.equal(result.memId === undefined || result.memId === memId, true);
    const reference = await trainKernel('cg', dataset, options, context);
    assert.equal(result.test?.accuracy, reference.test?.accuracy);
    assert.ok(result.reasons.length >= 4);
    assert.match(result.reasons[0]!, /^measured with 1 thread: .* kernel entries\/s/);
  });

  test('aborted, and run again', async () => {
    const storage = new MemoryStorage();
    const dataset = await classes(storage, 3, 'float32', 300);
    const options = jobOptions({ ...rbf, tile: 32 });
    const stop = new AbortController();
    const job = jobContext(storage, stop.signal);
    const events: string[] = [];
    const context = {
      ...job.context,
      onEvent: (event: { readonly type: string }) => {
        events.push(event.type);
        if (event.type === 'progress' || event.type === 'pass') stop.abort();
      },
    };
    await assert.rejects(trainKernel('krr', dataset, options, context));
    assert.ok(events.includes('plan'));
    const again = await trainKernel('krr', dataset, options, jobContext(storage).context);
    assert.ok(again.residual < 1e-6);
    // No trial file, no lock is left.
    assert.deepEqual(
      storage.paths().filter((path) => /lock|speed|scratch/.test(path)),
      [],
    );
  });

  test('the plan has the reasons and what is written', async () => {
    const storage = new MemoryStorage();
    const dataset = await classes(storage, 3, 'float32');
    const { context } = jobContext(storage);
    const plan = await planKernelTraining('krr', dataset, jobOptions(rbf), context);
    assert.match(plan.job, /^krr by (cg|closed|bcd) on 90 rows/);
    assert.ok(plan.notes.some((note) => /chosen$/.test(note)));
    assert.ok(plan.plannedPeakBytes <= 4e6);
    assert.equal(await storage.status('/kernels'), undefined, 'planning leaves nothing');
  });

  test('every budget that a plan names is enough to measure and to train', async () => {
    const storage = new MemoryStorage();
    const dataset = await classes(storage, 3, 'float32');
    let bufferBytes = 100_000;
    for (let tries = 0; ; tries++) {
      assert.ok(tries < 3, 'the budget named twice is not enough');
      try {
        const { test: quality } = await trainKernel(
          'krr',
          dataset,
          jobOptions({ ...rbf, bufferBytes }),
          jobContext(storage).context,
        );
        assert.ok(quality!.accuracy! > 0.5);
        break;
      } catch (error) {
        assert.ok(error instanceof MlmlError && error.code === 'MLML_BUDGET_TOO_SMALL', String(error));
        bufferBytes = Math.round(Number(/needs at least ([0-9.]+) MB/.exec(error.message)![1]) * 1e6);
      }
    }
    assert.ok(bufferBytes < 1e6);
  });
});
