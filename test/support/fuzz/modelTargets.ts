import assert from 'node:assert/strict';
import fc from 'fast-check';
import { MlmlError } from '../../../src/errors.js';
import { openPredictor } from '../../../src/model/predictor/predictor.js';
import { httpErrorOf } from '../../../src/serve/httpError.js';
import { parseRequest } from '../../../src/serve/requestRows.js';
import { MemoryStorage } from '../../../src/storage/memoryStorage.js';
import { commandOn } from '../memoryCommand.js';
import { concat, put } from '../originalFiles.js';
import { plain } from '../servedModel.js';
import { bytesLike, type FuzzTarget } from './fuzz.js';
import { FuzzWorld } from './fuzzWorld.js';

const houses = [
  'id,rooms,sea,town,built,note,y',
  ...Array.from(
    { length: 40 },
    (_, i) =>
      `h${i},${i % 7 === 0 ? '' : 1 + (i % 5)},${i % 3 ? 'yes' : 'no'},${'ABC'[i % 3]},20${10 + (i % 9)}-01-0${1 + (i % 9)},a word ${i},${i % 2 ? 'up' : 'down'}`,
  ),
].join('\n');
const newHouses = concat(houses.split('\n').slice(0, 9).join('\n'));
const sparseText = Array.from({ length: 40 }, (_, i) => `${i % 2} ${1 + (i % 5)}:0.5 ${7 + (i % 3)}:${i}\n`);

/** Models of tables and sparse rows, with calibrations, and a run that was stopped with its state saved. */
async function makeWorld(): Promise<FuzzWorld> {
  const storage = new MemoryStorage();
  await put(storage, '/houses.csv', concat(houses));
  await put(storage, '/new.csv', newHouses);
  await put(storage, '/text', concat(sparseText.join('')));
  for (const words of [
    ['import', '/houses.csv', '--label=y', '--id=id', '--text=note', '--hash-bits=3', '--out=/table'],
    ['ssgd', '/table', '--loss=logistic', '--out=/mapped'],
    ['ssgd', '/table', '--loss=hinge', '--out=/curved'],
    ['calibrate', '/curved', '/table', '--part=train'],
    ['import', '/text', '--percentage=0.7', '--out=/sparse'],
    ['ssgd', '/sparse', '--loss=logistic', '--out=/thin'],
  ])
    await commandOn(storage, [...words, '--quiet']);
  await stop(storage);
  return new FuzzWorld(storage);
}

const STOPPED = [
  'ssgd',
  '/table',
  '--loss=logistic',
  '--epochs=4',
  '--checkpoint-every=10',
  '--out=/stopped',
];

/** Stops a run as soon as it has saved a state. */
async function stop(storage: MemoryStorage): Promise<void> {
  const interruption = new AbortController();
  const create = storage.create.bind(storage);
  storage.create = async (path: string, ...rest: never[]) => {
    if (path.startsWith('/stopped/checkpoint/state-'))
      interruption.abort(new MlmlError('MLML_INTERRUPTED', 'stopped'));
    return await create(path, ...rest);
  };
  try {
    await assert.rejects(commandOn(storage, [...STOPPED, '--quiet'], interruption.signal), {
      code: 'MLML_INTERRUPTED',
    });
  } finally {
    storage.create = create;
  }
}

const world = await makeWorld();
const stateFile = world.paths.find((path) => path.startsWith('/stopped/checkpoint/state-'))!;

