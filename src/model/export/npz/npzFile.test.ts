import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import {
  everyColumn,
  everyKernel,
  randomKernel,
  randomLinear,
  randomRows,
  referenceScores,
} from '../../../../test/support/exportedModels.js';
import { root } from '../../../../test/support/root.js';
import { temporaryFolder } from '../../../../test/support/temporaryFolder.js';
import { featureCount } from '../../../data/columns/columnMapping.js';
import { Random } from '../../../memory/random.js';
import { classOf } from '../../../ssgd/classOf.js';
import { MemoryStorage } from '../../../storage/memoryStorage.js';
import { probabilitiesOf } from '../../probabilities.js';
import type { Model } from '../../saveModel.js';
import { exportModel } from '../exportModel.js';
import { writeParts } from '../pieces.js';
import { zipPieces } from './zip.js';

const python = '/usr/bin/python3';
const has = (modules: string) => spawnSync(python, ['-c', `import ${modules}`]).status === 0;
const skipNumpy = has('numpy') ? false : 'no python3 with numpy';
const skipSklearn = has('sklearn') ? false : 'no python3 with scikit-learn';
/** The code that docs/export.md gives for scikit-learn. */
const documented = /```python\n(import json[\s\S]*?)```/.exec(
  readFileSync(join(root, 'docs', 'export.md'), 'utf8'),
)![1]!;

