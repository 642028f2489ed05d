import { MlmlError } from '../../../errors.js';
import { formatBytes } from '../../../memory/byteSize.js';
import { classLabels } from '../classLabels.js';
import { featuresBlob, type ModelSource, numbersBlob, rowDtype, scalingOf } from '../modelSource.js';
import { type Piece, pieceBytes } from '../pieces.js';
import type { Precision } from '../precision.js';
import { featureNodes } from './featureNodes.js';
import { GraphBuilder, type PortDescription, type Value } from './graphBuilder.js';
import { kernelNodes } from './kernelNodes.js';
import { modelProto } from './messages.js';
import { outputNames, outputNodes } from './outputNodes.js';

/** Protocol Buffers count the bytes of a message in 31 bits. */
const MOST_BYTES = 2 ** 31 - 1;

export interface OnnxFile {
  readonly pieces: readonly Piece[];
  readonly inputs: readonly PortDescription[];
  readonly outputs: readonly PortDescription[];
}

/**
 * A model as an ONNX file, preprocessing included. `MLML_USAGE` for what ONNX cannot say (custom kernels, columns of words) and
 * for a file that would be larger than the format allows.
 */
export function onnxFile(source: ModelSource, precision: Precision): OnnxFile {
  const { model } = source;
  const graph = new GraphBuilder(precision, outputNames);
  const { columns, labelNames } = model;
  const { features, inputs } = featureNodes(graph, model.d, columns);
  const scores =
    source.kind === 'linear' ? linearScores(graph, source, features) : kernelScores(graph, source, features);
  outputNodes(graph, model, scores);
  const names = classLabels(model);
  const properties: Record<string, string> = {
    'mlml.task': model.task,
    'mlml.loss': model.loss,
    'mlml.fingerprint': model.fingerprint,
    ...(names === undefined ? {} : { 'mlml.classes': JSON.stringify(names) }),
    ...(labelNames === undefined ? {} : { 'mlml.labels': JSON.stringify(labelNames) }),
    ...(columns === undefined ? {} : { 'mlml.inputs': JSON.stringify(inputs) }),
  };
  const pieces = modelProto(graph.finish('mlml'), graph.domains, properties);
  const bytes = pieceBytes(pieces);
  if (bytes > MOST_BYTES) {
    const smaller = precision === 'float64' ? ', --precision=float32 makes weights half as large' : '';
    throw new MlmlError(
      'MLML_USAGE',
      `--onnx: the file would have ${formatBytes(bytes)}, an ONNX file has at most ${formatBytes(MOST_BYTES)}; ` +
        `--npz has no such limit${smaller}`,
    );
  }
  return { pieces, inputs: graph.inputs, outputs: graph.outputs };
}

/** multiply·x + add; what changes nothing is left out. */
class Scaler {
  readonly #graph: GraphBuilder;
  readonly #multiply: Value | undefined;
  readonly #add: Value | undefined;

  constructor(graph: GraphBuilder, source: ModelSource) {
    const { multiply, add } = scalingOf(source);
    const vector = (name: string, numbers: Float64Array, neutral: number) => {
      if (numbers.every((number) => number === neutral)) return undefined;
      if (numbers.every((number) => number === numbers[0])) return graph.scalar(numbers[0]!);
      return graph.blob(name, graph.precision, [numbers.length], numbersBlob(numbers, graph.precision));
    };
    this.#graph = graph;
    this.#multiply = vector('multiply', multiply, 1);
    this.#add = vector('add', add, 0);
  }

  scaled(rows: Value): Value {
    const graph = this.#graph;
    const product = this.#multiply === undefined ? rows : graph.add('Mul', [rows, this.#multiply]);
    return this.#add === undefined ? product : graph.add('Add', [product, this.#add]);
  }
}

type Of<K extends ModelSource['kind']> = Extract<ModelSource, { readonly kind: K }>;

function linearScores(graph: GraphBuilder, source: Of<'linear'>, features: Value): Value {
  const { weights, intercept, k, d } = source.model;
  const { precision } = graph;
  const w = graph.blob('weights', precision, [k, d], numbersBlob(weights, precision));
  const b = graph.blob('intercept', precision, [k], numbersBlob(intercept, precision));
  const x = new Scaler(graph, source).scaled(features);
  return graph.add('Gemm', [x, w, b], { transB: { integer: 1 } });
}

function kernelScores(graph: GraphBuilder, source: Of<'kernel'>, features: Value): Value {
  const { model, rows } = source;
  const { n, d, k, coefficients, geometry, kernel } = model;
  const { precision } = graph;
  const dtype = rowDtype(model);
  // As they are stored: bytes take an eighth of the room of doubles.
  const stored = graph.blob('training rows', dtype, [n, d], featuresBlob(model, rows));
  const scaler = new Scaler(graph, source);
  const x = scaler.scaled(features);
  const y = scaler.scaled(dtype === precision ? stored : graph.asNumber(stored));
  const mean = () => graph.blob('mean', precision, [d], numbersBlob(geometry.mean, precision));
  const values = kernelNodes(graph, kernel, { x, y, mean, n });
  const a = graph.blob('coefficients', precision, [n, k], numbersBlob(coefficients, precision));
  return graph.add('MatMul', [values, a]);
}
