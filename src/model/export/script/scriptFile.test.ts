import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { runProcess } from '../../../../test/support/childProcess.js';
import {
  columnsWithWords,
  encoded,
  everyCalibration,
  everyColumn,
  everyKernel,
  randomCells,
  randomKernel,
  randomLinear,
  randomRows,
  referenceScores,
} from '../../../../test/support/exportedModels.js';
import { root } from '../../../../test/support/root.js';
import { temporaryFolder } from '../../../../test/support/temporaryFolder.js';
import type { ColumnMapping } from '../../../data/columns/columnMapping.js';
import { featureCount } from '../../../data/columns/columnMapping.js';
import { Random } from '../../../memory/random.js';
import { classOf } from '../../../ssgd/classOf.js';
import type { LossName } from '../../../ssgd/options.js';
import { MemoryStorage } from '../../../storage/memoryStorage.js';
import { givesProbabilities, probabilitiesOf } from '../../probabilities.js';
import type { Model } from '../../saveModel.js';
import { exportModel } from '../exportModel.js';
import type { Predictor } from '../predictor/predictor.js';

interface Exported extends Predictor {
  readonly classes?: readonly (string | number)[];
}

/** The model as a module, imported from a folder of its own. */
async function exported(t: TestContext, model: Model, storage = new MemoryStorage()) {
  const { files } = await exportModel(storage, model, '/m.mjs', { format: 'js' });
  assert.deepEqual(
    files.map(({ path, bytes }) => [path, bytes]),
    ['/m.d.mts', '/m.mjs'].map((path) => [path, storage.bytesOf(path).length]),
  );
  const folder = temporaryFolder(t);
  for (const { path } of files) writeFileSync(join(folder, path), storage.bytesOf(path));
  const module: Exported = await import(pathToFileURL(join(folder, 'm.mjs')).href);
  return { module, folder };
}

function close(found: ArrayLike<number>, wanted: ArrayLike<number>, tolerance = 1e-12): void {
  assert.equal(found.length, wanted.length);
  const largest = Math.max(1e-300, ...Array.from(wanted, Math.abs));
  for (let i = 0; i < wanted.length; i++)
    assert.ok(
      Math.abs(found[i]! - wanted[i]!) <= tolerance * largest,
      `[${i}]: ${found[i]}, not ${wanted[i]}`,
    );
}

/** Checks everything the module says of rows whose scores are these. */
function sameMeaning<Row>(
  model: Model,
  module: Exported,
  rows: readonly Row[],
  scores: readonly number[],
): void {
  const { k, task } = model;
  const all = rows.flatMap((row) => [...module.predictScores(row as never)]);
  close(all, scores);
  for (const [i, row] of rows.entries()) {
    const own = Float64Array.from(all.slice(i * k, (i + 1) * k));
    const predicted = module.predict(row as never);
    if (task === 'regression') {
      assert.equal(predicted, own[0]);
      continue;
    }
    const wanted = classOf(own, 0, k);
    assert.equal(predicted, model.classNames.length === 0 ? wanted : model.classNames[wanted]);
    assert.equal(module.classes!.length, Math.max(2, k));
    assert.ok(module.classes!.includes(predicted));
    const probable = givesProbabilities(model);
    assert.equal('predictProbabilities' in module, probable);
    if (!probable) continue;
    const target = new Float64Array(Math.max(k, 2));
    probabilitiesOf(model, own, 0, target);
    assert.deepEqual(module.predictProbabilities(row as never), target);
  }
}

const losses: readonly (readonly [LossName, number])[] = [
  ['softmax', 3],
  ['logistic', 1],
  ['logistic', 4],
  ['hinge', 1],
  ['squared_hinge', 3],
  ['ridge', 2],
  ['huber', 3],
];

describe('linear models as modules', () => {
  for (const [loss, k] of losses)
    for (const named of [false, true])
      test(`${loss}, ${k} columns of scores${named ? ', classes with names' : ''}`, async (t) => {
        const random = Random.of(k);
        const names = ['no', '"</script>\u2028', '', '__proto__'].slice(0, Math.max(2, k));
        const classNames = named ? names : [];
        const model = randomLinear(random, 7, { task: 'classification', loss, k, classNames });
        const rows = randomRows(random, 20, 7, 'float64');
        const { module } = await exported(t, model);
        sameMeaning(model, module, rows, referenceScores(model, rows));
      });

  for (const k of [1, 2, 4])
    for (const calibration of everyCalibration(k))
      test(`calibrated by ${calibration.method} curves, ${k} columns of scores`, async (t) => {
        const random = Random.of(k);
        const loss = k === 1 ? 'hinge' : 'softmax';
        const made = randomLinear(random, 4, { task: 'classification', loss, k });
        const model = { ...made, calibration };
        const rows = randomRows(random, 40, 4, 'float64');
        const { module } = await exported(t, model);
        sameMeaning(model, module, rows, referenceScores(model, rows));
      });

  test('a regression on many features, whose weights take several lines, and typed arrays as rows', async (t) => {
    const random = Random.of(1);
    const model = randomLinear(random, 20_000, { task: 'regression', loss: 'ridge', k: 1 });
    const rows = randomRows(random, 2, 20_000, 'float32').map((row) => Float32Array.from(row));
    const { module } = await exported(t, model);
    sameMeaning(
      model,
      module,
      rows,
      referenceScores(
        model,
        rows.map((row) => [...row]),
      ),
    );
  });

  test('rows of another length, and with numbers that are none', async (t) => {
    const model = randomLinear(Random.of(2), 3, { task: 'regression', loss: 'ridge', k: 1 });
    const { module } = await exported(t, model);
    assert.throws(() => module.predict([1, 2]), {
      message: 'the row has 2 features, the model takes an array of 3',
    });
    assert.throws(() => module.predict([1, Number.NaN, 2]), {
      message: /^the scores of the row are not finite/,
    });
  });
});

