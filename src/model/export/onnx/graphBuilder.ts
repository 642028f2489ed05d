import { dtypeBytes, writeNumber } from '../../../arithmetic/dtype.js';
import type { Blob, Piece } from '../pieces.js';
import type { Precision } from '../precision.js';
import {
  type Attribute,
  type Dimension,
  type Domain,
  type ElementType,
  elementTypes,
  graphProto,
  nodeProto,
  tensorProto,
  valueProto,
} from './messages.js';

/** The values of a graph are known by their names alone. */
export type Value = string;

/** An input or output of an ONNX model. */
export interface PortDescription {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly Dimension[];
}

type Attributes = Readonly<Record<string, Attribute>>;

/**
 * Puts a graph together, operation by operation, in an order in which each follows those it needs. Inputs and outputs are
 * named first; the values between get names that none of them has.
 */
export class GraphBuilder {
  /** Type of the numbers that are computed with. */
  readonly precision: Precision;
  readonly inputs: PortDescription[] = [];
  readonly outputs: PortDescription[] = [];
  /** Of operators that are not among the standard ones. */
  readonly domains = new Set<Domain>();
  readonly #names: Set<string>;
  readonly #nodes: Piece[][] = [];
  readonly #constants: Piece[][] = [];
  readonly #scalars = new Map<string, Value>();

  /** `reserved`: names that others have, such as those of the graph around this one. */
  constructor(precision: Precision, reserved: Iterable<string> = []) {
    this.precision = precision;
    this.#names = new Set(reserved);
  }

  /** A name nobody has, the one wished for if possible; it is taken from now on. */
  name(wished: string): string {
    let name = wished;
    for (let i = 2; this.#names.has(name); i++) name = `${wished}_${i}`;
    this.#names.add(name);
    return name;
  }

  input(name: string, type: ElementType, shape: readonly Dimension[]): Value {
    this.inputs.push({ name, type, shape });
    return name;
  }

  output(name: string, type: ElementType, shape: readonly Dimension[]): void {
    this.outputs.push({ name, type, shape });
  }

  /** Adds an operation with one output, which is returned; `result` is its name where it matters. */
  add(type: string, inputs: readonly Value[], attributes: Attributes = {}, result?: string): Value {
    const output = result ?? this.name(type.toLowerCase());
    this.#nodes.push(nodeProto({ type, inputs, outputs: [output], attributes }));
    return output;
  }

  /** As `add`, an operator that is not among the standard ones. */
  addOf(domain: Domain, type: string, inputs: readonly Value[], attributes: Attributes): Value {
    const output = this.name(type.toLowerCase());
    this.#nodes.push(nodeProto({ type, inputs, outputs: [output], attributes, domain }));
    this.domains.add(domain);
    return output;
  }

  /** A value as another type. */
  cast(value: Value, type: ElementType): Value {
    return this.add('Cast', [value], { to: { integer: elementTypes[type] } });
  }

  /** A value of another type as a number that is computed with. */
  asNumber(value: Value): Value {
    return this.cast(value, this.precision);
  }

  /** A large constant, whose elements are written when the file is. */
  blob(name: string, type: ElementType, shape: readonly number[], content: Blob): Value {
    const value = this.name(name);
    this.#constants.push(tensorProto(value, type, shape, content));
    return value;
  }

  /** Numbers of the type that is computed with. */
  numbers(name: string, shape: readonly number[], numbers: ArrayLike<number>): Value {
    const size = dtypeBytes[this.precision];
    const view = new DataView(new ArrayBuffer(size * numbers.length));
    for (let i = 0; i < numbers.length; i++) writeNumber(view, size * i, this.precision, numbers[i]!);
    const value = this.name(name);
    this.#constants.push(tensorProto(value, this.precision, shape, new Uint8Array(view.buffer)));
    return value;
  }

  /** One number of the type that is computed with; equal ones are one constant. */
  scalar(value: number): Value {
    return this.#shared(`number ${Object.is(value, -0) ? '-0' : value}`, (name) =>
      this.numbers(name, [], [value]),
    );
  }

  /** Whole numbers, as shapes, axes and calendars need them. */
  integers(values: readonly number[], shape: readonly number[] = [values.length]): Value {
    return this.#shared(`whole ${shape.join('x')} ${values.join(' ')}`, (name) => {
      const view = new DataView(new ArrayBuffer(8 * values.length));
      for (const [i, each] of values.entries()) view.setBigInt64(8 * i, BigInt(each), true);
      const value = this.name(name);
      this.#constants.push(tensorProto(value, 'int64', shape, new Uint8Array(view.buffer)));
      return value;
    });
  }

  texts(name: string, texts: readonly string[]): Value {
    const value = this.name(name);
    this.#constants.push(tensorProto(value, 'string', [texts.length], texts));
    return value;
  }

  #shared(key: string, make: (name: string) => Value): Value {
    const known = this.#scalars.get(key);
    if (known !== undefined) return known;
    const value = make(key);
    this.#scalars.set(key, value);
    return value;
  }

  /** The fields of the graph's message. */
  finish(name: string, description?: string): Piece[] {
    const port = ({ name: port, type, shape }: PortDescription) => valueProto(port, type, shape);
    return graphProto({
      name,
      ...(description === undefined ? {} : { description }),
      nodes: this.#nodes,
      constants: this.#constants,
      inputs: this.inputs.map(port),
      outputs: this.outputs.map(port),
    });
  }

  /** All names that are taken: a graph inside this one needs others. */
  get names(): Iterable<string> {
    return this.#names;
  }
}
