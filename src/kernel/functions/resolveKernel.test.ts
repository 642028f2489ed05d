import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MlmlError } from '../../errors.js';
import type { KernelChoice } from '../options.js';
import { checkKernel } from './checkKernel.js';
import { customKernel, isCustom } from './customKernel.js';
import type { KernelFunction } from './kernelFunction.js';
import { canonicalKernel, kernelName } from './kernelName.js';
import { parseKernel } from './parseKernel.js';
import { resolveKernel } from './resolveKernel.js';

const medians = { l2: 8, l1: 40, chi2: 16 };
const facts = { d: 50, medianDistance: async (measure: 'l2' | 'l1' | 'chi2') => medians[measure] };
const resolve = (kernel: string, parameters: Omit<KernelChoice, 'kernel'> = {}) =>
  resolveKernel({ kernel, ...parameters }, facts);
const kernelOf = async (kernel: string, parameters: Omit<KernelChoice, 'kernel'> = {}) =>
  (await resolve(kernel, parameters)).kernel;

describe('the kernel a choice means', () => {
  test('defaults, by the median distance or the number of features', async () => {
    assert.deepEqual(await kernelOf('RBF'), { kind: 'rbf', lengthscale: 8 });
    assert.deepEqual(await kernelOf('laplacian'), { kind: 'laplacian', lengthscale: 8 });
    assert.deepEqual(await kernelOf('Laplacian-L1'), { kind: 'laplacian_l1', gamma: 1 / 40 });
    assert.deepEqual(await kernelOf('matern'), { kind: 'matern', nu: 1.5, lengthscale: 8 });
    assert.deepEqual(await kernelOf('chi2'), { kind: 'chi2', gamma: 1 / 16 });
    const cubic = { kind: 'polynomial', gamma: 1 / 50, coef0: 1, degree: 3 };
    assert.deepEqual(await kernelOf('polynomial'), cubic);
    assert.deepEqual(await kernelOf('poly'), cubic);
    assert.deepEqual(await kernelOf('sigmoid'), { kind: 'sigmoid', gamma: 1 / 50, coef0: 1 });
    assert.deepEqual(await kernelOf('ntk'), { kind: 'ntk', depth: 1 });
    assert.deepEqual(await kernelOf('precomputed'), { kind: 'precomputed' });
  });

  test('parameters as given', async () => {
    assert.deepEqual(await kernelOf('rbf', { sigma: 5 }), { kind: 'rbf', lengthscale: 5 });
    assert.deepEqual(await kernelOf('rbf', { gamma: 0.5 }), { kind: 'rbf', lengthscale: 1 });
    assert.deepEqual(await kernelOf('laplacian', { gamma: 0.5 }), { kind: 'laplacian', lengthscale: 2 });
    assert.deepEqual(await kernelOf('laplacian_l1', { sigma: 4 }), { kind: 'laplacian_l1', gamma: 0.25 });
    assert.deepEqual(await kernelOf('chi2', { gamma: 3 }), { kind: 'chi2', gamma: 3 });
    const matern = { kind: 'matern', nu: 2.5, lengthscale: 2 };
    assert.deepEqual(await kernelOf('matern', { nu: 2.5, sigma: 2 }), matern);
    const polynomial = { kind: 'polynomial', gamma: 2, coef0: 0, degree: 5 };
    assert.deepEqual(await kernelOf('poly', { gamma: 2, coef0: 0, degree: 5 }), polynomial);
    assert.deepEqual(await kernelOf('arc-cosine', { depth: 3 }), { kind: 'arc_cosine', depth: 3 });
  });

  test('expressions', async () => {
    const rbf = { kind: 'rbf', lengthscale: 2 };
    assert.deepEqual(await kernelOf('rbf+linear', { sigma: 2 }), {
      kind: 'sum',
      terms: [rbf, { kind: 'linear' }],
    });
    assert.deepEqual(await kernelOf(' 0.5 * rbf*Cosine ', { sigma: 2 }), {
      kind: 'scale',
      factor: 0.5,
      of: { kind: 'product', factors: [rbf, { kind: 'cosine' }] },
    });
    assert.deepEqual(await kernelOf('2*(rbf + 1e-1*linear)*4', { sigma: 2 }), {
      kind: 'scale',
      factor: 8,
      of: { kind: 'sum', terms: [rbf, { kind: 'scale', factor: 0.1, of: { kind: 'linear' } }] },
    });
    const custom = customKernel('Test.mine', () => {});
    assert.deepEqual(await kernelOf('linear+Custom:Test.mine'), {
      kind: 'sum',
      terms: [{ kind: 'linear' }, custom],
    });
  });

  test('reasons and warnings', async () => {
    const median = 'lengthscale 8 is the median distance between training rows (--sigma sets another)';
    assert.equal((await resolve('rbf+laplacian')).reason, median);
    assert.equal((await resolve('rbf', { sigma: 1 })).reason, 'parameters as given');
    assert.match((await resolve('poly')).reason, /^gamma 1\/50 is 1 over the number of features/);
    assert.match((await resolve('chi2')).reason, /^gamma 1\/16 is 1 over the median chi2 distance/);
    assert.equal((await resolve('rbf')).warning, undefined);
    assert.match((await resolve('rbf*sigmoid')).warning ?? '', /sigmoid kernel is not positive definite/);
    assert.match((await resolve('poly', { coef0: -1 })).warning ?? '', /coef0 -1 is not positive definite/);
  });
});

