import type { Dtype } from '../../../arithmetic/dtype.js';
import { npyHeader } from '../../npyWriter.js';
import { classCount, classLabels } from '../classLabels.js';
import { featuresBlob, type ModelSource, numbersBlob, rowDtype, scalingOf } from '../modelSource.js';
import type { Piece } from '../pieces.js';
import { type ZipEntry, zipPieces } from './zip.js';

const codes: Readonly<Record<Dtype, string>> = {
  uint8: '|u1',
  int8: '|i1',
  int16: '<i2',
  float16: '<f2',
  float32: '<f4',
  float64: '<f8',
};

/** A model as a NumPy archive; docs/export.md lists its arrays. */
export function npzFile(source: ModelSource): Piece[] {
  const { model } = source;
  const { multiply, add } = scalingOf(source);
  const { d, k } = model;
  const entries: ZipEntry[] = [
    textEntry('format', 'mlml-export'),
    textEntry('task', model.task),
    textEntry('loss', model.loss),
    numberEntry('multiply', multiply, [d]),
    numberEntry('add', add, [d]),
  ];
  if (model.task === 'classification') {
    const names = classLabels(model);
    const numbers = Array.from({ length: classCount(model) }, (_, c) => c);
    entries.push(
      names === undefined ? wholeEntry('classes', numbers) : textsEntry('classes', names, [names.length]),
    );
  }
  if (source.kind === 'linear') {
    entries.push(numberEntry('coef', source.model.weights, [k, d]));
    entries.push(numberEntry('intercept', source.model.intercept, [k]));
  } else {
    const { n, kernel, coefficients } = source.model;
    const rows = featuresBlob(source.model, source.rows);
    entries.push(textEntry('kernel', JSON.stringify(kernel)));
    entries.push(arrayEntry('X_fit', codes[rowDtype(source.model)], [n, d], rows));
    entries.push(numberEntry('dual_coef', coefficients, [n, k]));
  }
  if (model.labelNames !== undefined)
    entries.push(textsEntry('labels', model.labelNames, [model.labelNames.length]));
  if (model.columns !== undefined) entries.push(textEntry('columns', JSON.stringify(model.columns)));
  if (model.calibration !== undefined)
    entries.push(textEntry('calibration', JSON.stringify(model.calibration)));
  return zipPieces(entries);
}

function arrayEntry(name: string, dtype: string, shape: readonly number[], content: Piece): ZipEntry {
  return { name: `${name}.npy`, content: [npyHeader(dtype, shape), content] };
}

function numberEntry(name: string, numbers: Float64Array, shape: readonly number[]): ZipEntry {
  return arrayEntry(name, '<f8', shape, numbersBlob(numbers, 'float64'));
}

function wholeEntry(name: string, numbers: readonly number[]): ZipEntry {
  const view = new DataView(new ArrayBuffer(8 * numbers.length));
  for (const [i, number] of numbers.entries()) view.setBigInt64(8 * i, BigInt(number), true);
  return arrayEntry(name, '<i8', [numbers.length], new Uint8Array(view.buffer));
}

const textEntry = (name: string, text: string) => textsEntry(name, [text], []);

/** NumPy keeps texts as code points of four bytes, all as long as the longest. */
function textsEntry(name: string, texts: readonly string[], shape: readonly number[]): ZipEntry {
  const points = texts.map((text) =>
    Array.from(text.replace(/\p{Surrogate}/gu, '\uFFFD'), (point) => point.codePointAt(0)!),
  );
  const width = points.reduce((most, { length }) => Math.max(most, length), 1);
  const view = new DataView(new ArrayBuffer(4 * width * texts.length));
  for (const [i, each] of points.entries())
    for (const [j, point] of each.entries()) view.setUint32(4 * (i * width + j), point, true);
  return arrayEntry(name, `<U${width}`, shape, new Uint8Array(view.buffer));
}
