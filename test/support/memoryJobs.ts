import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { BLOCK_BYTES } from '../../src/data/arrays/columnOrder.js';
import { HEAP_ALLOWANCE, THREAD_ALLOWANCE } from '../../src/run/summary.js';
import { npyFile, npzFile } from './arrayFiles.js';
import { commandFile, runCli } from './cli.js';
import { type LimitedResult, runLimited } from './limitedProcess.js';
import { cifarRecords, mnistFiles } from './originalFiles.js';

/** What a process of its own may differ from the one whose baseline was measured. */
const SPREAD = 1e6;

/** A command under a memory limit. `data` and `tiny` stand for the large set and one of a few rows, as in `words`. */
export interface MemoryJob {
  readonly name: string;
  /** Words for a set: its folder, and the budget in bytes where the command takes one. */
  words(set: string, budget: string): readonly string[];
  readonly set: 'linear' | 'kernel' | 'import';
  readonly threads?: number;
  /** Memory that it may take whatever is asked for, where it has no `--buffer`. */
  readonly budgetBytes?: number;
  /** Keeps its data in memory: it must be refused, and say with how much it would run. */
  readonly refused?: boolean;
}

/** Rows of the sets: digits for linear models, small rows for kernels, whose matrix is what is large. */
export interface MemorySizes {
  readonly digits: number;
  readonly kernelRows: number;
}

export const DIGIT_BYTES = 785;
const FEATURES = 16;

/** The folder with the sets `digits`, `points`, their tiny ones, models and stored kernels. */
export class MemoryWorld {
  readonly folder: string;
  readonly sizes: MemorySizes;
  readonly memIds = { large: '', tiny: '' };
  readonly #baselines = new Map<string, number>();

  constructor(folder: string, sizes: MemorySizes) {
    this.folder = folder;
    this.sizes = sizes;
  }

  async make(t: TestContext, kernels: boolean): Promise<void> {
    const run = async (...words: string[]) => {
      const { status, stdout, stderr } = await runCli(t, [...words, '--quiet'], {
        cwd: this.folder,
        timeoutMs: 1_200_000,
      });
      assert.equal(status, 0, stderr);
      return stdout.trim().split('\n').at(-1)!;
    };
    await run('import', 'digits', `--n=${this.sizes.digits}`, '--nt=500', '--out=linear');
    await run('import', 'digits', '--n=60', '--nt=20', '--out=linear-tiny');
    await run('closed', 'linear-tiny', '--reg=1000', '--out=model');
    if (!kernels) return;
    for (const [name, rows] of [
      ['kernel', this.sizes.kernelRows],
      ['kernel-tiny', 80],
    ] as const) {
      this.#points(`${name}.rows`, rows);
      const layout = [`--n=${rows}`, `--d=${FEATURES}`, '--k=2', '--dtype=uint8'];
      await run('import', `${name}.rows`, ...layout, `--out=${name}`);
      const kernel = ['--kernel=rbf', '--sigma=3', '--nthreads=2', '--buffer=3'];
      this.memIds[name === 'kernel' ? 'large' : 'tiny'] = await run('generate', name, ...kernel);
      const centers = ['--kernel=rbf', '--sigma=3', '--centers=40', '--nthreads=1', '--buffer=3'];
      await run('nystrom', name, ...centers, `--out=${name}-model`);
    }
  }

  /** Points in 16 dimensions, whose class is that of the nearer of two corners. */
  #points(name: string, rows: number): void {
    const file = openSync(join(this.folder, name), 'w');
    const row = new Uint8Array(FEATURES + 1);
    let state = 12345;
    for (let i = 0; i < rows; i++) {
      let sum = 0;
      for (let j = 0; j < FEATURES; j++) {
        state = (Math.imul(state, 1103515245) + 12345) >>> 0;
        row[j] = state >>> 24;
        sum += row[j]!;
      }
      row[FEATURES] = sum > 127.5 * FEATURES ? 1 : 0;
      writeSync(file, row);
    }
  }

  memIdOf(set: string): string {
    return `--memId=${set.endsWith('-tiny') ? this.memIds.tiny : this.memIds.large}`;
  }

  /** What the command takes on next to no data: Node with the code of this verb. */
  async #baseline(t: TestContext, job: MemoryJob, budget: string): Promise<number> {
    const known = this.#baselines.get(job.name);
    if (known !== undefined) return known;
    const words = job.words(`${job.set}-tiny`, budget);
    const { status, stdout, stderr, peakRssBytes } = await runLimited(t, [commandFile, ...words], {
      cwd: this.folder,
    });
    assert.equal(status, 0, stderr);
    const told = words.includes('--json') ? JSON.parse(stdout).baselineRssBytes : undefined;
    const bytes = told ?? peakRssBytes!;
    this.#baselines.set(job.name, bytes);
    return bytes;
  }

  /**
   * Runs a job with so many bytes of budget under the real limit; it is neither killed nor above it. Returns the figures in
   * words.
   */
  async check(t: TestContext, job: MemoryJob, budgetBytes: number): Promise<string> {
    const threads = job.threads ?? 1;
    const budget = `--buffer=${budgetBytes / 1e6}`;
    const args = [commandFile, ...job.words(job.set, budget)];
    if (job.refused) {
      const { status, stderr } = await runLimited(t, args, { cwd: this.folder, limitBytes: 200e6 });
      assert.equal(status, 2, stderr);
      assert.match(stderr, /^MLML_BUDGET_TOO_SMALL: .*needs at least/m);
      return 'refused, with the smallest budget named';
    }
    const baseline = await this.#baseline(t, job, budget);
    const limitBytes = baseline + SPREAD + budgetBytes + HEAP_ALLOWANCE + (threads - 1) * THREAD_ALLOWANCE;
    const options = { cwd: this.folder, limitBytes, timeoutMs: 1_200_000 };
    const run: LimitedResult = await runLimited(t, args, options);
    assert.equal(run.killedByLimit, false, `killed at ${limitBytes} bytes`);
    assert.equal(run.status, 0, run.stderr);
    assert.ok(run.peakRssBytes! <= limitBytes, `peak ${run.peakRssBytes}, ${limitBytes} are allowed`);
    const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
    return `peak ${megabytes(run.peakRssBytes! - baseline)} MB above Node's ${megabytes(baseline)}, ${megabytes(limitBytes - baseline)} allowed`;
  }
}