const refusals: [string, Omit<KernelChoice, 'kernel'>, RegExp][] = [
  ['rbff', {}, /there is no kernel 'rbff'; did you mean 'rbf'\?/],
  ['polynomal', {}, /did you mean 'polynomial'\?/],
  ['wavelet', {}, /choose one of rbf, laplacian, .*custom:<name>/],
  ['rbf', { sigma: 1, gamma: 1 }, /--sigma=1 and --gamma=1: each says what the other does/],
  ['rbf', { degree: 3 }, /--degree=3: kernel rbf has no degree; it takes --sigma, --gamma/],
  ['linear', { sigma: 3 }, /has no sigma; it takes no parameters/],
  ['poly', { sigma: 3 }, /it takes --gamma, --degree, --coef0/],
  ['matern', { nu: 2 }, /--nu=2: must be 0\.5, 1\.5 or 2\.5/],
  ['rbf', { sigma: 0 }, /--sigma=0: must be a positive number/],
  ['rbf', { sigma: Infinity }, /must be a positive number/],
  ['rbf', { gamma: NaN }, /must be a positive number/],
  ['laplacian', { gamma: 1e-320 }, /its inverse is no number/],
  ['poly', { degree: 2.5 }, /--degree=2\.5: must be a whole number/],
  ['poly', { degree: 0 }, /must be a whole number/],
  ['ntk', { depth: -1 }, /--depth=-1: must be a whole number/],
  ['poly', { coef0: NaN }, /--coef0=NaN: must be a number/],
  ['', {}, /a kernel is missing at its end/],
  ['rbf+', {}, /a kernel is missing at its end/],
  ['rbf linear', {}, /'linear' does not belong there/],
  ['(rbf', {}, /a '\)' is missing/],
  ['rbf)', {}, /'\)' does not belong there/],
  ['*rbf', {}, /'\*' stands where a kernel should/],
  ['rbf-linear', {}, /there is no kernel 'rbf-linear'/],
  ['rbf/2', {}, /'\/' has no meaning there/],
  ['rbf+1', {}, /1 stands alone/],
  ['0*rbf', {}, /a factor of 0 is no positive number/],
  ['2*precomputed', {}, /precomputed cannot be combined/],
  ['custom:missing', {}, /custom:missing is not known in this process/],
];

describe('choices that are refused', () => {
  for (const [kernel, parameters, message] of refusals) {
    test(`${kernel} ${Object.entries(parameters)}`, async () => {
      await assert.rejects(
        resolve(kernel, parameters),
        (error) => error instanceof MlmlError && error.code === 'MLML_USAGE' && message.test(error.message),
      );
    });
  }

  test('chi2 of negative features', async () => {
    const negative = { ...facts, smallestFeature: -0.5 };
    await assert.rejects(
      resolveKernel({ kernel: 'rbf+chi2' }, negative),
      /not negative.* -0\.5; use --scale=unit/,
    );
    await resolveKernel({ kernel: 'chi2' }, { ...facts, smallestFeature: 0 });
  });

  test('a name that is no custom kernel', () => {
    assert.throws(() => customKernel('two words', () => {}), /custom kernel 'two words'/);
    assert.equal(parseKernel('custom:a.b-c').kind, 'custom');
  });
});

