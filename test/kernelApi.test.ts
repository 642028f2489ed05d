import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import * as kernel from '../src/kernel/kernel.js';
import { runProcess } from './support/childProcess.js';
import { root } from './support/root.js';

describe('the package entry mlml/kernel', () => {
  test('exports the jobs behind the verbs, and what they take', () => {
    assert.deepEqual(Object.keys(kernel).sort(), [
      'MemMatrix',
      'customKernel',
      'defaultKernelOptions',
      'findKernel',
      'generateKernel',
      'importKernel',
      'iteratedRows',
      'kernelName',
      'listKernels',
      'npyMatrix',
      'planGenerate',
      'planKernelTraining',
      'pruneModel',
      'rawMatrix',
      'removeKernel',
      'solverNames',
      'tileDtypes',
      'trainKernel',
      'verifyKernel',
    ]);
    const jobs: kernel.KernelJobs = kernel;
    assert.equal(typeof jobs.trainKernel, 'function');
    assert.deepEqual(kernel.solverNames, ['ssgd', 'cg', 'bcd', 'closed', 'nystrom', 'krr']);
  });

  test('the example of its documentation runs', async (t) => {
    const source = readFileSync(join(root, 'src', 'kernel', 'kernel.ts'), 'utf8');
    const example = /@example\n([\s\S]*?)\n \*\n \* @module/.exec(source)![1]!;
    // Fewer rows, so that it takes a second.
    const text = example.replace(/^ \* ?/gm, '').replace('n: 5000', 'n: 500, nt: 200');
    // Below dist, so that the package finds itself by its name.
    const folder = join(root, 'dist', `example-${process.pid}`);
    mkdirSync(folder, { recursive: true });
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, 'example.mjs'), text);
    const { status, stdout, stderr } = await runProcess(process.execPath, ['example.mjs'], { cwd: folder });
    assert.equal(status, 0, stderr);
    const [accuracy, residual, n] = stdout.trim().split(' ').map(Number);
    assert.ok(accuracy! > 0.6 && accuracy! <= 1, stdout);
    assert.ok(residual! < 1e-4, stdout);
    assert.equal(n, 500);
  });
});
