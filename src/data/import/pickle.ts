import type { ByteReader } from './byteReader.js';

/** A long string (above 1024 bytes) left in the file: where its bytes lie. */
export class PickledBytes {
  readonly offset: number;
  readonly byteLength: number;

  constructor(offset: number, byteLength: number) {
    this.offset = offset;
    this.byteLength = byteLength;
  }
}

/** A numpy array: its shape, type code (`u1`) and where its bytes lie. */
export class PickledArray {
  shape: readonly PickleValue[] = [];
  type = '';
  columnMajor = false;
  bytes = new PickledBytes(0, 0);
}

class PickledType {
  readonly type: string;

  constructor(type: string) {
    this.type = type;
  }
}

class Global {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

class Tuple {
  readonly items: readonly PickleValue[];

  constructor(items: readonly PickleValue[]) {
    this.items = items;
  }
}

const MARK = Symbol('mark');

export type PickleValue =
  | number
  | string
  | boolean
  | null
  | PickleValue[]
  | Map<PickleValue, PickleValue>
  | PickledBytes
  | PickledArray
  | PickledType
  | Global
  | Tuple;

/** What a pickle may name. Nothing is ever looked up or called: each has its one meaning here. */
const allowedGlobals: Record<string, 'array' | 'reconstruct' | 'dtype'> = {
  'numpy ndarray': 'array',
  'numpy dtype': 'dtype',
  'numpy.core.multiarray _reconstruct': 'reconstruct',
  'numpy._core.multiarray _reconstruct': 'reconstruct',
};

/** Longer strings are not kept. */
const LONGEST_KEPT = 16;
/** Strings up to here are neither kept nor located: the file names of images. */
const LONGEST_DROPPED = 1024;
const dropped = new PickledBytes(0, 0);
const LONGEST_GLOBAL = 100;
/** Bytes of the longest opcode with what belongs to it. */
const LONGEST_OPCODE = LONGEST_GLOBAL + 4;
/** Values made in all; a CIFAR-10 batch makes about 30 000. */
const MOST_VALUES = 400_000;

/**
 * Reads one pickle of protocol 2 or 3 made of dicts, lists, tuples, numbers, strings and numpy arrays.
 * Executes nothing: an opcode or a global outside the list is an error naming its offset. Long strings stay in the file.
 */
export async function readPickle(reader: ByteReader): Promise<PickleValue> {
  return await new PickleMachine(reader).run();
}

class PickleMachine {
  readonly #reader: ByteReader;
  readonly #stack: (PickleValue | typeof MARK)[] = [];
  readonly #memo: PickleValue[] = [];
  #made = 0;
  /** Offset of the opcode being carried out. */
  #at = 0;
  /** Bytes of a long string to be skipped after the opcode. */
  #skip = 0;

  constructor(reader: ByteReader) {
    this.#reader = reader;
  }

  #fault(message: string) {
    return this.#reader.fault(`pickle: ${message}`, this.#at);
  }

  async run(): Promise<PickleValue> {
    await this.#reader.prepare(LONGEST_OPCODE);
    if (this.#reader.byte('a pickle') !== 0x80) throw this.#fault('does not begin with a protocol number');
    const protocol = this.#reader.byte('the pickle protocol');
    if (protocol !== 2 && protocol !== 3) throw this.#fault(`protocol ${protocol}; 2 or 3 is needed`);
    for (;;) {
      // Waiting for every byte would cost more memory than all the values.
      if (!this.#reader.has(LONGEST_OPCODE)) await this.#reader.prepare(LONGEST_OPCODE);
      this.#at = this.#reader.position;
      const opcode = this.#reader.byte('the rest of the pickle');
      if (opcode === 0x2e) break;
      this.#step(String.fromCharCode(opcode), opcode);
      if (this.#skip > 0) await this.#reader.skip(this.#skip, `a string of ${this.#skip} bytes`);
      this.#skip = 0;
    }
    const result = this.#pop();
    if (this.#stack.length > 0) throw this.#fault('ends with values left over');
    return result;
  }

  #step(letter: string, opcode: number): void {
    switch (letter) {
      case '(':
        this.#stack.push(MARK);
        return this.#count();
      case ')':
        return this.#push(new Tuple([]));
      case '}':
        return this.#push(new Map());
      case ']':
        return this.#push([]);
      case 'N':
        return this.#push(null);
      case '\x88':
        return this.#push(true);
      case '\x89':
        return this.#push(false);
      case 'K':
        return this.#push(this.#unsigned(1));
      case 'M':
        return this.#push(this.#unsigned(2));
      case 'J':
        return this.#push(this.#unsigned(4) | 0);
      case 'U':
      case 'C':
        return this.#string(this.#unsigned(1));
      case 'T':
      case 'X':
      case 'B':
        return this.#string(this.#unsigned(4));
      case 'q':
        return this.#remember(this.#unsigned(1));
      case 'r':
        return this.#remember(this.#unsigned(4));
      case 'h':
        return this.#recall(this.#unsigned(1));
      case 'j':
        return this.#recall(this.#unsigned(4));
      case 't':
        return this.#push(new Tuple(this.#popToMark()));
      case '\x85':
      case '\x86':
      case '\x87':
        return this.#push(new Tuple(this.#popMany(opcode - 0x84)));
      case 'a':
        return this.#append(this.#popMany(1));
      case 'e':
        return this.#append(this.#popToMark());
      case 's':
        return this.#setItems(this.#popMany(2));
      case 'u':
        return this.#setItems(this.#popToMark());
      case 'c':
        return this.#push(this.#global());
      case 'R':
        return this.#reduce();
      case 'b':
        return this.#build();
    }
    throw this.#fault(`opcode 0x${opcode.toString(16).padStart(2, '0')} is not allowed`);
  }

  #count(): void {
    if (++this.#made > MOST_VALUES)
      throw this.#fault(`more than ${MOST_VALUES} values; not a CIFAR-10 batch`);
  }

  #push(value: PickleValue): void {
    this.#count();
    this.#stack.push(value);
  }

  #pop(): PickleValue {
    const value = this.#stack.pop();
    if (value === undefined || value === MARK) throw this.#fault('takes a value where there is none');
    return value as PickleValue;
  }

  #popMany(count: number): PickleValue[] {
    return Array.from({ length: count }, () => this.#pop()).reverse();
  }

  #popToMark(): PickleValue[] {
    const mark = this.#stack.lastIndexOf(MARK);
    if (mark < 0) throw this.#fault('takes values up to a mark where there is none');
    const values = this.#stack.splice(mark + 1) as PickleValue[];
    this.#stack.pop();
    return values;
  }