const whole: KernelFunction = {
  kind: 'sum',
  terms: [
    { kind: 'product', factors: [{ kind: 'rbf', lengthscale: 5 }, { kind: 'cosine' }] },
    { kind: 'scale', factor: 0.5, of: { kind: 'matern', nu: 1.5, lengthscale: 2 } },
    { kind: 'polynomial', gamma: 0.25, coef0: 1, degree: 3 },
    { kind: 'custom', name: 'mine' },
  ],
};

test('names', () => {
  assert.equal(kernelName({ kind: 'rbf', lengthscale: 5 }), 'rbf(lengthscale 5)');
  assert.equal(kernelName({ kind: 'linear' }), 'linear');
  assert.equal(
    kernelName(whole),
    'rbf(lengthscale 5)*cosine + 0.5*matern(nu 1.5, lengthscale 2) + ' +
      'polynomial(gamma 0.25, coef0 1, degree 3) + custom:mine',
  );
  assert.equal(
    kernelName({
      kind: 'scale',
      factor: 2,
      of: { kind: 'sum', terms: [{ kind: 'linear' }, { kind: 'cosine' }] },
    }),
    '2*(linear + cosine)',
  );
  assert.equal(isCustom(whole), true);
  assert.equal(isCustom({ kind: 'linear' }), false);
});

test('equal kernels have equal canonical texts', () => {
  const turned = { lengthscale: 2, nu: 1.5, kind: 'matern' } as const;
  assert.equal(canonicalKernel(turned), '{"kind":"matern","lengthscale":2,"nu":1.5}');
  assert.equal(canonicalKernel(JSON.parse(canonicalKernel(whole))), canonicalKernel(whole));
});

describe('kernels read from files', () => {
  test('pass unchanged, without fields that are not theirs', () => {
    assert.deepEqual(checkKernel(JSON.parse(canonicalKernel(whole)), 'x'), whole);
    assert.deepEqual(checkKernel({ kind: 'linear', gamma: 3 }, 'x'), { kind: 'linear' });
  });
  const faults: [unknown, RegExp][] = [
    [undefined, /k\.json: field 'kernel' is undefined; expected a kernel/],
    [{ kind: 'rbff' }, /field 'kernel\.kind' is "rbff"; expected one of rbf, /],
    [{ kind: 'toString' }, /kernel\.kind/],
    [{ kind: 'rbf' }, /field 'kernel\.lengthscale' is undefined; expected a positive number/],
    [{ kind: 'rbf', lengthscale: -1 }, /kernel\.lengthscale' is -1/],
    [{ kind: 'matern', nu: 3, lengthscale: 1 }, /kernel\.nu' is 3; expected 0\.5, 1\.5 or 2\.5/],
    [{ kind: 'polynomial', gamma: 1, coef0: null, degree: 3 }, /kernel\.coef0' is null/],
    [{ kind: 'sum', terms: [] }, /kernel\.terms' is \[\]/],
    [{ kind: 'sum', terms: [{ kind: 'ntk', depth: 1.5 }] }, /kernel\.terms\[0\]\.depth' is 1\.5/],
    [{ kind: 'product', factors: 3 }, /kernel\.factors' is 3/],
    [{ kind: 'scale', factor: 0, of: { kind: 'linear' } }, /kernel\.factor' is 0/],
    [{ kind: 'scale', factor: 1 }, /kernel\.of' is undefined/],
    [{ kind: 'custom' }, /kernel\.name' is undefined/],
  ];
  for (const [value, message] of faults) {
    test(`refused: ${JSON.stringify(value)}`, () => {
      assert.throws(
        () => checkKernel(value, 'k.json'),
        (error) =>
          error instanceof MlmlError && error.code === 'MLML_BAD_FILE' && message.test(error.message),
      );
    });
  }
});
