import { Buffer } from 'node:buffer';
import { columnsOf } from '../../../data/columns/columnMapping.js';
import { MlmlError } from '../../../errors.js';
import { leavesOf } from '../../../kernel/functions/evaluationPlan.js';
import { kernelName } from '../../../kernel/functions/kernelName.js';
import { formatBytes } from '../../../memory/byteSize.js';
import { calibrationOf } from '../../../ssgd/scoreCalibration.js';
import { packagedText } from '../../../storage/packagedText.js';
import { givesProbabilities } from '../../probabilities.js';
import { classCount, classLabels } from '../classLabels.js';
import { featuresBlob, type ModelSource, numbersBlob, rowDtype, scalingOf } from '../modelSource.js';
import { type Blob, type Chunks, chunksOf } from '../pieces.js';
import type { PredictorDescription, PredictorNumbers } from '../predictor/predictor.js';

/** Bytes of numbers in a line of base64: a multiple of 3, so that none is padded, and of all sizes of numbers. */
const LINE_BYTES = 3 * 8 * 2048;
/** Engines take no longer texts than about this as the source of a module. */
const MOST_BYTES = 2 ** 28;

/**
 * A model as an ECMAScript module without dependencies, for browsers and servers. `MLML_USAGE` for a kernel that is a function of a
 * program, and for a model too large for a module.
 */
export function scriptFile(source: ModelSource): Chunks {
  const { model } = source;
  if (source.kind === 'kernel') {
    const custom = leavesOf(source.model.kernel).find(({ kind }) => kind === 'custom');
    if (custom !== undefined)
      throw new MlmlError(
        'MLML_USAGE',
        `--js: kernel ${kernelName(custom)} is a function of a program, which a file cannot hold; predict with mlml`,
      );
  }
  const numbers = numbersOf(source);
  const bytes = Object.values(numbers).reduce(
    (sum, { byteLength }) => sum + Math.ceil((byteLength * 4) / 3),
    0,
  );
  if (bytes > MOST_BYTES)
    throw new MlmlError(
      'MLML_USAGE',
      `--js: the module would have ${formatBytes(bytes)}, engines load at most about ${formatBytes(MOST_BYTES)}; use --onnx or --npz`,
    );
  return {
    async *chunks() {
      const encoder = new TextEncoder();
      yield encoder.encode(beginning(source));
      for (const [name, blob] of Object.entries(numbers)) {
        yield encoder.encode(`  ${name}: [\n`);
        for await (const line of linesOf(blob)) {
          yield encoder.encode("    '");
          yield line;
          yield encoder.encode("',\n");
        }
        yield encoder.encode('  ],\n');
      }
      yield encoder.encode(ending(source));
    },
  };

  function beginning(of: ModelSource): string {
    const classes = classLabels(model);
    const description: PredictorDescription = {
      task: model.task,
      loss: model.loss,
      d: model.d,
      k: model.k,
      ...(classes === undefined ? {} : { classes }),
      ...columnsOf(model),
      ...calibrationOf(model),
      ...(of.kind === 'linear' ? {} : { kernel: of.model.kernel, n: of.model.n, dtype: rowDtype(of.model) }),
    };
    return (
      '// A model trained by mlml, with all it needs to predict: made by `mlml export --js`.\n' +
      '// The code is that of mlml, under the BSD 3-Clause licence, copyright the mlml authors.\n' +
      `${packagedText('bundle/predictor/predictor.js')}` +
      `const model = ${JSON.stringify(description)};\n` +
      'const predictor = mlml.makePredictor(model, {\n'
    );
  }
}

function ending({ model }: ModelSource): string {
  const lines = ['});'];
  if (model.task === 'classification') {
    const labels = classLabels(model) ?? Array.from({ length: classCount(model) }, (_, c) => c);
    lines.push(`export const classes = ${JSON.stringify(labels)};`);
  }
  if (model.labelNames !== undefined)
    lines.push(`export const outputs = ${JSON.stringify(model.labelNames)};`);
  lines.push('export const { predict, predictScores } = predictor;');
  if (givesProbabilities(model)) lines.push('export const { predictProbabilities } = predictor;');
  return `${lines.join('\n')}\n`;
}

function numbersOf(source: ModelSource): Readonly<Partial<Record<keyof PredictorNumbers, Blob>>> {
  const { multiply, add } = scalingOf(source);
  const doubles = (numbers: Float64Array) => numbersBlob(numbers, 'float64');
  const scaling = { multiply: doubles(multiply), add: doubles(add) };
  if (source.kind === 'linear') {
    const { weights, intercept } = source.model;
    return { ...scaling, weights: doubles(weights), intercept: doubles(intercept) };
  }
  const { model, rows } = source;
  return { ...scaling, coefficients: doubles(model.coefficients), rows: featuresBlob(model, rows) };
}

/** The bytes in base64, in lines of whole numbers. */
async function* linesOf(blob: Blob): AsyncGenerator<Uint8Array> {
  const line = Buffer.alloc(LINE_BYTES);
  let used = 0;
  const encoded = () => Buffer.from(line.subarray(0, used).toString('base64'), 'latin1');
  for await (const chunk of chunksOf(blob)) {
    for (let at = 0; at < chunk.length; ) {
      const count = Math.min(chunk.length - at, LINE_BYTES - used);
      line.set(chunk.subarray(at, at + count), used);
      used += count;
      at += count;
      if (used < LINE_BYTES) continue;
      yield encoded();
      used = 0;
    }
  }
  if (used > 0) yield encoded();
}
