import { MlmlError } from '../../../errors.js';
import type { ByteReader } from '../../import/byteReader.js';
import { checkTable, FlatBufferFault, FlatTable, type TableKind } from './flatBuffer.js';

/** Kinds of messages. */
export const SCHEMA = 1;
export const DICTIONARY = 2;
const RECORDS = 3;

/** A schema of a hundred thousand columns has less. */
const LONGEST_METADATA = 2 ** 24;
const MAGIC = 'ARROW1\0\0';

/** A message of an Arrow stream. The bytes of both are its own. */
export interface ArrowMessage {
  readonly kind: number;
  /** Its header, checked. */
  readonly header: FlatTable;
  /** With the length before it, as it stood. */
  readonly metadata: Uint8Array;
  readonly body: Uint8Array;
}

const text = { text: true } as const;
const plain: TableKind = { fields: () => ({}) };
const pair: TableKind = { fields: () => ({ 0: text, 1: text }) };
const type = (kind: number): TableKind => ({
  // A timestamp has the name of a zone, a union a list of numbers.
  fields: () => (kind === 10 ? { 1: text } : kind === 14 ? { 1: { list: 4 } } : {}),
});
const encoding: TableKind = { fields: () => ({ 1: { table: plain } }) };
const field: TableKind = {
  fields: (table) => ({
    0: text,
    3: { table: type(table.byte(2)) },
    4: { table: encoding },
    5: { tables: field },
    6: { tables: pair },
  }),
};
const schema: TableKind = { fields: () => ({ 1: { tables: field }, 2: { tables: pair }, 3: { list: 8 } }) };
const records: TableKind = {
  fields: () => ({ 1: { list: 16 }, 2: { list: 16 }, 3: { table: plain }, 4: { list: 8 } }),
};
const dictionary: TableKind = { fields: () => ({ 1: { table: records } }) };
const headers: Readonly<Record<number, TableKind>> = {
  [SCHEMA]: schema,
  [DICTIONARY]: dictionary,
  [RECORDS]: records,
};
const message: TableKind = {
  fields: (table) => ({ 2: { table: headers[table.byte(1)] ?? plain }, 4: { tables: pair } }),
};

/**
 * The messages of an Arrow IPC stream, or of an Arrow file, which is such a stream between its magic and a table of contents. A body of
 * more than `mostBytes` is refused before there is room made for it.
 */
export async function* arrowMessages(reader: ByteReader, mostBytes: number): AsyncGenerator<ArrowMessage> {
  const word = new Uint8Array(4);
  const wordView = new DataView(word.buffer);
  const bad = (what: string, at = reader.position) => reader.fault(`Arrow: ${what}`, at);
  try {
    await reader.prepare(MAGIC.length);
    if (new TextDecoder('latin1').decode(reader.peek(MAGIC.length)) === MAGIC)
      await reader.skip(MAGIC.length, 'the magic of an Arrow file');
    for (;;) {
      const at = reader.position;
      const got = await reader.readUpTo(word);
      // A stream may end without a mark.
      if (got === 0) return;
      if (got < 4) throw bad('the stream ends inside the length of a message; it is cut short', at);
      let length = wordView.getInt32(0, true);
      const marked = length === -1;
      if (marked) {
        await reader.read(word, 'the length of an Arrow message');
        length = wordView.getInt32(0, true);
      }
      if (length === 0) return await reader.drain();
      if (length < 0 || length > Math.min(LONGEST_METADATA, mostBytes))
        throw bad(`a message whose metadata have ${length} bytes; this is no Arrow stream or file`, at);
      const prefix = marked ? 8 : 4;
      const metadata = new Uint8Array(prefix + length);
      const view = new DataView(metadata.buffer);
      if (marked) view.setInt32(0, -1, true);
      view.setInt32(prefix - 4, length, true);
      await reader.read(metadata.subarray(prefix), 'the metadata of an Arrow message');
      const { kind, header, bodyBytes } = decoded(metadata.subarray(prefix), (what) => bad(what, at));
      if (!(bodyBytes >= 0 && bodyBytes <= mostBytes))
        throw new MlmlError(
          'MLML_BAD_DATA',
          `${reader.place(at)}: Arrow: a batch of ${bodyBytes} bytes; at most ${mostBytes} are read at once: give a larger --buffer, or write smaller record batches`,
        );
      const body = new Uint8Array(bodyBytes);
      await reader.read(body, 'the body of an Arrow message');
      yield { kind, header, metadata, body };
    }
  } finally {
    await reader.close();
  }
}

function decoded(bytes: Uint8Array, bad: (what: string) => MlmlError) {
  try {
    const root = FlatTable.root(bytes);
    checkTable(root, message);
    const kind = root.byte(1);
    const header = root.table(2);
    if (headers[kind] === undefined || header === undefined) throw bad(`a message of kind ${kind}`);
    return { kind, header, bodyBytes: root.long(3) };
  } catch (error) {
    if (error instanceof FlatBufferFault) throw bad(error.message);
    throw error;
  }
}
