import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { readKernelDescription } from '../src/kernel/store/kernelDescription.js';
import { tilesOf } from '../src/kernel/store/tileLayout.js';
import { readTileLog } from '../src/kernel/store/tileLog.js';
import { TileTable } from '../src/kernel/store/tileTable.js';
import { Random } from '../src/memory/random.js';
import { nodeStorage } from '../src/storage/nodeStorage.js';
import { runCli } from './support/cli.js';
import { runAndKill } from './support/signalled.js';

/** Everything is saved at once, so that a kill at any moment finds something to go on from. */
const env = { MLML_CHECKPOINT_SECONDS: '0' };
const KERNEL = ['--kernel=rbf', '--sigma=5', '--buffer=8'];
const SEED = 20161123;

/** What a killed job said it had saved last, and what the next said it found. */
const savedPass = (stderr: string) =>
  Number([...stderr.matchAll(/ checkpoint after pass (\d+)$/gm)].at(-1)?.[1] ?? 0);
const saves = (stderr: string) => [...stderr.matchAll(/ checkpoint after pass \d+$/gm)].length;
const resumed = (stderr: string) => {
  const found = /^resumed: ([\d ]+?)(?: of .*)? done before$/m.exec(stderr)?.[1];
  return found === undefined ? 0 : Number(found.replaceAll(' ', ''));
};

interface Solve {
  readonly name: string;
  readonly words: readonly string[];
  /** Reads the stored kernel. */
  readonly stored?: boolean;
  /** Saved states after which runs are killed, one run after the other; each counts its own. */
  readonly killAfter: readonly number[];
  /** The next `resumed` line must speak of at least as much as this, of the run before and where that had begun. */
  readonly atLeast: (stderr: string, begun: number) => number;
}

const passes = (stderr: string, begun: number) => Math.max(begun, savedPass(stderr));

const solves: readonly Solve[] = [
  {
    name: 'cg',
    words: ['cg', 'small', '--rank=0', '--reg=1e-2', '--tol=1e-5', '--subset=900'],
    killAfter: [1, 30],
    atLeast: passes,
  },
  {
    name: 'cg with held-out rows, in the search and in the refit',
    words: ['cg', 'small', '--subset=600', '--rank=20', '--reg=1,0.01', '--tol=1e-6', '--tile=128'],
    killAfter: [5, 40],
    atLeast: passes,
  },
  {
    name: 'cg of a stored kernel, with a preconditioner',
    words: ['cg', 'small', '--rank=30', '--reg=1e-3', '--tol=1e-6'],
    stored: true,
    killAfter: [2, 20],
    atLeast: passes,
  },
  {
    name: 'bcd',
    words: ['bcd', 'small', '--block=200', '--reg=1e-2', '--tol=1e-6'],
    killAfter: [1, 12],
    atLeast: passes,
  },
  {
    name: 'closed, in the factor and in the leave-one-out errors',
    words: ['closed', 'small', '--reg=1,0.1'],
    stored: true,
    killAfter: [5, 9],
    // A save for each column of tiles, and three where a factor ends and where the next begins.
    atLeast: (stderr, begun) => begun + saves(stderr) - 3,
  },
  {
    name: 'ssgd',
    words: ['ssgd', 'small', '--epochs=8'],
    stored: true,
    // Several in an epoch; it tells of whole ones.
    killAfter: [30, 30],
    atLeast: passes,
  },
  {
    name: 'nystrom',
    words: ['nystrom', 'small', '--centers=500', '--reg=1,0.1'],
    killAfter: [1, 1],
    // It tells of rows.
    atLeast: (stderr, begun) => Math.max(begun, Math.min(1, saves(stderr))),
  },
];

