import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeCommand, fakeTrain } from '../../test/support/fakeCommand.js';
import { runOf, words } from '../../test/support/stoppedRun.js';
import { MlmlError } from '../errors.js';
import { MemoryStorage } from '../storage/memoryStorage.js';
import { writeState } from '../storage/stateFile.js';
import { readText } from '../storage/textFile.js';

test('a run whose error going on cannot mend is not gone on with; another command begins anew there', async () => {
  const storage = new MemoryStorage();
  const diverge = async () => {
    throw new MlmlError('MLML_DIVERGED', 'the loss exploded; give a smaller --eta0');
  };
  await assert.rejects(fakeCommand([...words, '--eta0=9'], { storage, train: diverge }), {
    code: 'MLML_DIVERGED',
  });
  const state = { key: 'k', sequence: 3, header: {}, progress: { done: 1, total: 3, unit: 'rows' } };
  await writeState(storage, 'mine/checkpoint/state-0', state, {});
  const failed = await runOf(storage);
  const { stdout } = await fakeCommand(['info', 'mine'], { storage });
  assert.match(stdout, /^status +failed: MLML_DIVERGED: the loss exploded; give a smaller --eta0$/m);
  assert.doesNotMatch(stdout, /to go on|saved|resume/);
  assert.equal(
    JSON.parse((await fakeCommand(['info', 'mine', '--json'], { storage })).stdout).resumable,
    undefined,
  );
  await assert.rejects(fakeCommand(['resume', 'mine'], { storage }), {
    code: 'MLML_DIVERGED',
    message:
      'mine: this run ended in an error that going on would meet again: the loss exploded; give a smaller --eta0; ' +
      'give its command with other options, which with --out=mine --resume begins anew there',
  });
  const other = [...words, '--eta0=0.1'];
  await assert.rejects(fakeCommand(other, { storage }), {
    code: 'MLML_EXISTS',
    message:
      'mine: exists already; it is a run that failed (MLML_DIVERGED): add --resume to begin anew in its place, or remove it',
  });
  assert.deepEqual(await runOf(storage), failed, 'nothing was touched');
  const log = failed['log'] as string;
  let states: readonly string[] | undefined;
  await fakeCommand([...other, '--resume'], {
    storage,
    train: async (...args) => {
      states = await storage.list('mine/checkpoint');
      return await fakeTrain(...args);
    },
  });
  assert.deepEqual(states, [], 'the states are of the other command');
  const run = await runOf(storage);
  assert.deepEqual(
    [run['status'], run['error'], run['command']],
    ['done', undefined, [...other, '--resume']],
  );
  const events = (await readText(storage, 'mine/events.jsonl')).trimEnd().split('\n');
  assert.deepEqual(
    [events[0], events.at(-1)].map((line) => JSON.parse(line!).type),
    ['start', 'end'],
  );
  assert.equal(events.filter((line) => JSON.parse(line).type === 'end').length, 1);
  // Nothing that cannot be made again is gone.
  assert.notEqual(run['log'], log);
  assert.notEqual(await storage.status(log), undefined);
});

test('what a failure says against the disk, or against mlml, is gone on from', async () => {
  for (const code of ['MLML_IO', 'MLML_DISK_FULL', 'MLML_CHECKSUM', 'MLML_INTERNAL'] as const) {
    const storage = new MemoryStorage();
    const fail = async () => {
      throw new MlmlError(code, 'it went wrong');
    };
    await assert.rejects(fakeCommand(words, { storage, train: fail }), { code });
    assert.match((await fakeCommand(['info', 'mine'], { storage })).stdout, /^to go on +mlml resume mine$/m);
    await assert.rejects(fakeCommand(words, { storage }), {
      code: 'MLML_EXISTS',
      message:
        /^mine: exists already; it is a run of this command that .*: add --resume to go on with it, or remove it$/,
    });
    await fakeCommand(['resume', 'mine'], { storage });
    assert.equal((await runOf(storage))['status'], 'done');
  }
});