let made = 0;
const fresh = () => `--out=out-${++made}`;

const linear = (threads: number, verb: string, ...options: string[]): MemoryJob => ({
  name: [verb, ...options, `--nthreads=${threads}`].join(' '),
  set: 'linear',
  threads,
  words: (set, budget) => [
    ...[verb, set, budget, ...options, `--nthreads=${threads}`],
    ...[fresh(), '--json', '--quiet'],
  ],
});

/** Every verb on rows of digits. */
export const linearJobs: readonly MemoryJob[] = [
  linear(1, 'ssgd', '--epochs=1'),
  linear(2, 'ssgd', '--epochs=1'),
  linear(1, 'ssgd', '--algo=external_sort', '--epochs=1'),
  linear(1, 'ssgd', '--algo=block_shuffle', '--epochs=1'),
  linear(1, 'ssgd', '--reshuffle=once', '--epochs=2'),
  linear(1, 'ssgd', '--loss=softmax', '--batch=32', '--optimizer=adam', '--epochs=1', '--simulated'),
  linear(2, 'ssgd', '--loss=softmax', '--batch=48', '--epochs=1'),
  linear(1, 'hsgd', '--epochs=1'),
  linear(2, 'hsgd', '--epochs=1'),
  linear(1, 'closed', '--reg=10000'),
  linear(2, 'closed', '--reg=10000'),
  linear(1, 'gd', '--iters=3'),
  linear(2, 'gd', '--iters=3'),
  { ...linear(1, 'sgd', '--epochs=1'), refused: true },
  {
    name: 'predict',
    set: 'linear',
    words: (set, budget) => ['predict', 'model', set, '--part=train', budget, `${fresh()}.npy`, '--quiet'],
  },
  {
    name: 'evaluate',
    set: 'linear',
    words: (set, budget) => ['evaluate', 'model', set, '--part=train', budget, '--quiet'],
  },
  { name: 'info --verify', set: 'linear', words: (set) => ['info', set, '--verify'] },
];

export function kernelJobs(world: MemoryWorld): readonly MemoryJob[] {
  const computed = (verb: string, ...options: string[]): MemoryJob => ({
    name: [verb, ...options].join(' '),
    set: 'kernel',
    words: (set, budget) => [
      verb,
      set,
      budget,
      ...options,
      '--kernel=rbf',
      '--sigma=3',
      '--nthreads=1',
      fresh(),
      '--json',
      '--quiet',
    ],
  });
  const stored = (verb: string, threads: number, ...options: string[]): MemoryJob => ({
    name: [verb, '--memId', ...options].join(' '),
    set: 'kernel',
    threads,
    words: (set, budget) => [
      ...[verb, set, world.memIdOf(set), budget, ...options],
      ...[`--nthreads=${threads}`, fresh(), '--json', '--quiet'],
    ],
  });
  return [
    {
      ...computed('generate'),
      words: (set, budget) => [
        ...['generate', set, budget, '--kernel=rbf', '--sigma=3', '--nthreads=1'],
        ...[`--kernels=kernels-${++made}`, '--json', '--quiet'],
      ],
    },
    computed('cg', '--passes=2', '--reg=1'),
    computed('bcd', '--passes=4', '--reg=1'),
    computed('nystrom', '--centers=40'),
    computed('krr', '--passes=2', '--reg=1'),
    stored('cg', 1, '--passes=3', '--reg=1'),
    stored('cg', 2, '--passes=3', '--reg=1'),
    stored('bcd', 1, '--passes=4', '--reg=1'),
    stored('ssgd', 1, '--epochs=1'),
    stored('closed', 2, '--reg=1'),
    {
      name: 'predict by a kernel model',
      set: 'kernel',
      words: (set, budget) => [
        ...['predict', `${set}-model`, set, '--part=train', budget, '--nthreads=1'],
        ...[`${fresh()}.npy`, '--quiet'],
      ],
    },
    {
      name: 'prune',
      set: 'kernel',
      words: (set) => ['prune', `${set}-model`, '--keep=0.5', fresh()],
    },
    {
      name: 'kernels verify',
      set: 'kernel',
      words: (set, budget) => [
        'kernels',
        'verify',
        world.memIdOf(set).slice('--memId='.length),
        budget,
        '--quiet',
      ],
    },
  ];
}

