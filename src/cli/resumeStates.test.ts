// What a run that is gone on with finds in place of its states and of the model it began from.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fakeCommand, threeClasses } from '../../test/support/fakeCommand.js';
import { MlmlError } from '../errors.js';
import { saveModel } from '../model/saveModel.js';
import { train } from '../ssgd/train.js';
import { MemoryStorage } from '../storage/memoryStorage.js';
import { readText } from '../storage/textFile.js';
import type { Training } from './services.js';

const words = (verb: string, more: readonly string[] = []) => [
  ...[verb, 'digits', '--out=mine', '--eta0=0.01', '--nthreads=1', '--checkpoint-every=0s', ...more],
  ...(verb === 'gd' ? ['--iters=12', '--loss=softmax'] : ['--batch=2', '--epochs=4']),
];

/** Trains, and is stopped after so many saved states. */
function stopping(states: number): Training['train'] {
  return async (verb, dataset, options, context) => {
    let saved = 0;
    const onEvent: typeof context.onEvent = (event) => {
      context.onEvent?.(event);
      if (event.type === 'checkpoint' && ++saved === states)
        throw new MlmlError('MLML_INTERRUPTED', 'stopped by a test');
    };
    return await train(verb, dataset, options, { ...context, onEvent });
  };
}

/** A run stopped after five states: the newest in state-0, the one before in state-1. */
async function stopped(line: readonly string[], storage = new MemoryStorage()): Promise<MemoryStorage> {
  await assert.rejects(fakeCommand(line, { storage, train: stopping(5) }), { code: 'MLML_INTERRUPTED' });
  assert.deepEqual(
    (await storage.list('mine/checkpoint')).filter((name) => name.startsWith('state')).sort(),
    ['state-0', 'state-1'],
  );
  return storage;
}

async function weightsOf(line: readonly string[], storage = new MemoryStorage()): Promise<Uint8Array> {
  const { stderr } = await fakeCommand(line, { storage, train });
  assert.deepEqual(warningsIn(stderr), []);
  return storage.bytesOf('mine/model/weights.bin');
}

async function write(storage: MemoryStorage, path: string, bytes: Uint8Array): Promise<void> {
  const file = await storage.create(path);
  await file.write(bytes, 0);
  await file.close();
}

/** Changes the last byte: one of a block. */
async function damage(storage: MemoryStorage, name: string): Promise<void> {
  const bytes = storage.bytesOf(`mine/checkpoint/${name}`).slice();
  bytes[bytes.length - 1]! ^= 1;
  await write(storage, `mine/checkpoint/${name}`, bytes);
}

/** Few iterations of gd on ten rows are no end. */
const warningsIn = (text: string) =>
  text.split('\n').filter((line) => line.includes('warning') && !line.includes('gd has not converged'));

for (const verb of ['ssgd', 'gd', 'hsgd']) {
  describe(`saved states that are damaged or gone: ${verb}`, () => {
    const cases: readonly (readonly [string, (storage: MemoryStorage) => Promise<void>, RegExp, RegExp])[] = [
      [
        'the newer',
        (storage) => damage(storage, 'state-0'),
        /warning: mine\/checkpoint\/state-0 is damaged: the checksum of its [a-z ]+ is wrong; goes on from the other state$/,
        /^saved +after /m,
      ],
      [
        'both',
        async (storage) => {
          await damage(storage, 'state-0');
          await write(storage, 'mine/checkpoint/state-1', new Uint8Array(3));
        },
        /warning: mine\/checkpoint\/state-0 is damaged: [^;]+; mine\/checkpoint\/state-1 is damaged: it has 3 bytes; begins anew$/,
        /^saved +nothing that can be used$/m,
      ],
      [
        'the folder is gone',
        (storage) => storage.remove('mine/checkpoint'),
        /warning: mine\/checkpoint holds no state, though one was saved: begins anew$/,
        /^saved +nothing yet$/m,
      ],
    ];
    for (const [name, spoil, warning, info] of cases) {
      test(name, async () => {
        const wanted = await weightsOf(words(verb));
        const storage = await stopped(words(verb));
        await spoil(storage);
        const told = await fakeCommand(['info', 'mine'], { storage });
        assert.match(told.stdout, info);
        const { stderr } = await fakeCommand(['resume', 'mine', '--quiet'], { storage, train });
        const warnings = warningsIn(stderr);
        assert.equal(warnings.length, 1, stderr);
        assert.match(warnings[0]!, warning);
        const events = warningsIn(await readText(storage, 'mine/events.jsonl'));
        assert.equal(events.length, 1);
        assert.equal(`warning: ${JSON.parse(events[0]!).message}`, warnings[0]);
        assert.deepEqual(storage.bytesOf('mine/model/weights.bin'), wanted);
      });
    }

    test('the older: nothing is lost, nothing is said', async () => {
      const storage = await stopped(words(verb));
      await damage(storage, 'state-1');
      const { stderr } = await fakeCommand(['resume', 'mine', '--quiet'], { storage, train });
      assert.deepEqual(warningsIn(stderr), []);
    });
  });

  describe(`the model that a run began from is not what it was: ${verb}`, () => {
    const line = words(verb, ['--init=first']);
    const other = { ...threeClasses, weights: Float64Array.of(1, 2, 3, 4, 5, 6) };
    const withModel = async (model = threeClasses) => {
      const storage = new MemoryStorage();
      await saveModel(storage, 'first', { ...model, loss: verb === 'gd' ? 'softmax' : 'ridge' });
      return storage;
    };
    const resume = (storage: MemoryStorage) => fakeCommand(['resume', 'mine', '--quiet'], { storage, train });

    test('another one is refused, and the state stays', async () => {
      const storage = await stopped(line, await withModel());
      const kept = storage.bytesOf('mine/checkpoint/state-0').slice();
      await storage.remove('first');
      await saveModel(storage, 'first', other);
      await assert.rejects(resume(storage), {
        code: 'MLML_MISMATCH',
        message:
          /^mine: the model of --init=first is another one than when this run began; put that one back/,
      });
      assert.deepEqual(storage.bytesOf('mine/checkpoint/state-0'), kept);
    });

    test('one that is gone or damaged is not needed', async () => {
      const wanted = await weightsOf(line, await withModel());
      for (const spoil of [
        (storage: MemoryStorage) => storage.remove('first'),
        (storage: MemoryStorage) => write(storage, 'first/weights.bin', new Uint8Array(7)),
      ]) {
        const storage = await stopped(line, await withModel());
        await spoil(storage);
        const { stderr } = await resume(storage);
        assert.deepEqual(warningsIn(stderr), []);
        assert.deepEqual(storage.bytesOf('mine/model/weights.bin'), wanted);
      }
    });

    test('without a state it is needed: the error says so, and the run can be gone on with once it is back', async () => {
      const storage = await stopped(line, await withModel());
      const wanted = await weightsOf(line, await withModel());
      await storage.remove('first');
      await storage.remove('mine/checkpoint');
      await assert.rejects(resume(storage), {
        code: 'MLML_NOT_FOUND',
        message: /this run began from that model and must begin from it again: put the model back/,
      });
      await saveModel(storage, 'first', { ...threeClasses, loss: verb === 'gd' ? 'softmax' : 'ridge' });
      await resume(storage);
      assert.deepEqual(storage.bytesOf('mine/model/weights.bin'), wanted);
    });
  });
}