describe('kill -9, then the same command again: it goes on and ends in the same bits', () => {
  let folder = '';
  let memId = '';
  const run = async (t: TestContext, cwd: string, ...args: string[]) => {
    const { status, stdout, stderr } = await runCli(t, args, { cwd, env });
    assert.equal(status, 0, `mlml ${args.join(' ')}: ${stderr}`);
    return { result: args.includes('--json') ? JSON.parse(stdout) : undefined, stderr };
  };

  before(async (t) => {
    folder = mkdtempSync(join(tmpdir(), 'mlml-resume-'));
    const make = (...args: string[]) => run(t as TestContext, folder, ...args);
    await make('import', 'digits', '--n=1200', '--nt=200', '--out=small', '--quiet');
    await make('import', 'digits', '--n=4000', '--nt=1', '--out=many', '--quiet');
    memId = (await make('generate', 'small', ...KERNEL, '--tile=128', '--json')).result.memId;
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const [index, { name, words, stored, killAfter, atLeast }] of solves.entries()) {
    test(name, async (t) => {
      const random = Random.of(SEED, index);
      const source = stored ? [`--memId=${memId}`, '--buffer=5'] : KERNEL;
      // A sub-folder for each, since folders of scratch lie beside the run.
      const args = (out: string, threads: number) => [
        ...[...words, ...source, `--nthreads=${threads}`, `--out=${join(String(index), out)}`, '--json'],
      ];
      const start = performance.now();
      const whole = await run(t, folder, ...args('whole', 1));
      const wholeMs = performance.now() - start;
      const broken = args('broken', 2);

      let [begun, most, kills] = [0, 0, 0];
      const kill = async (when: (stderr: string, ms: number) => boolean) => {
        const { killed, stderr } = await runAndKill(broken, { cwd: folder, env, when });
        assert.equal(killed, true, `it had ended: ${stderr}`);
        kills++;
        assert.ok(resumed(stderr) >= most, `resumed at ${resumed(stderr)}, ${most} had been saved`);
        // Killed before it had looked for a state, it has changed nothing.
        begun = Math.max(most, resumed(stderr));
        most = Math.max(most, atLeast(stderr, begun));
      };
      for (const count of killAfter) await kill((stderr) => saves(stderr) >= count);
      assert.ok(most > 0);
      // Wherever it is then: loading, reading its state, half-way through a pass or a save.
      const moment = (0.05 + 0.35 * random.uniform()) * wholeMs;
      const early = await runAndKill(broken, { cwd: folder, env, when: (_, ms) => ms > moment });
      if (resumed(early.stderr) > 0)
        most = Math.max(most, atLeast(early.stderr, Math.max(most, resumed(early.stderr))));

      const end = await run(t, folder, ...broken);
      assert.ok(resumed(end.stderr) >= most, `resumed at ${resumed(end.stderr)}, ${most} had been saved`);
      assert.equal(kills, killAfter.length);
      for (const key of ['residual', 'passes', 'test', 'regularizations', 'leaveOneOut', 'stopped'])
        assert.deepEqual(end.result[key], whole.result[key], key);
      const weights = (out: string) => readFileSync(join(folder, String(index), out, 'model', 'weights.bin'));
      assert.ok(weights('broken').equals(weights('whole')), 'the coefficients differ');
      // Nothing is left of all those runs.
      assert.deepEqual(readdirSync(join(folder, String(index))).sort(), ['broken', 'logs', 'whole']);
      const left = readdirSync(join(folder, 'kernels', memId), { recursive: true }).sort();
      assert.deepEqual(
        left.filter((file) => file !== 'jobs'),
        ['kernel.json', 'tiles.bin', 'tiles.log'],
      );
    });
  }

  test('generate', async (t) => {
    const args = (kernels: string, threads: number) => [
      ...['generate', 'many', ...KERNEL, '--tile=64'],
      ...[`--nthreads=${threads}`, `--kernels=${kernels}`, '--json'],
    ];
    const whole = (await run(t, folder, ...args('whole', 1))).result;
    const path = join(folder, 'broken', whole.memId);
    /** Which tiles the log of an unfinished or finished kernel calls done. */
    const tableOf = async (at: string) => {
      const description = await readKernelDescription(nodeStorage, at);
      const table = new TileTable(description === undefined ? 1 : tilesOf(description));
      if (description !== undefined) await readTileLog(nodeStorage, join(at, 'tiles.log'), table);
      return table;
    };
    const logBytes = () => {
      try {
        return readFileSync(join(path, 'tiles.log')).length;
      } catch {
        return 0;
      }
    };
    const random = Random.of(SEED, 100);
    const shares = [0.02, 0.2 + 0.3 * random.uniform(), 0.6 + 0.3 * random.uniform()];
    const bytesEach = readFileSync(join(folder, 'whole', whole.memId, 'tiles.log')).length;
    let done = 0;
    for (const share of shares) {
      const { killed, stderr } = await runAndKill(args('broken', 2), {
        cwd: folder,
        env,
        when: () => logBytes() > share * bytesEach,
      });
      assert.equal(killed, true, stderr);
      assert.equal(resumed(stderr), done);
      done = (await tableOf(path)).done;
      assert.ok(done > 0 && done < whole.tiles, `${done} of ${whole.tiles} tiles`);
    }
    const { result, stderr } = await run(t, folder, ...args('broken', 2));
    assert.equal(resumed(stderr), done);
    assert.equal(result.tilesMade, whole.tiles - done);
    const [a, b] = [join(folder, 'whole', whole.memId), path];
    assert.ok(readFileSync(join(a, 'tiles.bin')).equals(readFileSync(join(b, 'tiles.bin'))), 'tiles differ');
    const [ofWhole, ofBroken] = [await tableOf(a), await tableOf(b)];
    assert.equal(ofBroken.complete, true);
    for (let tile = 0; tile < whole.tiles; tile++)
      assert.equal(ofBroken.checksum(tile), ofWhole.checksum(tile), `checksum of tile ${tile}`);
    assert.deepEqual(readdirSync(b).sort(), ['kernel.json', 'tiles.bin', 'tiles.log']);
    assert.deepEqual(readdirSync(join(folder, 'broken')), [whole.memId]);
  });
});
