/**
 * LIBSVM text to a model: `mlml import` and `mlml ssgd` on sparse rows against liblinear-train, on a9a and on a text of many copies of
 * it. Every command is a process of its own, all taking turns; processor seconds (user and system, so that other programs on the machine
 * count little), wall seconds and peak resident memory are those that /usr/bin/time tells. What liblinear takes to read the text is
 * measured by a tolerance with which it stops after its first step.
 * `npm run bench -- sparse [--runs=3] [--copies=100]`; a9a and a9a.t come from $MLML_DATA/libsvm, liblinear-train from the PATH (Debian:
 * liblinear-tools).
 */
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argument, medianOf, printTable } from './support/report.js';
import { command } from './support/runMlml.js';

interface Figures {
  readonly cpu: number;
  readonly wall: number;
  readonly megabytes: number;
  readonly accuracy: number;
  /** Passes over the rows that the program tells of; 0 when it tells of none. */
  readonly passes: number;
}

const data = join(process.env['MLML_DATA'] ?? 'data', 'libsvm');
const folder = mkdtempSync(join(tmpdir(), 'mlml-bench-'));
const test = join(data, 'a9a.t');

function timed(
  program: string,
  args: readonly string[],
): Omit<Figures, 'accuracy' | 'passes'> & { out: string } {
  const times = join(folder, 'times');
  const { status, stdout, stderr } = spawnSync(
    '/usr/bin/time',
    ['-o', times, '-f', '%e %U %S %M', program, ...args],
    { encoding: 'utf8', cwd: folder, maxBuffer: 1 << 26 },
  );
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed: ${stderr}`);
  const [wall, user, system, kilobytes] = readFileSync(times, 'utf8').trim().split(' ').map(Number);
  return { wall: wall!, cpu: user! + system!, megabytes: kilobytes! / 1e3, out: stdout };
}

function liblinear(text: string, ...options: string[]): Figures {
  const { out, ...figures } = timed('liblinear-train', ['-c', '1', ...options, text, 'model']);
  const predicted = spawnSync('liblinear-predict', [test, 'model', '/dev/null'], {
    encoding: 'utf8',
    cwd: folder,
  });
  const accuracy = Number(/Accuracy = ([\d.]+)%/.exec(predicted.stdout)![1]) / 100;
  return { ...figures, accuracy, passes: Number(/#iter = (\d+)/.exec(out)?.[1] ?? 0) };
}

function mlml(...words: string[]) {
  const { out, ...figures } = timed(process.execPath, [command, ...words, '--json', '--quiet']);
  return {
    figures,
    result: JSON.parse(out) as { readonly test?: { readonly accuracy: number }; epochs?: number },
  };
}

let number = 0;

function importing(text: string): Figures {
  rmSync(join(folder, 'set'), { recursive: true, force: true });
  return { ...mlml('import', text, `--test-file=${test}`, '--out=set').figures, accuracy: 0, passes: 0 };
}

function training(loss: string, epochs: number, ...data: string[]): Figures {
  const words = [
    'ssgd',
    ...(data.length === 0 ? ['set'] : data),
    `--loss=${loss}`,
    '--reg=1',
    `--epochs=${epochs}`,
    '--nthreads=1',
  ];
  const { figures, result } = mlml(...words, `--out=run-${number++}`);
  return { ...figures, accuracy: result.test!.accuracy, passes: result.epochs! };
}

/** `dual`: liblinear's coordinate descent too, whose many passes take minutes on many rows. */
function compare(title: string, text: string, epochs: number, runs: number, dual: boolean): void {
  const ours = (loss: string) =>
    [`mlml ssgd --loss=${loss} --epochs=${epochs}`, () => training(loss, epochs)] as const;
  const theirs = (solver: number, what: string) =>
    [`liblinear-train -s ${solver} (${what})`, () => liblinear(text, '-s', String(solver))] as const;
  const jobs: readonly (readonly [string, () => Figures])[] = [
    ['liblinear-train, reading alone', () => liblinear(text, '-s', '0', '-e', '1e9')],
    theirs(0, 'logistic, primal'),
    theirs(2, 'squared hinge, primal'),
    ['mlml import', () => importing(text)],
    ours('logistic'),
    ours('squared_hinge'),
    [
      'mlml ssgd on the text, logistic: import and training in one process',
      () => training('logistic', epochs, text, `--test-file=${test}`, `--data-dir=data-${number}`),
    ],
    ['node -e 0', () => ({ ...timed(process.execPath, ['-e', '0']), accuracy: 0, passes: 0 })],
    ...(dual ? [theirs(7, 'logistic, dual'), theirs(1, 'squared hinge, dual')] : []),
  ];
  const figures = jobs.map((): Figures[] => []);
  for (let run = 0; run < runs; run++)
    for (const [i, [, measure]] of jobs.entries()) figures[i]!.push(measure());
  const of = (i: number, key: keyof Figures) => medianOf(figures[i]!.map((each) => each[key]));
  printTable(title, [
    ['job', 'processor s', 'wall s', 'peak RSS MB', 'passes', 'test accuracy'],
    ...jobs.map(([name], i) => [
      name,
      of(i, 'cpu').toFixed(2),
      of(i, 'wall').toFixed(2),
      of(i, 'megabytes').toFixed(0),
      of(i, 'passes') === 0 ? '' : String(of(i, 'passes')),
      of(i, 'accuracy') === 0 ? '' : of(i, 'accuracy').toFixed(4),
    ]),
  ]);
  for (const [loss, our, their] of [
    ['logistic', 4, 1],
    ['squared hinge', 5, 2],
  ] as const) {
    const time = (of(3, 'cpu') + of(our, 'cpu')) / of(their, 'cpu');
    const memory = Math.max(of(3, 'megabytes'), of(our, 'megabytes')) / of(their, 'megabytes');
    if (loss === 'logistic')
      console.log(
        `${loss}, text to model in one process: ${(of(6, 'cpu') / of(their, 'cpu')).toFixed(2)} of the time of liblinear-train`,
      );
    console.log(
      `${loss}, text to model: ${time.toFixed(2)} of the time of liblinear-train, ${memory.toFixed(2)} of its memory`,
    );
  }
}

try {
  const runs = argument('runs', 3);
  const copies = argument('copies', 100);
  compare('a9a (32 561 rows)', join(data, 'a9a'), 3, runs, true);
  const large = join(folder, 'a9a-many');
  const text = readFileSync(join(data, 'a9a'));
  writeFileSync(large, '');
  for (let i = 0; i < copies; i++) appendFileSync(large, text);
  compare(
    `${copies} copies of a9a (${32561 * copies} rows, ${(text.length * copies) / 1e6} MB)`,
    large,
    1,
    runs,
    false,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
