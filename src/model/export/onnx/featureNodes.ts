import { isMissing, type MissingWords, missingWords } from '../../../data/columns/cells.js';
import type {
  CategoryColumn,
  ColumnMapping,
  FeatureColumn,
  HashedColumn,
} from '../../../data/columns/columnMapping.js';
import { widthOf } from '../../../data/columns/columnMapping.js';
import { MlmlError } from '../../../errors.js';
import { dateParts } from './dateNodes.js';
import type { GraphBuilder, Value } from './graphBuilder.js';
import type { ElementType } from './messages.js';

export const ROWS = 'rows';
const FEATURES_INPUT = 'features';

/** An input of the exported model and the column of a table that it takes. */
export interface ColumnInput {
  readonly input: string;
  readonly column: string;
  readonly kind: FeatureColumn['kind'];
}

/** Rows of features as they are before scaling: [rows, d]. The inputs are those of the model. */
export function featureNodes(
  graph: GraphBuilder,
  d: number,
  columns: ColumnMapping | undefined,
): { features: Value; inputs: readonly ColumnInput[] } {
  if (columns === undefined) {
    const name = graph.name(FEATURES_INPUT);
    return { features: graph.input(name, graph.precision, [ROWS, d]), inputs: [] };
  }
  const inputs: ColumnInput[] = [];
  const ports = new Map<string, Value>();
  const used = columns.features.filter((feature) => widthOf(feature) > 0);
  for (const feature of used) {
    const { column, kind } = feature;
    const type = inputType(feature, graph.precision);
    const key = `${type} ${column}`;
    if (ports.has(key)) continue;
    const name = graph.name(inputName(column, inputs.length));
    ports.set(key, graph.input(name, type, [ROWS, 1]));
    inputs.push({ input: name, column, kind });
  }
  // Names of values between are given only now, when the inputs have theirs.
  const parts = used.flatMap((feature) =>
    partsOf(
      graph,
      feature,
      ports.get(`${inputType(feature, graph.precision)} ${feature.column}`)!,
      missingWords(columns),
    ),
  );
  if (parts.length === 1) return { features: parts[0]!, inputs };
  return { features: graph.add('Concat', parts, { axis: { integer: 1 } }), inputs };
}

/** The name of a column, where it can be that of an input: some runtimes end a name at a zero byte, and none may be empty. */
function inputName(column: string, position: number): string {
  const name = column.replace(/\p{Surrogate}|\0/gu, '\uFFFD');
  return name === '' ? `column_${position}` : name;
}

function inputType({ kind, column }: FeatureColumn, precision: ElementType): ElementType {
  switch (kind) {
    case 'number':
    case 'boolean':
      return precision;
    // Floats tell seconds since 1970 apart in steps of minutes.
    case 'date':
      return 'float64';
    case 'category':
    case 'hash':
      return 'string';
    case 'text':
      throw new MlmlError(
        'MLML_USAGE',
        `--onnx: column ${JSON.stringify(column)} enters the model as its words, for which ONNX has no operators; ` +
          'export with --js or --json, or train on the data imported without that column',
      );
  }
}

function partsOf(graph: GraphBuilder, feature: FeatureColumn, value: Value, words: MissingWords): Value[] {
  if (feature.kind === 'category') return [categoryPart(graph, feature, value, words)];
  if (feature.kind === 'hash') return [hashedPart(graph, feature, value)];
  if (feature.kind === 'text') return [];
  const missing = graph.add('IsNaN', [value]);
  const { fill, fills } = feature.missing;
  const filled = (part: Value, i: number) =>
    graph.add('Where', [missing, graph.scalar(fills?.[i] ?? fill), part]);
  const parts =
    feature.kind === 'date'
      ? dateParts(graph, value, missing, feature.parts).map(filled)
      : [filled(value, 0)];
  return feature.missing.indicator ? [...parts, graph.asNumber(missing)] : parts;
}

/** [rows, values]: 1 where the text is that value; a text that is none of them is all zeros. */
function oneHot(graph: GraphBuilder, values: readonly string[], text: Value): Value {
  const encoded = graph.addOf('ai.onnx.ml', 'OneHotEncoder', [text], {
    cats_strings: { texts: values },
    zeros: { integer: 1 },
  });
  const flat = graph.add('Squeeze', [encoded, graph.integers([1])]);
  return graph.precision === 'float32' ? flat : graph.asNumber(flat);
}

function categoryPart(
  graph: GraphBuilder,
  { values }: CategoryColumn,
  text: Value,
  missing: MissingWords,
): Value {
  const hot = oneHot(graph, values, text);
  // Values are trimmed before they are compared, and words for a missing value are no category.
  const reached = values.map((value) => (isMissing(value, missing) || value !== value.trim() ? 0 : 1));
  if (reached.every((one) => one === 1)) return hot;
  return graph.add('Mul', [hot, graph.numbers('reached values', [values.length], reached)]);
}

/** [rows, 2^bits]: 1 at the hash of the text; the empty text is all zeros. */
function hashedPart(graph: GraphBuilder, { bits }: HashedColumn, text: Value): Value {
  const hash = graph.addOf('com.microsoft', 'MurmurHash3', [text], {
    positive: { integer: 1 },
    seed: { integer: 0 },
  });
  const width = 2 ** bits;
  const place = graph.add('Mod', [graph.cast(hash, 'int64'), graph.integers([width])]);
  const [first, end, step] = [0, width, 1].map((number) => graph.integers([number], []));
  const places = graph.add('Range', [first!, end!, step!]);
  const hot = graph.asNumber(graph.add('Equal', [place, places]));
  const missing = oneHot(graph, [''], text);
  return graph.add('Mul', [hot, graph.add('Sub', [graph.scalar(1), missing])]);
}
