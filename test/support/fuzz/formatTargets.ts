import assert from 'node:assert/strict';
import fc from 'fast-check';
import { importDataset } from '../../../src/data/import/importDataset.js';
import { loadModel } from '../../../src/model/loadModel.js';
import { jobFolder, openCheckpoint } from '../../../src/storage/checkpoint.js';
import { MemoryStorage } from '../../../src/storage/memoryStorage.js';
import { commandOn } from '../memoryCommand.js';
import { put } from '../originalFiles.js';
import { bytesLike, type FuzzTarget } from './fuzz.js';
import { FuzzWorld } from './fuzzWorld.js';

const ROWS = 40;
const KERNEL = ['--kernel=rbf', '--sigma=50', '--nthreads=1'];

const sparseText = Array.from(
  { length: 40 },
  (_, i) => `${i % 2} ${1 + (i % 5)}:0.5 ${7 + (i % 3)}:${i}\n`,
).join('');

/** A data set, models of each kind, a stored kernel and a checkpoint, made by the commands that make them. */
async function makeWorld(): Promise<FuzzWorld> {
  const storage = new MemoryStorage();
  const rows = Uint8Array.from({ length: ROWS * 4 }, (_, i) =>
    i % 4 === 3 ? (i >> 2) % 2 : (i * 7919) % 251,
  );
  await put(storage, '/raw', rows);
  await put(storage, '/rest', rows.slice(0, 12));
  const raw = { n: ROWS, d: 3, k: 2, dtype: 'uint8', train: '/raw', test: '/rest', nt: 3 } as const;
  await importDataset(storage, '/raw', { out: '/set', raw });
  await put(storage, '/text', new TextEncoder().encode(sparseText));
  await importDataset(storage, '/text', { out: '/sparse', percentage: 0.7 });
  for (const words of [
    ['ssgd', '/sparse', '--loss=logistic', '--out=/thin'],
    ['closed', '/set', '--out=/linear'],
    ['generate', '/set', ...KERNEL, '--tile=16', '--kernels=/kernels'],
    ['nystrom', '/set', ...KERNEL, '--centers=8', '--out=/kernel'],
    ['nystrom', '/set', ...KERNEL, '--centers=8', '--copy-rows', '--out=/copied'],
  ])
    await commandOn(storage, [...words, '--quiet']);
  return new FuzzWorld(storage);
}

const world = await makeWorld();
const at = (path: string) => world.at(path);
const memId = world.paths.find((path) => path.startsWith('/kernels/'))!.split('/')[2]!;

const given: FuzzTarget[] = [];

/** Commands that read a file in some way. */
const readersOf: Readonly<Record<string, readonly (readonly string[])[]>> = {
  '/set/dataset.json': [
    ['info', '/set', '--verify'],
    ['info', '/set', '--json'],
    ['closed', '/set', '--out=/new'],
    ['ssgd', '/set', '--buffer=40KB', '--out=/new2'],
    ['plan', 'cg', '/set', ...KERNEL],
    ['evaluate', '/kernel', '/set', '--nthreads=1'],
  ],
  '/sparse/dataset.json': [
    ['info', '/sparse', '--verify'],
    ['info', '/sparse', '--json'],
    ['ssgd', '/sparse', '--loss=logistic', '--buffer=60KB', '--out=/new'],
    ['sgd', '/sparse', '--loss=logistic', '--scale=standard', '--out=/new2', '--iters=10'],
    ['evaluate', '/thin', '/sparse'],
    ['closed', '/sparse', '--out=/new3'],
  ],
  '/linear/model/model.json': [
    ['info', '/linear', '--verify'],
    ['info', '/linear/model'],
    ['evaluate', '/linear', '/set'],
    ['predict', '/linear', '/set', '--proba'],
  ],
  '/kernel/model/model.json': [
    ['info', '/kernel/model', '--verify'],
    ['evaluate', '/kernel', '/set', '--nthreads=1'],
    ['prune', '/kernel', '--out=/new', '--keep=0.5'],
  ],
  '/copied/model/model.json': [
    ['info', '/copied/model', '--verify'],
    ['predict', '/copied', '/set', '--nthreads=1', '--out=/predictions.npy'],
  ],
  [`/kernels/${memId}/kernel.json`]: [
    ['kernels', '--kernels=/kernels'],
    ['kernels', 'verify', memId, '--kernels=/kernels'],
    ['cg', '/set', `--memId=${memId}`, '--kernels=/kernels', '--nthreads=1', '--out=/new'],
    ['plan', 'closed', '/set', `--memId=${memId}`, '--kernels=/kernels', '--nthreads=1'],
  ],
  '/linear/run.json': [
    ['info', '/linear'],
    ['info', '/linear', '--json'],
    ['evaluate', '/linear', '/set'],
  ],
};

for (const [path, commands] of Object.entries(readersOf)) {
  const name = path.replace(memId, '<memId>');
  const run = async (storage: MemoryStorage, which: number) => {
    const words = commands[which % commands.length]!;
    await commandOn(storage, words[0] === 'info' ? words : [...words, '--quiet']);
  };
  given.push(
    {
      name: `${name}: bytes`,
      cases: fc.tuple(bytesLike([at(path)]), fc.nat(100)),
      async run([bytes, which]: [Uint8Array, number]) {
        await run(await world.with(path, bytes), which);
        // Nobody computes with a run.json, and a kernel.json is held to its memId instead.
        if (!path.endsWith('run.json') && !path.endsWith('kernel.json')) world.saysTheSame(path, bytes);
        return true;
      },
    },
    {
      name: `${name}: fields`,
      cases: fc.tuple(world.fieldsOf(path), fc.nat(100)),
      async run([bytes, which]: [Uint8Array, number]) {
        await run(await world.with(path, bytes), which);
        return true;
      },
    },
  );
}

