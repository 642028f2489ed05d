import { data, dataNames, fileSynopsis, type VerbDescription } from './verbDescription.js';

const goesOn = 'A job that was killed goes on where it was when the same command is given again.';

function solvingVerb(
  name: string,
  summary: string,
  details: readonly string[],
  examples: VerbDescription['examples'],
): VerbDescription {
  return {
    summary,
    synopsis: [fileSynopsis(name), `mlml ${name} (${dataNames}) [options]`],
    details: [...details, goesOn, data],
    examples,
  };
}

/** What the help says about the verbs of kernels. */
export const kernelVerbTable = {
  generate: {
    summary: 'compute the kernel of a data set and store it on disk',
    synopsis: [fileSynopsis('generate'), `mlml generate (${dataNames}) --kernel=<kernel> [options]`],
    details: [
      'The n x n kernel is made tile by tile inside --buffer; the lower triangle is stored. The last line on stdout is ' +
        'the memId, under which cg, bcd, closed and ssgd find it.',
      goesOn,
      data,
    ],
    examples: [
      ['mlml generate mnist --kernel=rbf --sigma=5 --subset=10000', 'a kernel of 10 000 rows'],
      ['mlml generate cifar-10 --kernel=rbf --sigma=12 --dtype=float16 --buffer=100', 'half the disk space'],
      ['mlml generate spam --kernel=matern --nu=2.5', 'with the lengthscale from the data'],
    ],
  },
  cg: solvingVerb(
    'cg',
    'kernel ridge regression by preconditioned conjugate gradients',
    ['With --memId the stored kernel is streamed; without, the kernel is computed again in each pass.'],
    [
      ['mlml cg mnist --kernel=rbf --sigma=5 --buffer=1000', 'nothing is stored'],
      ['mlml cg mnist --memId=<id> --reg=1,0.1,0.01', 'three regularizations at one go'],
    ],
  ),
  bcd: solvingVerb(
    'bcd',
    'kernel ridge regression by block coordinate descent',
    [
      'Needs the least memory. A few passes bring the accuracy of the exact solution, many more its residual.',
    ],
    [
      ['mlml bcd mnist --kernel=rbf --sigma=5 --passes=4', 'four passes'],
      ['mlml bcd mnist --memId=<id> --block=2000', 'blocks of 2000 rows'],
    ],
  ),
  nystrom: solvingVerb(
    'nystrom',
    'approximate kernel ridge regression on chosen rows, in one pass',
    [
      'For data with many rows: --centers of them stand for all. Each further regularization costs next to nothing.',
    ],
    [['mlml nystrom mnist --centers=2000 --sigma=5 --reg=1,0.1,0.01', '2000 rows, three regularizations']],
  ),
  krr: solvingVerb(
    'krr',
    'kernel ridge regression, with the solver picked for the data and the budget',
    [
      'Picks the solver, storing or computing the kernel, the size of tiles and the rank of the preconditioner from ' +
        'the sizes, --buffer and measured speeds, and says why.',
    ],
    [
      ['mlml krr digits --n=10000', 'a first kernel model'],
      ['mlml krr mnist --sigma=5 --buffer=1000', 'in a gigabyte'],
    ],
  ),
  kernels: {
    summary: 'list, check and remove stored kernels',
    synopsis: [
      'mlml kernels [options]',
      'mlml kernels rm <memId> [options]',
      'mlml kernels verify <memId> [options]',
    ],
    details: ['verify reads all tiles and compares their checksums.'],
    examples: [
      ['mlml kernels', 'the kernels in ./kernels'],
      ['mlml kernels verify <memId>', 'read one whole'],
      ['mlml kernels rm <memId>', 'free its disk space'],
    ],
  },
  prune: {
    summary: 'drop rows with negligible coefficients from a kernel model',
    synopsis: ['mlml prune <model> --out=<folder> (--keep=<share>|--tol=<share>) [options]'],
    details: [
      '<model> is a model folder or a run folder. Predictions take less time in proportion; check the accuracy with evaluate.',
    ],
    examples: [
      [
        'mlml prune runs/cg-2026-01-31T12-00-00 --keep=0.5 --out=half',
        'the half with the largest coefficients',
      ],
      [
        'mlml prune model --tol=0.001 --out=smaller',
        'rows with at least a thousandth of the largest coefficients',
      ],
    ],
  },
} as const satisfies Readonly<Record<string, VerbDescription>>;
