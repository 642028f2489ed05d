// Runs one job after the other in one process, for ever: `node soakJobs.js <data set> <folder>`.
import '../../src/cli/leanRuntime.js';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { nodeStorage } from '../../src/storage/nodeStorage.js';
import { commandOn } from './memoryCommand.js';

const [data, folder] = process.argv.slice(2) as [string, string];
const out = join(folder, 'job');
const jobs = [
  ['ssgd', data, '--buffer=1', '--epochs=2', '--loss=softmax'],
  ['cg', data, '--kernel=rbf', '--sigma=5', '--subset=600', '--buffer=8', '--passes=4', '--nthreads=1'],
  ['closed', data, '--buffer=1', '--reg=1000'],
];
for (;;) {
  for (const job of jobs) {
    await commandOn(nodeStorage, [...job, `--out=${out}`, '--quiet']);
    await commandOn(nodeStorage, [
      'predict',
      out,
      data,
      `--out=${join(folder, 'p.npy')}`,
      '--quiet',
      '--nthreads=1',
    ]);
    rmSync(out, { recursive: true });
    rmSync(join(folder, 'logs'), { recursive: true, force: true });
  }
}
