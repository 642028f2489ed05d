import type { Piece } from '../pieces.js';
import { bytesField, floatField, integerField, joined, textField } from './protobuf.js';

/** The messages of an ONNX file that are needed here, with the field numbers of onnx.proto (https://onnx.ai). */

/** Element types of tensors. */
export const elementTypes = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int16: 5,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
} as const;
export type ElementType = keyof typeof elementTypes;

/** A size, or the name of one that is not known before. */
export type Dimension = number | string;

export type Attribute =
  | { readonly float: number }
  | { readonly integer: number }
  | { readonly text: string }
  | { readonly integers: readonly number[] }
  | { readonly texts: readonly string[] }
  /** The fields of a GraphProto. */
  | { readonly graph: readonly Piece[] };

function attributeProto(name: string, value: Attribute): Piece[] {
  const type = (code: number) => integerField(20, code);
  const start = textField(1, name);
  if ('float' in value) return [...start, ...floatField(2, value.float), ...type(1)];
  if ('integer' in value) return [...start, ...integerField(3, value.integer), ...type(2)];
  if ('text' in value) return [...start, ...textField(4, value.text), ...type(3)];
  if ('graph' in value) return [...start, ...bytesField(6, value.graph), ...type(5)];
  if ('integers' in value)
    return [...start, ...value.integers.flatMap((each) => integerField(8, each)), ...type(7)];
  return [...start, ...value.texts.flatMap((each) => textField(9, each)), ...type(8)];
}

export interface Operation {
  readonly type: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** Default: that of the standard operators. */
  readonly domain?: Domain;
}

export function nodeProto({ type, inputs, outputs, attributes = {}, domain }: Operation): Piece[] {
  return joined([
    ...inputs.flatMap((name) => textField(1, name)),
    ...outputs.flatMap((name) => textField(2, name)),
    ...textField(3, `node of ${outputs[0]}`),
    ...textField(4, type),
    ...Object.entries(attributes).flatMap(([name, value]) => bytesField(5, attributeProto(name, value))),
    ...(domain === undefined ? [] : textField(7, domain)),
  ]);
}

/** A constant: `content` are its elements, little-endian, row by row, or texts. */
export function tensorProto(
  name: string,
  type: ElementType,
  dimensions: readonly number[],
  content: Piece | readonly string[],
): Piece[] {
  const isText = Array.isArray(content);
  return joined([
    ...dimensions.flatMap((size) => integerField(1, size)),
    ...integerField(2, elementTypes[type]),
    ...(isText ? content.flatMap((text) => textField(6, text)) : []),
    ...textField(8, name),
    ...(isText ? [] : bytesField(9, [content as Piece])),
  ]);
}

/** An input or output. */
export function valueProto(name: string, type: ElementType, shape: readonly Dimension[]): Piece[] {
  const dimension = (size: Dimension) =>
    bytesField(1, typeof size === 'number' ? integerField(1, size) : textField(2, size));
  const shapeProto = bytesField(2, shape.flatMap(dimension));
  const tensorType = bytesField(1, [...integerField(1, elementTypes[type]), ...shapeProto]);
  return joined([...textField(1, name), ...bytesField(2, tensorType)]);
}

export interface GraphParts {
  readonly name: string;
  readonly description?: string;
  readonly nodes: readonly (readonly Piece[])[];
  readonly constants: readonly (readonly Piece[])[];
  readonly inputs: readonly (readonly Piece[])[];
  readonly outputs: readonly (readonly Piece[])[];
}

export function graphProto({ name, description, nodes, constants, inputs, outputs }: GraphParts): Piece[] {
  return joined([
    ...nodes.flatMap((node) => bytesField(1, node)),
    ...textField(2, name),
    ...constants.flatMap((constant) => bytesField(5, constant)),
    ...(description === undefined ? [] : textField(10, description)),
    ...inputs.flatMap((input) => bytesField(11, input)),
    ...outputs.flatMap((output) => bytesField(12, output)),
  ]);
}

/** Operators are those of these versions: any runtime since 2022 has them. */
const OPERATORS = 17;
/** Operators of classical machine learning, and those that onnxruntime has beyond the standard. */
const domainVersions = { 'ai.onnx.ml': 3, 'com.microsoft': 1 } as const;
export type Domain = keyof typeof domainVersions;
const FORMAT_VERSION = 8;

/** A whole file, whose graph has operators of these domains beside the standard ones. */
export function modelProto(
  graph: readonly Piece[],
  domains: Iterable<Domain>,
  properties: Readonly<Record<string, string>>,
): Piece[] {
  const operators = (domain: string, version: number) =>
    bytesField(8, [...textField(1, domain), ...integerField(2, version)]);
  return joined([
    ...integerField(1, FORMAT_VERSION),
    ...textField(2, 'mlml'),
    ...bytesField(7, graph),
    ...operators('', OPERATORS),
    ...Array.from(domains, (domain) => operators(domain, domainVersions[domain])).flat(),
    ...Object.entries(properties).flatMap(([name, value]) =>
      bytesField(14, [...textField(1, name), ...textField(2, value)]),
    ),
  ]);
}