  #top(): PickleValue {
    const value = this.#pop();
    this.#stack.push(value);
    return value;
  }

  #append(values: PickleValue[]): void {
    const list = this.#top();
    if (!Array.isArray(list)) throw this.#fault('appends to something that is not a list');
    for (const value of values) list.push(value);
  }

  #setItems(values: PickleValue[]): void {
    const dict = this.#top();
    if (!(dict instanceof Map) || values.length % 2 === 1)
      throw this.#fault('sets items of something that is not a dict');
    for (let i = 0; i < values.length; i += 2) dict.set(values[i]!, values[i + 1]!);
  }

  #remember(slot: number): void {
    this.#count();
    // Pickles number their memos one after the other.
    if (slot > this.#memo.length + 64) throw this.#fault(`sets memo ${slot} out of order`);
    this.#memo[slot] = this.#top();
  }

  #recall(slot: number): void {
    const value = this.#memo[slot];
    if (value === undefined) throw this.#fault(`recalls memo ${slot}, which was never set`);
    this.#push(value);
  }

  #unsigned(bytes: number): number {
    let value = 0;
    for (let i = 0; i < bytes; i++) value += this.#reader.byte('a number of the pickle') * 256 ** i;
    return value;
  }

  /** Pushes a short string, or the place of a long one, whose bytes are then skipped. */
  #string(byteLength: number): void {
    if (byteLength > LONGEST_KEPT) {
      this.#skip = byteLength;
      const isDropped = byteLength <= LONGEST_DROPPED;
      return this.#push(isDropped ? dropped : new PickledBytes(this.#reader.position, byteLength));
    }
    let text = '';
    for (let i = 0; i < byteLength; i++)
      text += String.fromCharCode(this.#reader.byte('a string of the pickle'));
    this.#push(text);
  }

  #global(): Global {
    const lines = ['', ''];
    for (let line = 0; line < 2; ) {
      const byte = this.#reader.byte('the name of a global');
      if (byte === 0x0a) line++;
      else lines[line] += String.fromCharCode(byte);
      if (lines[0]!.length + lines[1]!.length > LONGEST_GLOBAL)
        throw this.#fault('the name of a global is too long');
    }
    const name = lines.join(' ');
    if (!Object.hasOwn(allowedGlobals, name)) {
      throw this.#fault(`the global '${name.replace(' ', '.')}' is not allowed; this file may be malicious`);
    }
    return new Global(name);
  }

  #reduce(): void {
    const [callee, argument] = this.#popMany(2);
    const meaning = callee instanceof Global ? allowedGlobals[callee.name] : undefined;
    const items = argument instanceof Tuple ? argument.items : [];
    if (meaning === 'reconstruct') return this.#push(new PickledArray());
    if (meaning === 'dtype' && typeof items[0] === 'string') return this.#push(new PickledType(items[0]));
    throw this.#fault('calls something other than numpy array or dtype');
  }

  #build(): void {
    const state = this.#pop();
    const target = this.#top();
    const items = state instanceof Tuple ? state.items : [];
    // The state of a dtype is byte order and padding, which single bytes do not have.
    if (target instanceof PickledType) return;
    const [, shape, type, columnMajor, bytes] = items;
    if (
      !(target instanceof PickledArray) ||
      !(shape instanceof Tuple) ||
      !(type instanceof PickledType) ||
      !(bytes instanceof PickledBytes)
    ) {
      throw this.#fault('sets the state of something that is not a numpy array');
    }
    target.shape = shape.items;
    target.type = type.type;
    target.columnMajor = columnMajor === true;
    target.bytes = bytes;
  }
}