describe('kernel models as modules', () => {
  for (const kernel of everyKernel)
    test(JSON.stringify(kernel), async (t) => {
      const random = Random.of(3);
      const storage = new MemoryStorage();
      const meaning = { task: 'classification', k: 3 } as const;
      const { model, rows: training } = await randomKernel(random, storage, kernel, 23, 6, meaning);
      const rows = [...randomRows(random, 9, 6, 'float32'), training[0]!];
      const { module } = await exported(t, model, storage);
      sameMeaning(model, module, rows, referenceScores(model, rows, training));
    });

  for (const dtype of ['uint8', 'int8', 'int16', 'float16', 'float64'] as const)
    test(`rows of ${dtype}`, async (t) => {
      const random = Random.of(4);
      const storage = new MemoryStorage();
      const meaning = { task: 'regression', k: 1 } as const;
      const made = await randomKernel(random, storage, everyKernel[0]!, 3000, 21, meaning, dtype);
      const rows = randomRows(random, 3, 21, dtype);
      const { module } = await exported(t, made.model, storage);
      sameMeaning(made.model, module, rows, referenceScores(made.model, rows, made.rows));
    });

  test('a function of a program is refused, and nothing is written', async () => {
    const storage = new MemoryStorage();
    const kernel = { kind: 'custom', name: 'mine' } as const;
    const { model } = await randomKernel(Random.of(1), storage, kernel, 3, 2, { task: 'regression', k: 1 });
    await assert.rejects(exportModel(storage, model, '/m.js', { format: 'js' }), {
      code: 'MLML_USAGE',
      message: /^--js: kernel custom:mine is a function of a program/,
    });
    await assert.rejects(exportModel(storage, model, '/m.ts', { format: 'js' }), {
      code: 'MLML_USAGE',
      message: '--out=/m.ts: the name of a module must end in .js or .mjs',
    });
    assert.deepEqual(storage.paths(), ['/rows.bin']);
  });
});

describe('models of tables as modules', () => {
  test('every kind of column, hashes and words too', async (t) => {
    const random = Random.of(8);
    const columns = columnsWithWords;
    const d = featureCount(columns);
    const model = randomLinear(random, d, { task: 'classification', loss: 'softmax', k: 3, columns });
    const rows = Array.from({ length: 200 }, () => randomCells(random, columns));
    const { module } = await exported(t, model);
    sameMeaning(model, module, rows, referenceScores(model, encoded(columns, rows)));
    // As texts, as they come from CSV.
    const [row] = rows;
    const texts = Object.fromEntries(
      Object.entries(row!).map(([name, cell]) => [
        name,
        cell === null || cell === undefined ? '' : cell instanceof Date ? cell.toISOString() : ` ${cell} `,
      ]),
    );
    close(module.predictScores(texts), module.predictScores(row!));
  });

  test('a column that is not there and a value of another kind are named', async (t) => {
    const columns = everyColumn;
    const model = randomLinear(Random.of(1), featureCount(columns), {
      task: 'regression',
      loss: 'ridge',
      k: 1,
      columns,
    });
    const { module } = await exported(t, model);
    const row = randomCells(Random.of(2), columns);
    const { rooms: _, ...without } = row;
    assert.throws(() => module.predict(without), {
      message: 'column "rooms" is not there; null stands for a missing value',
    });
    assert.throws(() => module.predict({ ...row, rooms: 'many' }), {
      message: 'column "rooms": "many" is not a number',
    });
  });

  test('the types compile, whatever the names of columns and classes', async (t) => {
    const missing = { fill: 0, indicator: false };
    const names = ['a b', '', '"', '__proto__', '\u2028', 'ключ', '*/', '\u0024{x}', '\\'];
    const columns: ColumnMapping = {
      features: names.map((column) => ({ column, kind: 'number', missing }) as const),
      label: { column: 'y', kind: 'class' },
    };
    const classNames = names.slice(0, 3);
    const meaning = { task: 'classification', loss: 'softmax', k: 3, classNames, columns } as const;
    const { module, folder } = await exported(t, randomLinear(Random.of(1), names.length, meaning));
    const row = JSON.parse(`{${names.map((name) => `${JSON.stringify(name)}: 1`).join(',')}}`);
    assert.ok(classNames.includes(module.predict(row) as string));
    const program =
      `import { classes, type Label, predict, predictProbabilities, predictScores, type Row } from './m.mjs';\n` +
      `const row: Row = { ${names.map((name) => `[${JSON.stringify(name)}]: null`).join(', ')} };\n` +
      `const label: 'a b' | '' | '"' = predict(row);\n` +
      `const first: Label | undefined = classes[0];\n` +
      `const numbers: Float64Array[] = [predictProbabilities(row), predictScores(row)];\n` +
      `console.log(label, first, numbers);\n`;
    writeFileSync(join(folder, 'program.mts'), program);
    const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const flags = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext', '--types', ''];
    const { status, stdout } = await runProcess(process.execPath, [compiler, ...flags, 'program.mts'], {
      cwd: folder,
    });
    // `console` needs no types of its own where the DOM is known.
    assert.equal(status, 0, stdout);
  });
});
