import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { before, describe, test } from 'node:test';
import { MlmlError } from '../src/errors.js';
import { Random } from '../src/memory/random.js';
import { FaultyStorage } from '../src/storage/faultyStorage.js';
import { MemoryStorage } from '../src/storage/memoryStorage.js';
import { readJson, readText } from '../src/storage/textFile.js';
import { commandOn } from './support/memoryCommand.js';

/** A disk in memory with a copy of everything on another. */
async function copyOf(source: MemoryStorage): Promise<MemoryStorage> {
  const copy = new MemoryStorage();
  for (const path of source.paths()) {
    const file = await copy.create(path);
    await file.write(source.bytesOf(path), 0);
    await file.close();
  }
  return copy;
}

/** Counts the operations that change the disk; from number `last` on the process is dead and none happens any more. */
function dyingStorage(disk: MemoryStorage, last: number) {
  const seen = { changes: 0, dead: false };
  const storage = new FaultyStorage(disk, ({ kind }) => {
    if (!seen.dead && (kind === 'read' || seen.changes++ < last)) return;
    seen.dead = true;
    throw new MlmlError('MLML_IO', 'killed');
  });
  return { storage, seen };
}

let deadNames = 0;
const deadName = () => `.mlml-scratch-${hostname()}-999999999-1-${deadNames++}`;

/** Runs a command until it has changed the disk so often; true when it was killed then. */
async function runAndDie(disk: MemoryStorage, words: readonly string[], last: number): Promise<boolean> {
  const { storage, seen } = dyingStorage(disk, last);
  await commandOn(storage, words).catch((error) => {
    if (!seen.dead) throw error;
  });
  // This process lives on, where one was killed: what it leaves is made that of a dead one.
  for (const name of await disk.list('/w/runs'))
    if (/^\.mlml-scratch-/.test(name)) await disk.rename(`/w/runs/${name}`, `/w/runs/${deadName()}`);
  for (const path of disk.paths())
    if (/\/\.mlml-(writer|reader|new|removed)-[^/]*/.test(path)) await disk.remove(path);
  return seen.dead;
}

const SSGD = ['ssgd', 'data', '--buffer=0.35', '--epochs=2', '--loss=softmax', '--batch=32', '--logfreq=3'];
const often = '--checkpoint-every=0s';
const jobs: Readonly<Record<string, readonly string[]>> = {
  closed: ['closed', 'data', often],
  'closed in passes': ['closed', 'data', '--buffer=0.7', often],
  gd: ['gd', 'data', '--iters=25', '--buffer=10', often],
  'gd in passes': ['gd', 'data', '--iters=10', '--loss=softmax', often],
  sgd: ['sgd', 'data', '--iters=40', '--logfreq=3', often],
  ssgd: [...SSGD, often],
  'ssgd, shuffled once': [...SSGD, '--reshuffle=once', '--average', often],
  'ssgd, sorted': [...SSGD, '--algo=external_sort', often],
  'ssgd, blocks': [...SSGD, '--algo=block_shuffle', '--optimizer=adam', '--buffer=0.45', often],
  'ssgd, held-out rows': [...SSGD, '--holdout=0.2', '--patience=1', '--epochs=4', often],
  'ssgd, a sweep': [...SSGD, '--sweep=reg=0.1,100', '--holdout=0.2', '--buffer=0.48', '--halving', often],
  hsgd: ['hsgd', ...SSGD.slice(1), often],
};

describe('killed before any change of the disk, and gone on with: the same model and log', () => {
  const prepared = new MemoryStorage();
  before(async () => {
    await commandOn(prepared, ['import', 'digits', '--n=700', '--nt=50', '--out=data']);
  });

  for (const [index, [name, job]] of Object.entries(jobs).entries()) {
    test(name, async () => {
      const words = [...job, '--out=/w/runs/r', '--resume', '--nthreads=1', '--json'];
      const random = Random.of(20161123, index);
      const whole = await copyOf(prepared);
      const { storage, seen } = dyingStorage(whole, Number.POSITIVE_INFINITY);
      const wanted = JSON.parse(await commandOn(storage, words));
      const log = async (disk: MemoryStorage) => {
        const run = (await readJson(disk, '/w/runs/r/run.json')) as { log?: string };
        if (run.log === undefined) return [];
        return (await readText(disk, run.log)).split('\n').map((line) => line.split(',').toSpliced(1, 1));
      };
      let kills = 0;
      for (let run = 0; run < 3; run++) {
        const disk = await copyOf(prepared);
        // A kill somewhere in the whole life of the job, then some in what is left of it.
        for (let i = 0; i < 3; i++) {
          const last = random.below(i === 0 ? seen.changes : Math.ceil(seen.changes / 2));
          if (!(await runAndDie(disk, words, last))) break;
          kills++;
        }
        const got = JSON.parse(await commandOn(disk, words));
        for (const key of ['test', 'train', 'holdout', 'epochs', 'samples', 'sweep'])
          assert.deepEqual(got[key], wanted[key], key);
        const weights = '/w/runs/r/model/weights.bin';
        assert.deepEqual(disk.bytesOf(weights), whole.bytesOf(weights), 'the weights differ');
        assert.deepEqual(await log(disk), await log(whole));
        assert.deepEqual(
          disk.paths().map((path) => path.replace(/run-.*\.csv$/, 'csv')),
          whole.paths().map((path) => path.replace(/run-.*\.csv$/, 'csv')),
        );
      }
      assert.ok(kills >= 3, `${kills} kills`);
    });
  }
});