/** Files of numbers: a change of any bit is found by the command that looks at all of them. */
const checkedBy: Readonly<Record<string, readonly string[]>> = {
  '/set/train.rows': ['info', '/set', '--verify'],
  '/set/train.rows.crc32c': ['info', '/set', '--verify'],
  '/sparse/train.rows': ['info', '/sparse', '--verify'],
  '/sparse/train.offsets': ['info', '/sparse', '--verify'],
  '/sparse/features.bin': ['info', '/sparse', '--verify'],
  '/linear/model/weights.bin': ['predict', '/linear', '/set', '--quiet'],
  '/kernel/model/weights.bin': ['evaluate', '/kernel', '/set', '--nthreads=1', '--quiet'],
  '/copied/model/rows.bin': ['info', '/copied/model', '--verify'],
  [`/kernels/${memId}/tiles.bin`]: ['kernels', 'verify', memId, '--kernels=/kernels', '--quiet'],
};
for (const [path, words] of Object.entries(checkedBy)) {
  given.push({
    name: path.replace(memId, '<memId>'),
    cases: bytesLike([at(path)]),
    async run(bytes: Uint8Array) {
      await commandOn(await world.with(path, bytes), words);
      // Bytes after the last tile belong to none.
      const length = path.endsWith('tiles.bin') ? at(path).length : bytes.length;
      assert.ok(world.isSame(path, bytes.subarray(0, length)), 'a change went unnoticed');
      return true;
    },
  });
}

/** Sparse rows are looked at as they are read: what cannot be is refused, by whatever reads them. */
for (const path of ['/sparse/train.rows', '/sparse/train.offsets', '/sparse/features.bin']) {
  given.push({
    name: `${path}, read without looking at checksums`,
    cases: fc.tuple(bytesLike([at(path)]), fc.nat(100)),
    async run([bytes, which]: [Uint8Array, number]) {
      const commands = [
        ['ssgd', '/sparse', '--loss=logistic', '--buffer=60KB', '--subset=20', '--out=/new', '--quiet'],
        ['ssgd', '/sparse', '--loss=logistic', '--scale=standard', '--out=/new', '--quiet'],
        ['ssgd', '/sparse', '--loss=hinge', '--algo=none', '--out=/new', '--quiet'],
        ['evaluate', '/thin', '/sparse', '--part=train', '--quiet'],
        ['predict', '/thin', '/sparse', '--part=train', '--quiet'],
      ];
      await commandOn(await world.with(path, bytes), commands[which % commands.length]!);
      return true;
    },
  });
}

given.push({
  name: 'tiles.log',
  cases: bytesLike([at(`/kernels/${memId}/tiles.log`)]),
  async run(bytes: Uint8Array) {
    const storage = await world.with(`/kernels/${memId}/tiles.log`, bytes);
    const where = ['--kernels=/kernels', '--quiet', '--nthreads=1'];
    await commandOn(storage, ['kernels', 'verify', memId, ...where.slice(0, 2)]);
    await commandOn(storage, ['generate', '/set', ...KERNEL, ...where.slice(0, 2)]);
    const tiles = `/kernels/${memId}/tiles.bin`;
    assert.deepEqual(storage.bytesOf(tiles), at(tiles), 'generate made other tiles');
    return true;
  },
});

const KEY = { job: 'fuzz', n: 3 };
const FOLDER = jobFolder({ scratchFolder: '/scratch' }, KEY);
const state = { header: { pass: 7 }, block: Uint8Array.from({ length: 300 }, (_, i) => (i * 5) % 256) };

async function savedState(): Promise<Uint8Array> {
  const storage = new MemoryStorage();
  const checkpoint = await openCheckpoint(storage, FOLDER, KEY);
  await checkpoint.save(state.header, { block: state.block });
  return storage.bytesOf(`${FOLDER}/state-0`);
}

given.push({
  name: 'checkpoint',
  cases: bytesLike([await savedState()]),
  async run(bytes: Uint8Array) {
    const storage = new MemoryStorage();
    await put(storage, `${FOLDER}/state-0`, bytes);
    const checkpoint = await openCheckpoint(storage, FOLDER, KEY);
    const block = new Uint8Array(300);
    const found = await checkpoint.load({ block });
    await checkpoint.release();
    if (found === undefined) return false;
    assert.deepEqual({ header: found, block }, state);
    return true;
  },
});

given.push({
  name: 'model after a model of another kind',
  cases: fc.tuple(
    fc.constantFrom('/linear', '/kernel', '/copied'),
    fc.constantFrom('/linear', '/kernel', '/copied'),
  ),
  async run([json, weights]: [string, string]) {
    const storage = await world.with(`${json}/model/weights.bin`, at(`${weights}/model/weights.bin`));
    await loadModel(storage, json);
    assert.ok(world.isSame(`${json}/model/weights.bin`, at(`${weights}/model/weights.bin`)));
    return true;
  },
});

/** Each format that mlml writes and reads again. */
export const formatTargets: readonly FuzzTarget[] = given;
