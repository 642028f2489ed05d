/** A command that is killed and gone on with. `digits` data sets are made in the folder before. */
export interface TortureJob {
  readonly name: string;
  readonly words: readonly string[];
  /** Reads the stored kernel whose memId takes the place of ID in the words. */
  readonly stored?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

const KERNEL = ['--kernel=rbf', '--sigma=5', '--buffer=8', '--nthreads=1'];
const STORED = ['--memId=ID', '--buffer=5', '--nthreads=1'];
const SSGD = [
  'ssgd',
  'many',
  '--buffer=0.4',
  '--epochs=6',
  '--loss=softmax',
  '--logfreq=100',
  '--nthreads=1',
];
const OFTEN = '--checkpoint-every=0.01s';
/** Kernel solvers save after every step. */
const env = { MLML_CHECKPOINT_SECONDS: '0' };

/** One job for each verb and each way of working that saves a state of its own. */
export const tortureJobs: readonly TortureJob[] = [
  { name: 'closed', words: ['closed', 'many', '--checkpoint-every=0s', '--nthreads=1'] },
  { name: 'closed-cg', words: ['closed', 'many', '--buffer=1', '--checkpoint-every=0s', '--nthreads=1'] },
  { name: 'gd', words: ['gd', 'small', '--iters=400', OFTEN, '--nthreads=1'] },
  {
    name: 'gd-passes',
    words: ['gd', 'small', '--iters=30', '--loss=softmax', '--checkpoint-every=0s', '--nthreads=1'],
  },
  { name: 'sgd', words: ['sgd', 'small', '--iters=8000', '--logfreq=100', OFTEN, '--nthreads=1'] },
  { name: 'ssgd', words: [...SSGD, OFTEN] },
  { name: 'ssgd-levels', words: [...SSGD, OFTEN, '--buffer=0.25', '--average'] },
  { name: 'ssgd-once', words: [...SSGD, OFTEN, '--reshuffle=once', '--optimizer=adam'] },
  { name: 'ssgd-sort', words: [...SSGD, OFTEN, '--algo=external_sort', '--optimizer=nesterov'] },
  { name: 'ssgd-block', words: [...SSGD, OFTEN, '--algo=block_shuffle', '--optimizer=adagrad'] },
  { name: 'ssgd-none', words: [...SSGD, OFTEN, '--algo=none', '--eta0=0.01'] },
  { name: 'ssgd-holdout', words: [...SSGD, OFTEN, '--holdout=0.1', '--patience=3'] },
  { name: 'ssgd-sweep', words: [...SSGD, OFTEN, '--sweep=reg=0.1,10', '--holdout=0.2', '--buffer=1'] },
  { name: 'hsgd', words: ['hsgd', ...SSGD.slice(1), OFTEN] },
  { name: 'cg', words: ['cg', 'kernel', ...KERNEL, '--rank=20', '--reg=1e-2', '--tol=1e-5'], env },
  { name: 'bcd', words: ['bcd', 'kernel', ...KERNEL, '--block=100', '--reg=1e-2', '--tol=1e-5'], env },
  { name: 'nystrom', words: ['nystrom', 'kernel', ...KERNEL, '--centers=200', '--reg=1,0.1'], env },
  { name: 'closed-memId', words: ['closed', 'kernel', ...STORED, '--reg=1,0.1'], stored: true, env },
  { name: 'ssgd-memId', words: ['ssgd', 'kernel', ...STORED, '--epochs=4'], stored: true, env },
  // Which solver it takes is measured, and kept in run.json.
  { name: 'krr', words: ['krr', 'kernel', ...KERNEL, '--reg=1e-2,1'], env },
  { name: 'sparse-closed', words: ['closed', 'sparse', '--checkpoint-every=0s', '--nthreads=1'] },
  {
    name: 'sparse-passes',
    words: ['closed', 'sparse', '--buffer=0.6', '--checkpoint-every=0s', '--nthreads=1'],
  },
  { name: 'sparse-gd', words: ['gd', 'sparse', '--iters=40', '--loss=logistic', OFTEN, '--nthreads=1'] },
  {
    name: 'sparse-cg',
    words: ['cg', 'sparse', '--subset=1500', ...KERNEL, '--rank=20', '--reg=1e-2', '--tol=1e-5'],
    env,
  },
  {
    name: 'sparse-generate',
    words: ['generate', 'sparse', '--subset=2000', ...KERNEL, '--tile=64'],
    env,
  },
  { name: 'generate', words: ['generate', 'kernel', ...KERNEL, '--tile=64'], env },
];