/** Imports: they take no budget. The original files are those of MLML_DATA where they are, else made up. */
export function importJobs(world: MemoryWorld): readonly MemoryJob[] {
  const folder = (name: string, files: Iterable<readonly [string, Uint8Array]>) => {
    mkdirSync(join(world.folder, name), { recursive: true });
    for (const [file, bytes] of files) writeFileSync(join(world.folder, name, file), bytes);
    return name;
  };
  const mnist = folder('mnist-tiny', mnistFiles(20, 5));
  const cifar = folder('cifar-tiny', [
    ...[1, 2, 3, 4, 5].map((i) => [`data_batch_${i}.bin`, cifarRecords([i, 2], i)] as const),
    ['test_batch.bin', cifarRecords([1], 9)],
  ]);
  const real = process.env['MLML_DATA'];
  const original = (name: string, tiny: string): MemoryJob[] =>
    real === undefined
      ? []
      : [
          {
            name: `import ${name}`,
            set: 'import',
            words: (set) => ['import', set === 'import' ? join(real, name) : tiny, fresh(), '--quiet'],
          },
        ];
  const arraysJob = (name: string, file: string, fortranOrder: boolean, budgetBytes: number): MemoryJob => {
    const written = (rows: number) => {
      const arrays = {
        X: npyFile('|u1', [rows, 784], randomBytes(784 * rows), { fortranOrder }),
        y: npyFile(
          '|u1',
          [rows],
          randomBytes(rows).map((byte) => byte % 10),
        ),
      };
      return npzFile(arrays, { deflated: fortranOrder });
    };
    const large = join(
      folder(`${file}-arrays`, [['a.npz', written(Math.min(world.sizes.digits, 30_000))]]),
      'a.npz',
    );
    const tiny = join(folder(`${file}-arrays-tiny`, [['a.npz', written(60)]]), 'a.npz');
    return {
      name,
      set: 'import',
      budgetBytes,
      words: (set) => ['import', set === 'import' ? large : tiny, fresh(), '--quiet'],
    };
  };
  const tableJob = (): MemoryJob => {
    const written = (rows: number) => {
      const line = (row: number) => Array.from({ length: 20 }, (_, j) => (row * 7 + j) / (j + 3)).join(',');
      const lines = Array.from(
        { length: 1000 },
        (_, row) => `${line(row)},town ${row % 40},${row % 9 === 0 ? '' : row}`,
      );
      const header = `${Array.from({ length: 20 }, (_, j) => `x${j}`).join(',')},town,y2`;
      return new TextEncoder().encode(`${header}\n${`${lines.join('\n')}\n`.repeat(Math.ceil(rows / 1000))}`);
    };
    const large = join(folder('table', [['t.csv', written(5 * world.sizes.digits)]]), 't.csv');
    const tiny = join(folder('table-tiny', [['t.csv', written(1)]]), 't.csv');
    return {
      name: 'import a table',
      set: 'import',
      budgetBytes: 4e6,
      words: (set) => [
        'import',
        set === 'import' ? large : tiny,
        '--label=x0',
        '--buffer=4',
        fresh(),
        '--quiet',
      ],
    };
  };
  return [
    tableJob(),
    {
      name: 'import digits',
      set: 'import',
      words: (set) => [
        ...[
          'import',
          'digits',
          `--n=${set === 'import' ? world.sizes.digits : 60}`,
          '--nt=20',
          fresh(),
          '--quiet',
        ],
      ],
    },
    {
      name: 'import raw rows',
      set: 'import',
      words: (set) => {
        const [from, rows] = set === 'import' ? ['linear', world.sizes.digits] : ['linear-tiny', 60];
        const layout = [`--n=${rows}`, '--d=784', '--k=10', '--dtype=uint8'];
        return ['import', join(from, 'train.rows'), ...layout, fresh(), '--quiet'];
      },
    },
    arraysJob('import rows of an array', 'rows', false, 0),
    arraysJob('import columns of a deflated array', 'columns', true, BLOCK_BYTES),
    ...original('mnist', mnist),
    ...original('cifar-10', cifar),
  ];
}
