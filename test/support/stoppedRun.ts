import assert from 'node:assert/strict';
import { MlmlError } from '../../src/errors.js';
import { MemoryStorage } from '../../src/storage/memoryStorage.js';
import { writeState } from '../../src/storage/stateFile.js';
import { readJson } from '../../src/storage/textFile.js';
import { fakeCommand } from './fakeCommand.js';

/** The command of the run. */
export const words = ['ssgd', 'digits', '--out=mine', '--seed=7'];

/** Its run.json. */
export const runOf = async (storage: MemoryStorage) =>
  (await readJson(storage, 'mine/run.json')) as Record<string, unknown>;

/** A run that was stopped in the middle, with a state in its folder. */
export async function stopped(storage = new MemoryStorage()): Promise<MemoryStorage> {
  const stop = async () => {
    throw new MlmlError('MLML_INTERRUPTED', 'stopped by SIGINT');
  };
  await assert.rejects(fakeCommand(words, { storage, train: stop }), {
    code: 'MLML_INTERRUPTED',
    message: 'stopped by SIGINT; to go on: mlml resume mine',
  });
  const progress = { done: 12_000, total: 30_000, unit: 'rows' };
  await writeState(storage, 'mine/checkpoint/state-0', { key: 'k', sequence: 3, header: {}, progress }, {});
  return storage;
}
