import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isMissing } from '../src/data/columns/cells.js';
import { type ColumnMapping, type FeatureColumn, featureCount } from '../src/data/columns/columnMapping.js';
import { RowEncoder } from '../src/data/columns/rowEncoder.js';
import { Random } from '../src/memory/random.js';
import { exportModel } from '../src/model/export/exportModel.js';
import type { Predictor } from '../src/model/export/predictor/predictor.js';
import { MemoryStorage } from '../src/storage/memoryStorage.js';
import { randomLinear, referenceScores } from './support/exportedModels.js';
import { type Feed, openOnnx } from './support/onnxSession.js';

const CASES = 40;

const odd = fc.constantFrom(
  '',
  ' ',
  'label',
  'scores',
  'value',
  'features',
  '__proto__',
  'constructor',
  'toString',
  'add',
  'add_2',
  'weights',
  'NA',
  '\u2028',
  '"',
  "'",
  '\\',
  '*/',
  '</script>',
  '\u0024{1}',
  '`',
  '\r\n',
  '\uD800',
  '\uDC00x',
  '😀',
  'e\u0301',
  '\u00e9',
  '\uFEFF',
);
const name = fc.oneof(odd, fc.string({ unit: 'binary', maxLength: 6 }), fc.string({ maxLength: 6 }));
const missing = fc.record({ fill: fc.double({ noNaN: true, min: -9, max: 9 }), indicator: fc.boolean() });
// Whole strings go between JavaScript and the runtime up to a zero byte.
const value = name.filter((text) => !text.includes('\0') && !/\p{Surrogate}/u.test(text));
const feature: fc.Arbitrary<FeatureColumn> = fc.oneof(
  fc.record({ column: name, kind: fc.constant('number' as const), missing }),
  fc.record({ column: name, kind: fc.constant('boolean' as const), missing }),
  fc.record({
    column: name,
    kind: fc.constant('category' as const),
    values: fc.uniqueArray(value, { maxLength: 4 }),
  }),
  fc.record({ column: name, kind: fc.constant('hash' as const), bits: fc.integer({ min: 1, max: 4 }) }),
);
const cases = fc.record({
  features: fc
    .uniqueArray(feature, { minLength: 1, maxLength: 6, selector: ({ column }) => column })
    .filter((features) => featureCount({ features, label: { column: 'y', kind: 'class' } }) > 0),
  classNames: fc.uniqueArray(name, { minLength: 3, maxLength: 3 }),
  text: value,
  number: fc.double({ noNaN: true, min: -9, max: 9 }),
  isMissing: fc.boolean(),
  seed: fc.nat(1000),
});

test(`${CASES} models with odd names of columns, categories and classes, as ONNX, JSON and modules`, async () => {
  await fc.assert(
    fc.asyncProperty(cases, async ({ features, classNames, text, number, isMissing: none, seed }) => {
      const columns: ColumnMapping = { features, label: { column: 'y', kind: 'class' } };
      const d = featureCount(columns);
      const model = randomLinear(Random.of(seed), d, {
        task: 'classification',
        loss: 'softmax',
        k: 3,
        classNames,
        columns,
      });
      // A word, as it is, and values that are among the categories.
      const cellOf = (each: FeatureColumn) => {
        if (none) return null;
        if (each.kind === 'number') return number;
        if (each.kind === 'boolean') return true;
        return each.kind === 'category' && each.values.length > 0 ? each.values[0]! : text;
      };
      const cells = features.map(cellOf);
      const encoder = new RowEncoder(
        columns,
        features.map(({ column }) => column),
        [],
      );
      const row = new Float64Array(d);
      encoder.encode(cells, row, (column) => column);
      const wanted = referenceScores(model, [[...row]]);
      const best = classNames[wanted.indexOf(Math.max(...wanted))]!;
      const close = (scores: ArrayLike<unknown>) => {
        for (const [c, score] of wanted.entries())
          assert.ok(Math.abs((scores[c] as number) - score) <= 1e-12 * (1 + Math.abs(score)));
      };

      const storage = new MemoryStorage();
      for (const format of ['onnx', 'json', 'js'] as const)
        await exportModel(storage, model, `/m.${format}`, { format });
      const textOf = (path: string) =>
        new TextDecoder('utf8', { ignoreBOM: true }).decode(storage.bytesOf(path));

      const parsed = JSON.parse(textOf('/m.json'));
      assert.deepEqual([parsed.classes, parsed.columns], JSON.parse(JSON.stringify([classNames, columns])));

      const source = Buffer.from(storage.bytesOf('/m.js')).toString('base64');
      const module: Predictor = await import(`data:text/javascript;base64,${source}`);
      const object: Record<string, never> = JSON.parse(
        `{${features.map(({ column }, i) => `${JSON.stringify(column)}:${JSON.stringify(cells[i])}`).join(',')}}`,
      );
      close(module.predictScores(object));
      assert.equal(module.predict(object), best);

      const session = await openOnnx(storage.bytesOf('/m.onnx'));
      const used = features.filter((each) => each.kind !== 'category' || each.values.length > 0);
      const feeds: Record<string, Feed> = Object.create(null);
      for (const [i, input] of session.inputs.entries()) {
        const cell = cellOf(used[i]!);
        // As docs/export.md says that texts are to be given.
        const trimmed = typeof cell === 'string' && !isMissing(cell) ? cell.trim() : '';
        const isText = used[i]!.kind === 'category' || used[i]!.kind === 'hash';
        feeds[input] = isText
          ? [trimmed]
          : { numbers: Float64Array.of(cell === null ? Number.NaN : Number(cell)), d: 1 };
      }
      const outputs = await session.run(feeds);
      close(outputs['scores']!.values);
      assert.equal(
        outputs['label']!.values[0],
        best.replace(/\p{Surrogate}/gu, '\uFFFD').replace(/\0[\s\S]*/, ''),
      );
    }),
    { numRuns: CASES, seed: 2016 },
  );
});
