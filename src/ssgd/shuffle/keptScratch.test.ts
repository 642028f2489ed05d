import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';
import {
  numberAt,
  openNumberedRows,
  runPlan,
  writeNumberedRows,
} from '../../../test/support/shuffleFixture.js';
import { loadKernels } from '../../arithmetic/kernels.js';
import type { RowBlock } from '../../data/rowBlock.js';
import { Arena } from '../../memory/arena.js';
import { Random } from '../../memory/random.js';
import { removeLeftovers } from '../../storage/leftovers.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { scatterPlan } from './planScatter.js';
import { keptRegions, openRowStream, type RowStream } from './rowStream.js';
import type { ScatterState } from './scatterStream.js';
import type { ShufflePlan } from './shufflePlan.js';

const STATES = '/run/checkpoint';
let dead = 0;

/** A state as it lies on the disk: where the job stood, what the stream said, the kept regions. */
interface Saved {
  readonly epoch: number;
  readonly row: number;
  readonly shuffle: unknown;
  readonly regions: ReadonlyMap<string, Uint8Array>;
  readonly sequence: number;
}

/** A job that reads rows in small steps, saves and is killed. */
class Reader {
  readonly storage = new MemoryStorage();
  /** Runs that had a state and shuffled the rows again all the same. */
  replays = 0;
  /** Order of each epoch, as far as rows have been used for good. */
  orders: number[][] = [];
  saved: Saved | undefined;
  readonly #plan: ShufflePlan;
  readonly #random: Random;

  constructor(plan: ShufflePlan, seed: number) {
    this.#plan = plan;
    this.#random = Random.of(seed, 77);
  }

