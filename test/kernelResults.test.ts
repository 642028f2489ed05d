import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { KernelModel } from '../src/kernel/kernelModel.js';
import { loadModel } from '../src/model/loadModel.js';
import { nodeStorage } from '../src/storage/nodeStorage.js';
import { runCli } from './support/cli.js';

const MLML_DATA = process.env['MLML_DATA'];
const KERNEL = ['--kernel=rbf', '--sigma=5', '--nthreads=2'];

/**
 * scikit-learn's KernelRidge(alpha=0.1, kernel='rbf', gamma=1/50) in float64 on features / 255 and one-hot targets; the
 * leave-one-out accuracy from numpy's inverse of K + 0.1·I.
 */
interface Expected {
  readonly source: readonly string[];
  readonly n: number;
  readonly buffer: number;
  readonly accuracy: number;
  /** Mean over the test rows of half the squared error. */
  readonly loss: number;
  readonly leaveOneOut: number;
  /** Frobenius norm of the coefficients. */
  readonly norm: number;
  /** First three coefficients of some rows. */
  readonly rows: Readonly<Record<number, readonly number[]>>;
  /** Solve too without a stored kernel. */
  readonly computed: boolean;
  /** Stop and room for rounding: entries are float32, and cond(K + 0.1·I) 750 and 4 300. */
  readonly tolerance: number;
}

const digits: Expected = {
  source: ['digits', '--n=600', '--nt=400'],
  n: 600,
  buffer: 8,
  accuracy: 0.8775,
  loss: 0.15301680252053446,
  leaveOneOut: 0.86,
  norm: 23.42648574558652,
  rows: {
    0: [0.07422554016477462, 0.02477188048033119, -0.12341033346266138],
    1: [-0.17859109184779748, -0.006802679697696552, 0.011051298017876583],
    599: [-0.16862095943199554, -0.10154347956646465, -0.07464254843599415],
  },
  computed: true,
  tolerance: 1e-6,
};

const mnist: Expected = {
  source: ['mnist'],
  n: 3000,
  buffer: 32,
  accuracy: 0.9533,
  loss: 0.07099393483255748,
  leaveOneOut: 0.9596666666666667,
  norm: 40.76004366686508,
  rows: {
    0: [-0.050469609182801495, 0.047098096001580915, -0.20072659559312778],
    1: [0.026640896087603106, -0.006025724871809374, 0.03978233021825175],
    2999: [0.05470816004202655, -0.050820024347365524, -0.010413024711797496],
  },
  computed: false,
  tolerance: 2e-6,
};

const norm = (values: Float64Array) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
const distance = (a: Float64Array, b: Float64Array) => norm(a.map((value, i) => value - b[i]!));

async function compare(t: TestContext, expected: Expected): Promise<void> {
  const { source, n, buffer, tolerance } = expected;
  const cwd = mkdtempSync(join(tmpdir(), 'mlml-results-'));
  t.after(() => rmSync(cwd, { recursive: true, force: true }));
  const run = async (...args: string[]) => {
    const { status, stdout, stderr } = await runCli(t, [...args, '--quiet'], { cwd, env: { MLML_DATA } });
    assert.equal(status, 0, `mlml ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  await run('import', ...source, '--out=data');
  const memory = [`--buffer=${buffer}`, `--subset=${n}`, '--sample=first'];
  const { memId } = JSON.parse(await run('generate', 'data', ...KERNEL, ...memory, '--json'));
  const stored = [`--memId=${memId}`, ...memory, '--nthreads=2'];
  const solvers = {
    ...(expected.computed && { 'cg, computed': ['cg', 'data', ...KERNEL, ...memory, '--tol=1e-7'] }),
    cg: ['cg', 'data', ...stored, '--tol=1e-7'],
    bcd: ['bcd', 'data', ...stored, '--tol=1e-7', '--passes=300'],
    closed: ['closed', 'data', ...stored],
  };
  const found: [string, Float64Array][] = [];
  for (const [name, words] of Object.entries(solvers)) {
    const result = JSON.parse(await run(...words, `--out=${found.length}`, '--json'));
    assert.ok(result.residual <= 1e-7, `${name}: residual ${result.residual}`);
    if (name === 'closed') {
      assert.ok(result.residual <= 1e-10, `${name}: residual ${result.residual}`);
      assert.equal(result.leaveOneOut, expected.leaveOneOut);
    }
    assert.equal(result.test.accuracy, expected.accuracy, name);
    assert.ok(Math.abs(result.test.loss - expected.loss) < 1e-7, `${name}: loss ${result.test.loss}`);
    const model = (await loadModel(nodeStorage, join(cwd, String(found.length)))) as KernelModel;
    const { coefficients, k } = model;
    assert.equal(coefficients.length, n * 10);
    const off = Math.abs(norm(coefficients) / expected.norm - 1);
    assert.ok(off < tolerance, `${name}: norm off by ${off}`);
    for (const [row, values] of Object.entries(expected.rows)) {
      for (const [c, value] of values.entries()) {
        const error = Math.abs(coefficients[Number(row) * k + c]! - value);
        assert.ok(error < tolerance, `${name}: coefficient of row ${row}, class ${c} off by ${error}`);
      }
    }
    for (const [other, theirs] of found) {
      const apart = distance(coefficients, theirs) / expected.norm;
      assert.ok(apart < tolerance, `${name} and ${other} differ by ${apart}`);
    }
    found.push([name, coefficients]);
  }
}

describe('cg, bcd and closed find the coefficients that scikit-learn finds', () => {
  test('600 rows of digits', async (t) => compare(t, digits));
  test('3 000 rows of MNIST', { skip: MLML_DATA === undefined && 'MLML_DATA is not set' }, async (t) =>
    compare(t, mnist),
  );
});