const readersOf: Readonly<Record<string, readonly (readonly string[])[]>> = {
  '/table/dataset.json': [
    ['info', '/table', '--verify'],
    ['closed', '/table', '--out=/again'],
    ['evaluate', '/mapped', '/table'],
    ['evaluate', '/curved', '/table'],
  ],
  '/mapped/model/model.json': [
    ['predict', '/mapped', '/new.csv', '--proba'],
    ['evaluate', '/mapped', '/houses.csv'],
    ['info', '/mapped/model'],
    ['export', '/mapped', '--onnx', '--out=/m.onnx'],
    ['export', '/mapped', '--js', '--out=/m.js'],
    ['export', '/mapped', '--json', '--out=/m.json'],
  ],
  '/curved/model/model.json': [
    ['predict', '/curved', '/new.csv', '--proba', '--out=/p.jsonl'],
    ['evaluate', '/curved', '/table'],
    ['export', '/curved', '--onnx', '--out=/m.onnx'],
    ['calibrate', '/curved', '/houses.csv', '--method=isotonic'],
  ],
  '/thin/model/model.json': [
    ['evaluate', '/thin', '/sparse'],
    ['predict', '/thin', '/sparse', '--out=/p.npy'],
    ['export', '/thin', '--npz', '--out=/m.npz'],
  ],
  '/stopped/run.json': [
    ['resume', '/stopped'],
    ['info', '/stopped'],
    [...STOPPED, '--resume'],
  ],
  [stateFile]: [
    ['resume', '/stopped'],
    ['info', '/stopped', '--json'],
    [...STOPPED, '--resume'],
  ],
  '/stopped/events.jsonl': [
    ['info', '/stopped'],
    ['info', '/stopped', '--json'],
    ['resume', '/stopped'],
  ],
};

const given: FuzzTarget[] = [];
const run = async (storage: MemoryStorage, words: readonly string[]) =>
  await commandOn(storage, ['info', 'export'].includes(words[0]!) ? words : [...words, '--quiet']);

for (const [path, commands] of Object.entries(readersOf)) {
  const isModel = path.endsWith('model.json') || path.endsWith('dataset.json');
  given.push({
    name: `${path === stateFile ? '/stopped/checkpoint/state' : path}: bytes`,
    cases: fc.tuple(bytesLike([world.at(path)]), fc.nat(100)),
    async run([bytes, which]: [Uint8Array, number]) {
      await run(await world.with(path, bytes), commands[which % commands.length]!);
      if (isModel) world.saysTheSame(path, bytes);
      return true;
    },
  });
  if (!path.endsWith('.json')) continue;
  given.push({
    name: `${path}: fields`,
    cases: fc.tuple(world.fieldsOf(path), fc.nat(100)),
    async run([bytes, which]: [Uint8Array, number]) {
      await run(await world.with(path, bytes), commands[which % commands.length]!);
      return true;
    },
  });
}

given.push({
  name: 'a table to predict',
  cases: fc.tuple(bytesLike([newHouses]), fc.nat(100)),
  async run([bytes, which]: [Uint8Array, number]) {
    const words = [
      ['predict', '/mapped', '/new.csv', '--proba'],
      ['predict', '/curved', '/new.csv', '--format=csv', '--out=/p.csv'],
      ['evaluate', '/mapped', '/new.csv'],
    ];
    await run(await world.with('/new.csv', bytes), words[which % words.length]!);
    return true;
  },
});

const predictor = await openPredictor(new MemoryStorage(), plain);
const bodies = [
  '[[2,1],[1,2]]',
  '[1.5,-2e3]',
  '{"rows": [[2,1],[0.25,0.5],[3,4]], "proba": true}',
  '{"row": [2,1]}',
].map((body) => concat(body));

given.push({
  name: 'bodies of requests',
  cases: bytesLike(bodies),
  async run(bytes: Uint8Array) {
    try {
      const { rows, proba } = parseRequest(bytes, undefined, 1000);
      const predictions = await predictor.predict(rows as never, { proba });
      assert.equal(predictions.length, rows.length);
      for (const [i, prediction] of predictions.entries()) {
        const [x, y] = rows[i] as [number, number];
        // Near equality of sums the sign of a rounded score decides.
        if (x - y !== 0) assert.equal((prediction as { class: number }).class, x > y ? 1 : 0);
      }
      return true;
    } catch (error) {
      const { status, message } = httpErrorOf(error);
      if (status >= 500) throw error;
      assert.ok(message.length < 2000 && !message.includes('\n'), message);
      return false;
    }
  },
});

/** Models with columns and calibrations, unfinished runs, tables to predict, requests. */
export const modelTargets: readonly FuzzTarget[] = given;