  /** Runs until about `rows` rows have been used, or to the end; saves now and then; true at the end. */
  async run(rows: number): Promise<boolean> {
    const { storage, saved } = this;
    const { rowBytes, epochs } = this.#plan;
    const file = await openNumberedRows(storage, '/data/rows', this.#plan.rows, rowBytes);
    const arena = new Arena(this.#plan.regions);
    for (const [name, bytes] of saved?.regions ?? []) arena.uint8(name).set(bytes);
    let sequence = saved?.sequence ?? 0;
    let read = 0;
    const stream = await openRowStream(this.#plan, file, arena, loadKernels(arena.memory), {
      storage,
      scratchFolder: '/scratch',
      seed: 1,
      keep: { folder: STATES, sequence: () => sequence },
      onProgress: () => read++,
      ...(saved === undefined ? {} : { start: saved.epoch, from: saved.shuffle }),
    });
    if (read > 0 && saved !== undefined) this.replays++;
    this.orders = this.orders.slice(0, (saved?.epoch ?? 0) + 1);
    this.orders[saved?.epoch ?? 0] = (this.orders[saved?.epoch ?? 0] ?? []).slice(0, saved?.row ?? 0);
    let used = 0;
    const save = async (epoch: number, row: number) => {
      const shuffle = JSON.parse(JSON.stringify((await stream.state?.()) ?? null)) ?? undefined;
      const regions = new Map(keptRegions(this.#plan).map((name) => [name, arena.uint8(name).slice()]));
      sequence++;
      this.saved = { epoch, row, shuffle, regions, sequence };
      await (await storage.create(`${STATES}/state-0`)).close();
      await stream.saved?.(sequence);
    };
    for (let epoch = saved?.epoch ?? 0; epoch < epochs; epoch++) {
      const order = this.orders[epoch] ?? [];
      this.orders[epoch] = order;
      for await (const block of stream.epoch(epoch, order.length)) {
        for (let at = block.from; at < block.to; ) {
          const step = Math.min(block.to - at, 1 + this.#random.below(9));
          for (let i = 0; i < step; i++) order.push(rowOf(arena, block, at + i, rowBytes));
          at += step;
          used += step;
          if (this.#random.below(12) === 0) await save(epoch, order.length);
          if (used >= rows) return this.#die(stream);
        }
      }
      if (this.#random.below(2) === 0) await save(epoch, order.length);
    }
    await stream.close();
    await file.close();
    return true;
  }

  /** Nothing more happens; what the process left is that of a dead one. */
  async #die(_stream: RowStream): Promise<boolean> {
    for (const name of await this.storage.list('/scratch'))
      if (!name.includes('999999999'))
        await this.storage.rename(
          `/scratch/${name}`,
          `/scratch/.mlml-scratch-${hostname()}-999999999-1-${dead++}`,
        );
    return false;
  }
}

function rowOf(arena: Arena, { base, order }: RowBlock, i: number, rowBytes: number): number {
  const row = order === 0 ? i : new Uint32Array(arena.buffer)[(order >>> 2) + i]!;
  return numberAt(new Uint8Array(arena.buffer), base + row * rowBytes, rowBytes);
}

const rows = 700;
const rowBytes = 57;
const plans = (['epoch', 'once'] as const).flatMap((reshuffle) =>
  [1, 2, 3].flatMap((depth) =>
    [2, 5, 9].flatMap((buckets) =>
      [false, true].map((direct) => {
        const request = { algo: 'external_shuffle', rows, rowBytes, epochs: 4, reshuffle } as const;
        const chunkBytes = direct ? 4096 : 3 * rowBytes;
        const plan = scatterPlan(request, { depth, buckets, direct, chunkBytes });
        return { name: `${reshuffle}, ${depth} levels of ${buckets}${direct ? ', direct' : ''}`, plan };
      }),
    ),
  ),
);

async function prepared(plan: ShufflePlan, seed: number) {
  const reader = new Reader(plan, seed);
  await writeNumberedRows(reader.storage, '/data/rows', rows, rowBytes);
  return reader;
}

test('killed at random places, again and again: the rows of an unbroken run, none twice, and the scratch is used again', async () => {
  let [kills, replays] = [0, 0];
  for (const [seed, { name, plan }] of plans.entries()) {
    const wanted = (await runPlan(plan)).orders;
    const random = Random.of(seed, 5);
    const reader = await prepared(plan, seed);
    while (!(await reader.run(1 + random.below(900)))) {
      kills++;
    }
    assert.deepEqual(reader.orders, wanted, name);
    assert.deepEqual(await reader.storage.list('/scratch'), [], name);
    replays += reader.replays;
  }
  assert.ok(kills > 100, `${kills} kills`);
  assert.equal(replays, 0, `of ${kills} runs`);
});

test('many epochs and hundreds of kills lose no extent of the scratch file', async () => {
  const request = { algo: 'external_shuffle', rows, rowBytes, epochs: 40, reshuffle: 'epoch' } as const;
  for (const depth of [1, 2]) {
    const plan = scatterPlan(request, { depth, buckets: 4, direct: false, chunkBytes: 2 * rowBytes });
    const reader = await prepared(plan, depth);
    let kills = 0;
    for (let used = 400; !(await reader.run(used)); kills++) used = 150;
    assert.ok(kills > 100, `${kills} kills`);
    assert.deepEqual(reader.orders, (await runPlan(plan)).orders);
    assert.equal(reader.replays, 0);
  }
});

interface KilledJob {
  readonly reader: Reader;
  readonly plan: ShufflePlan;
  /** Of its scratch. */
  readonly folder: string;
}

/** A reader that was killed some time after a state in the second epoch. */
async function killed(seed: number): Promise<KilledJob> {
  const { plan } = plans[2]!;
  const reader = await prepared(plan, seed);
  for (let used = 900; reader.saved === undefined || reader.saved.epoch < 1; used += 50) {
    assert.equal(await reader.run(used), false);
  }
  const [name] = await reader.storage.list('/scratch');
  return { reader, plan, folder: `/scratch/${name}` };
}

/** Goes on; `replays`: whether the rows must be shuffled again. */
async function assertGoesOn({ reader, plan }: KilledJob, replays: number) {
  assert.equal(await reader.run(Number.POSITIVE_INFINITY), true);
  assert.deepEqual(reader.orders, (await runPlan(plan)).orders);
  assert.equal(reader.replays, replays);
  assert.deepEqual(await reader.storage.list('/scratch'), []);
}

test('scratch that is not certainly that of the state is not believed: the shuffle is repeated', async () => {
  await assertGoesOn(await killed(1), 0);
  const change = async (what: (job: KilledJob, state: ScatterState) => Promise<void>) => {
    const job = await killed(1);
    const { saved } = job.reader;
    await what(job, saved!.shuffle as ScatterState);
    await assertGoesOn(job, 1);
  };
  const mark = (job: KilledJob, changes: object) => {
    const { saved } = job.reader;
    const state = saved!.shuffle as ScatterState;
    job.reader.saved = { ...saved!, shuffle: { ...state, scratch: { ...state.scratch, ...changes } } };
  };
  // It is gone; it was cut; a byte has changed; it is of another job or boot.
  await change(async ({ reader, folder }) => await reader.storage.remove(folder));
  await change(async ({ reader, folder }, { scratch }) => {
    const bytes = reader.storage.bytesOf(`${folder}/level0.rows`).slice(0, scratch.bytes - 1);
    await (await reader.storage.create(`${folder}/level0.rows`)).write(bytes, 0);
  });
  await change(async ({ reader, folder }, { scratch }) => {
    const bytes = reader.storage.bytesOf(`${folder}/level0.rows`).slice();
    bytes[scratch.samples[2]!.position + 7]! ^= 1;
    await (await reader.storage.create(`${folder}/level0.rows`)).write(bytes, 0);
  });
  await change(async (job) => mark(job, { id: 'another' }));
  await change(async (job) => mark(job, { boot: 'another' }));
  await change(async ({ reader, folder }) => await reader.storage.remove(`${folder}/kept.json`));
  // A later state was on the disk, and is damaged now: what it let go may have been overwritten.
  await change(async ({ reader }) => {
    reader.saved = { ...reader.saved!, sequence: reader.saved!.sequence - 1 };
  });
  // The state was written, its word to the scratch not any more: nothing has been overwritten.
  const early = await killed(1);
  const kept = `${early.folder}/kept.json`;
  const told = JSON.parse(new TextDecoder().decode(early.reader.storage.bytesOf(kept)));
  const before = new TextEncoder().encode(JSON.stringify({ ...told, sequence: told.sequence - 1 }));
  await (await early.reader.storage.create(kept)).write(before, 0);
  await assertGoesOn(early, 0);
});

test('where the disk has no room for it, scratch is not kept', async () => {
  const { plan } = plans[2]!;
  const reader = await prepared(plan, 3);
  reader.storage.freeBytes = async () => plan.scratchBytes + plan.keptBytes - 1;
  while (!(await reader.run(600))) {
    for (const name of await reader.storage.list('/scratch'))
      assert.equal(await reader.storage.status(`/scratch/${name}/kept.json`), undefined);
    await reader.storage.remove('/scratch');
  }
  assert.deepEqual(reader.orders, (await runPlan(plan)).orders);
});

test('kept scratch of a dead process stays as long as states count on it', async () => {
  const { reader, folder } = await killed(4);
  await removeLeftovers(reader.storage, '/scratch');
  assert.notEqual(await reader.storage.status(`${folder}/level0.rows`), undefined);
  await reader.storage.remove(STATES);
  await removeLeftovers(reader.storage, '/scratch');
  assert.deepEqual(await reader.storage.list('/scratch'), []);
});
