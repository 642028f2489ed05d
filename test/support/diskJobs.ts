import { optionsOf } from '../../src/cli/optionsOf.js';
import { npyFile, npzFile } from './arrayFiles.js';
import type { DiskJob } from './diskFaults.js';
import { prepare } from './diskFaults.js';
import { mnistFiles } from './originalFiles.js';

const KERNEL = ['--kernel=rbf', '--sigma=50', '--nthreads=1'];
const quiet = '--quiet';

const rows = Uint8Array.from({ length: 160 }, (_, i) => (i % 4 === 3 ? (i >> 2) % 2 : (i * 7919) % 251));

const numbers = [...rows.subarray(0, 120)];
const arrays = npzFile(
  {
    X: npyFile('<f4', [40, 3], numbers, { fortranOrder: true }),
    y: npyFile(
      '|u1',
      [40],
      numbers.slice(0, 40).map((value) => value % 2),
    ),
  },
  { deflated: true },
);

const houses = new TextEncoder().encode(
  `rooms,town,price\n${Array.from({ length: 40 }, (_, i) => `${i % 5 === 4 ? '' : i},${'abc'[i % 3]},${(i * 37) % 11}.5`).join('\n')}\n`,
);

/** A data set, models and a stored kernel: what was there before, and must stay. */
export const image = await prepare(
  new Map([
    ['/raw', rows],
    ['/houses.csv', houses],
    ['/arrays.npz', arrays],
    ['/text', new TextEncoder().encode('1 1:1 3:2\n-1 2:0.5\n'.repeat(12))],
    ...[...mnistFiles(5, 2)].map(([name, bytes]) => [`/mnist/${name}`, bytes] as const),
  ]),
  [
    ['import', '/raw', '--n=40', '--d=3', '--k=2', '--dtype=uint8', '--out=/set', quiet],
    ['import', '/text', '--percentage=1', '--out=/sparse', quiet],
    ['closed', '/set', '--out=/runs/linear', quiet],
    ['cg', '/set', ...KERNEL, '--out=/runs/kernel', quiet],
    ['generate', '/set', ...KERNEL, '--tile=16', '--kernels=/kernels', '--dtype=float64', quiet],
  ],
);
const memId = [...image.keys()].find((path) => path.startsWith('/kernels/'))!.split('/')[2]!;
const stored = [`--memId=${memId}`, '--kernels=/kernels', '--nthreads=1'];

/** A training command that leaves a run folder; `--resume` goes on with it, or begins it anew. */
function training(verb: string, ...options: string[]): DiskJob {
  return trainingOn('/set', verb, ...options);
}

function trainingOn(set: string, verb: string, ...options: string[]): DiskJob {
  const isKernel = options.some((word) => word.startsWith('--memId') || word.startsWith('--kernel='));
  const small = options.some((word) => word.startsWith('--buffer')) ? [] : ['--buffer=1'];
  const words = [
    verb,
    set,
    ...small,
    ...options,
    ...(isKernel ? [] : ['--nthreads=1']),
    '--out=/runs/new',
    quiet,
  ];
  const kernel = options.filter((word) => /^--(memId|kernels|kernel|sigma|nthreads)=/.test(word));
  const next = ['cg', '/set', ...(isKernel ? kernel : KERNEL), '--reg=7', '--out=/runs/later', quiet];
  return {
    name: [verb, ...(set === '/set' ? [] : [set]), ...options]
      .filter((word) => !/^--(nthreads|kernels|sigma)/.test(word))
      .join(' ')
      .replace(memId, '<memId>'),
    words,
    // Where runs cannot be gone on with, only what is left of them is looked at.
    again: optionsOf(verb as 'ssgd', isKernel ? 'kernel' : 'linear').some(({ name }) => name === 'resume')
      ? [...words, '--resume']
      : 'never',
    next,
    results: ['/runs/new/model/'],
  };
}

export const diskJobs: readonly DiskJob[] = [
  {
    name: 'import mnist',
    words: ['import', '/mnist', '--out=/data/new', quiet],
    results: ['/data/new/'],
  },
  {
    name: 'import raw rows',
    words: ['import', '/raw', '--n=40', '--d=3', '--k=2', '--dtype=uint8', '--out=/new', quiet],
    results: ['/new/'],
  },
  {
    // Which unpacks an array to scratch.
    name: 'import a NumPy archive',
    words: ['import', '/arrays.npz', '--out=/new', quiet],
    results: ['/new/'],
  },
  {
    name: 'import LIBSVM text',
    words: ['import', '/text', '--out=/new', quiet],
    results: ['/new/'],
  },
  {
    name: 'import a table',
    words: ['import', '/houses.csv', '--label=price', '--out=/tables/new', quiet],
    results: ['/tables/new/'],
  },
  {
    name: 'import digits',
    words: ['import', 'digits', '--n=3', '--nt=1', '--out=/digits', quiet],
    results: ['/digits/'],
  },
  training('closed'),
  training('gd', '--iters=5'),
  training('sgd', '--epochs=2'),
  training('ssgd', '--buffer=40KB', '--epochs=2'),
  training('ssgd', '--buffer=40KB', '--epochs=2', '--algo=external_sort'),
  training('ssgd', '--buffer=40KB', '--epochs=2', '--algo=block_shuffle'),
  training('hsgd', '--buffer=40KB', '--epochs=1'),
  trainingOn('/sparse', 'ssgd', '--buffer=40KB', '--epochs=2'),
  training('cg', ...KERNEL),
  training('nystrom', ...KERNEL, '--centers=8', '--copy-rows'),
  training('bcd', ...stored),
  training('closed', ...stored),
  training('ssgd', ...stored, '--epochs=2'),
  {
    name: 'predict to a file that is there',
    words: ['predict', '/runs/linear', '/set', '--part=train', '--out=/predictions.csv', quiet],
    results: ['/predictions.csv'],
  },
  {
    name: 'predict to npy by a kernel model',
    words: [
      'predict',
      '/runs/kernel',
      '/set',
      '--part=train',
      '--out=/p/predictions.npy',
      '--nthreads=1',
      quiet,
    ],
    results: ['/p/predictions.npy'],
  },
  {
    name: 'prune',
    words: ['prune', '/runs/kernel', '--keep=0.5', '--out=/small'],
    results: ['/small/'],
  },
  {
    name: 'generate',
    words: ['generate', '/set', ...KERNEL, '--tile=16', '--kernels=/kernels', quiet],
    results: [`/kernels/`],
  },
  {
    name: 'kernels verify',
    words: ['kernels', 'verify', memId, '--kernels=/kernels', quiet],
    results: ['/kernels/'],
  },
];