/** Runs a program that prints JSON. */
function runPython(folder: string, program: string): unknown {
  writeFileSync(join(folder, 'program.py'), program);
  const { status, stdout, stderr } = spawnSync(python, ['program.py'], { cwd: folder, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

async function exported(t: TestContext, model: Model, storage = new MemoryStorage()): Promise<string> {
  const folder = temporaryFolder(t);
  await exportModel(storage, model, '/m.npz', { format: 'npz' });
  writeFileSync(join(folder, 'm.npz'), storage.bytesOf('/m.npz'));
  return folder;
}

function close(found: readonly number[], wanted: readonly number[], tolerance = 1e-11): void {
  assert.equal(found.length, wanted.length);
  const largest = Math.max(...wanted.map(Math.abs));
  for (const [i, value] of wanted.entries())
    assert.ok(Math.abs(found[i]! - value) <= tolerance * largest, `[${i}]: ${found[i]}, not ${value}`);
}

describe('archives of arrays, in NumPy', { skip: skipNumpy }, () => {
  const listing =
    'import json, numpy as np\nm = np.load("m.npz")\n' +
    'print(json.dumps({n: [str(m[n].dtype), m[n].shape, m[n].tolist()] for n in m.files}))\n';

  test('every array of a linear model of a table, with odd names', async (t) => {
    const random = Random.of(1);
    const d = featureCount(everyColumn);
    const classNames = ['a', '😀 ü', ''];
    const meaning = {
      task: 'classification',
      loss: 'softmax',
      k: 3,
      classNames,
      columns: everyColumn,
    } as const;
    const model = randomLinear(random, d, meaning);
    const arrays = runPython(await exported(t, model), listing) as Record<string, unknown[]>;
    const { columns, ...rest } = arrays;
    assert.deepEqual(JSON.parse(columns![2] as string), everyColumn);
    const rows = (c: number) => [...model.weights.subarray(c * d, (c + 1) * d)];
    assert.deepEqual(rest, {
      format: ['<U11', [], 'mlml-export'],
      task: ['<U14', [], 'classification'],
      loss: ['<U7', [], 'softmax'],
      multiply: ['float64', [d], [...model.scaling.multiply]],
      add: ['float64', [d], [...model.scaling.add]],
      classes: ['<U3', [3], classNames],
      coef: ['float64', [3, d], [0, 1, 2].map(rows)],
      intercept: ['float64', [3], [...model.intercept]],
    });
  });

  for (const dtype of ['uint8', 'int8', 'int16', 'float16', 'float32', 'float64'] as const)
    test(`rows of ${dtype} without their labels`, async (t) => {
      const storage = new MemoryStorage();
      const meaning = { task: 'classification', k: 2 } as const;
      const made = await randomKernel(Random.of(2), storage, everyKernel[0]!, 7, 3, meaning, dtype);
      const arrays = runPython(await exported(t, made.model, storage), listing) as Record<string, unknown[]>;
      assert.deepEqual(arrays['X_fit'], [dtype, [7, 3], made.rows]);
      assert.deepEqual(arrays['classes'], ['int64', [2], [0, 1]]);
      assert.deepEqual(arrays['dual_coef']!.slice(0, 2), ['float64', [7, 2]]);
      assert.deepEqual(JSON.parse(arrays['kernel']![2] as string), everyKernel[0]);
    });

  test('a file of more than 4 GB in an archive has 64-bit sizes', async (t) => {
    const folder = temporaryFolder(t);
    const megabyte = new Uint8Array(1 << 20);
    const large = {
      byteLength: 4097 * megabyte.length,
      *chunks() {
        for (let i = 0; i < 4097; i++) yield megabyte;
      },
    };
    const small = new TextEncoder().encode('behind it');
    const pieces = zipPieces([
      { name: 'large', content: [large] },
      { name: 'small', content: [small] },
    ]);
    // The 4 GB are zeros: only where they begin and end something is written, so that the file has a hole.
    const { openSync, writeSync, closeSync } = await import('node:fs');
    const file = openSync(join(folder, 'm.zip'), 'w');
    let position = 0;
    const sink = {
      async write(bytes: Uint8Array) {
        if (bytes !== megabyte) writeSync(file, bytes, 0, bytes.length, position);
        position += bytes.length;
      },
    };
    const written = await writeParts(sink, pieces);
    closeSync(file);
    assert.equal(written, position);
    const found = runPython(
      folder,
      'import json, zipfile\nz = zipfile.ZipFile("m.zip")\n' +
        'print(json.dumps([[i.filename, i.file_size] for i in z.infolist()] + [z.read("small").decode()]))\n',
    );
    assert.deepEqual(found, [['large', large.byteLength], ['small', small.length], 'behind it']);
  });
});

describe('archives as estimators of scikit-learn, by the code of docs/export.md', {
  skip: skipSklearn,
}, () => {
  const cases = [
    ['softmax', 2],
    ['softmax', 4],
    ['logistic', 1],
    ['logistic', 3],
    ['hinge', 1],
    ['squared_hinge', 3],
    ['ridge', 2],
  ] as const;

  test('linear models', async (t) => {
    const folder = temporaryFolder(t);
    const random = Random.of(4);
    const storage = new MemoryStorage();
    const rows = randomRows(random, 15, 4, 'float64');
    const models = [
      ...cases.map(([loss, k]) => {
        const classNames = ['x', 'y', 'z', 'w'].slice(0, Math.max(2, k));
        return randomLinear(random, 4, { task: 'classification', loss, k, classNames });
      }),
      randomLinear(random, 4, { task: 'regression', loss: 'huber', k: 1 }),
      randomLinear(random, 4, { task: 'regression', loss: 'ridge', k: 3 }),
    ];
    for (const [i, model] of models.entries()) {
      await exportModel(storage, model, `/${i}.npz`, { format: 'npz' });
      writeFileSync(join(folder, `${i}.npz`), storage.bytesOf(`/${i}.npz`));
    }
    const program =
      `${documented}\nX = np.array(${JSON.stringify(rows)})\nresults = []\nfor i in range(${models.length}):\n` +
      '    p = load(f"{i}.npz")\n' +
      '    results.append([p.predict(X).tolist(), p.predict_proba(X).tolist() if hasattr(p, "predict_proba") else None])\n' +
      'print(json.dumps(results))\n';
    const results = runPython(folder, program) as [(string | number)[], number[][] | null][];
    for (const [i, model] of models.entries()) {
      const scores = Float64Array.from(referenceScores(model, rows));
      const [predicted, probabilities] = results[i]!;
      if (model.task === 'regression') {
        close((predicted as unknown[]).flat() as number[], [...scores]);
        continue;
      }
      assert.deepEqual(
        predicted,
        rows.map((_, row) => model.classNames[classOf(scores, row * model.k, model.k)]),
      );
      assert.equal(probabilities !== null, model.loss === 'softmax' || model.loss === 'logistic');
      if (probabilities === null) continue;
      const target = new Float64Array(Math.max(2, model.k));
      const wanted = rows.flatMap((_, row) => {
        probabilitiesOf(model, scores, row * model.k, target);
        return [...target];
      });
      close(probabilities.flat(), wanted);
    }
  });

  test('kernel models', async (t) => {
    const folder = temporaryFolder(t);
    const random = Random.of(5);
    const rows = randomRows(random, 6, 4, 'float32');
    const kernels = everyKernel.filter(({ kind }) => kind !== 'arc_cosine' && kind !== 'ntk');
    const wanted: number[][] = [];
    for (const [i, kernel] of kernels.entries()) {
      const storage = new MemoryStorage();
      const meaning = { task: 'classification', k: 2 } as const;
      const made = await randomKernel(random, storage, kernel, 12, 4, meaning);
      await exportModel(storage, made.model, '/m.npz', { format: 'npz' });
      writeFileSync(join(folder, `${i}.npz`), storage.bytesOf('/m.npz'));
      wanted.push(referenceScores(made.model, rows, made.rows));
    }
    const results = runPython(
      folder,
      `${documented}\nX = np.array(${JSON.stringify(rows)})\n` +
        `print(json.dumps([load(f"{i}.npz").predict(X).tolist() for i in range(${kernels.length})]))\n`,
    ) as number[][][];
    assert.equal(results.length, kernels.length);
    for (const [i, result] of results.entries()) close(result.flat(), wanted[i]!, 1e-7);
  });
});
