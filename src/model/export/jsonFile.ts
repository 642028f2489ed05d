import { type Dtype, dtypeBytes, readNumber } from '../../arithmetic/dtype.js';
import { columnsOf } from '../../data/columns/columnMapping.js';
import { calibrationOf } from '../../ssgd/scoreCalibration.js';
import { classLabels } from './classLabels.js';
import { featuresBlob, type ModelSource, rowDtype, scalingOf } from './modelSource.js';
import { type Blob, type Chunks, chunksOf } from './pieces.js';

const FLUSH_AT = 1 << 16;
const NUMBERS_AT_ONCE = 1024;

/** A model as one JSON object, all numbers with all their digits; docs/export.md lists its fields. */
export function jsonFile(source: ModelSource): Chunks {
  return {
    async *chunks() {
      const encoder = new TextEncoder();
      let text = '';
      for await (const piece of jsonTexts(source)) {
        text += piece;
        if (text.length < FLUSH_AT) continue;
        yield encoder.encode(text);
        text = '';
      }
      yield encoder.encode(text);
    },
  };
}

async function* jsonTexts(source: ModelSource): AsyncGenerator<string> {
  const { model } = source;
  const { d, k } = model;
  const { multiply, add } = scalingOf(source);
  const classes = classLabels(model);
  const head = {
    format: 'mlml-export',
    version: 1,
    kind: source.kind,
    task: model.task,
    loss: model.loss,
    d,
    k,
    ...(classes === undefined ? {} : { classes }),
    ...columnsOf(model),
    ...calibrationOf(model),
    ...(source.kind === 'linear' ? {} : { n: source.model.n, kernel: source.model.kernel }),
  };
  // The closing brace comes last.
  yield JSON.stringify(head).slice(0, -1);
  yield ',\n"multiply":';
  yield* list(multiply);
  yield ',\n"add":';
  yield* list(add);
  if (source.kind === 'linear') {
    yield ',\n"weights":';
    yield* table(source.model.weights, d);
    yield ',\n"intercept":';
    yield* list(source.model.intercept);
  } else {
    yield ',\n"coefficients":';
    yield* table(source.model.coefficients, k);
    yield ',\n"rows":';
    yield* storedTable(featuresBlob(source.model, source.rows), rowDtype(source.model), d);
  }
  yield '}\n';
}

function* list(numbers: Float64Array): Generator<string> {
  yield '[';
  for (let from = 0; from < numbers.length; from += NUMBERS_AT_ONCE) {
    const some = numbers.subarray(from, from + NUMBERS_AT_ONCE).join(',');
    yield from === 0 ? some : `,${some}`;
  }
  yield ']';
}

function* table(numbers: Float64Array, width: number): Generator<string> {
  yield '[';
  for (let at = 0; at < numbers.length; at += width) {
    if (at > 0) yield ',\n';
    yield* list(numbers.subarray(at, at + width));
  }
  yield ']';
}

/** Chunks are whole rows. */
async function* storedTable(blob: Blob, dtype: Dtype, d: number): AsyncGenerator<string> {
  const size = dtypeBytes[dtype];
  const row = new Float64Array(d);
  let start = '[';
  for await (const chunk of chunksOf(blob)) {
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    for (let at = 0; at < chunk.length; at += size * d) {
      for (let j = 0; j < d; j++) row[j] = readNumber(view, at + size * j, dtype);
      yield start;
      yield* list(row);
      start = ',\n';
    }
  }
  yield ']';
}
