import { ByteReader } from './byteReader.js';

const BLOCK = 512;
/** Names that do not fit a header, and pax fields, are longer in no honest archive. */
const LONGEST_EXTENSION = 64 * 1024;
const LARGEST_ENTRY = 2 ** 40;

/** A file inside an archive. The reader is valid until the next entry is asked for. */
export interface TarEntry {
  /** Without folders. */
  readonly name: string;
  readonly byteLength: number;
  readonly reader: ByteReader;
}

interface Header {
  readonly name: string;
  readonly size: number;
  readonly type: string;
}

/** What an extended header says of the entry after it. */
interface Extension {
  readonly name?: string;
  readonly size?: number;
}

/**
 * The files of a tar stream (ustar, with GNU's long names and pax headers), in stored order, without unpacking to disk. Damage
 * is `MLML_BAD_FILE` naming `path` and the offset in the archive. Nothing is kept that a header only claims.
 */
export async function* tarEntries(chunks: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<TarEntry> {
  const archive = new ByteReader(chunks, path, 'of the decompressed data');
  const block = new Uint8Array(BLOCK);
  let extension: Extension = {};
  try {
    for (;;) {
      const start = archive.position;
      const length = await archive.readUpTo(block);
      // Two blocks of zeros end an archive, and some writers leave them out.
      if (length === 0 || (length === BLOCK && block.every((byte) => byte === 0))) break;
      if (length < BLOCK) throw archive.fault('the tar archive ends inside a header; it is cut short');
      const header = readHeader(block, archive, start);
      const size = extension.size ?? header.size;
      if ('xgLK'.includes(header.type)) {
        if (size > LONGEST_EXTENSION)
          throw archive.fault(`tar: a header extension of ${size} bytes is too long`, start);
        const bytes = new Uint8Array(size);
        await archive.read(bytes, 'a tar header extension');
        if (header.type === 'x') extension = { ...extension, ...paxFields(bytes, archive, start) };
        if (header.type === 'L') extension = { ...extension, name: textOf(bytes) };
      } else {
        const name = extension.name ?? header.name;
        extension = {};
        const end = archive.position + size;
        if (header.type === '0' || header.type === '\0' || header.type === '7') {
          const short = name.slice(name.lastIndexOf('/') + 1);
          const content = archive.pieces(size, `the entry ${name}`);
          yield {
            name: short,
            byteLength: size,
            reader: new ByteReader(content, `${path} (${name})`, 'of that entry'),
          };
        }
        await archive.skip(end - archive.position, `the entry ${name}`);
      }
      await archive.skip((BLOCK - (size % BLOCK)) % BLOCK, 'the padding of a tar entry');
    }
    // To the end of what was compressed, so that its checksum is compared.
    await archive.drain();
  } finally {
    await archive.close();
  }
}

function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end === -1 ? bytes : bytes.subarray(0, end));
}

function readHeader(block: Uint8Array, archive: ByteReader, start: number): Header {
  const sum = block.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 0x20 : byte), 0);
  const stored = octal(block.subarray(148, 156));
  if (sum !== stored)
    throw archive.fault(`damaged tar archive: this header has checksum ${sum}, not ${stored}`, start);
  const field = block.subarray(124, 136);
  // Sizes of 8 GiB and more are stored in binary, marked by the highest bit.
  const size = field[0]! >= 0x80 ? binary(field) : octal(field);
  if (!(size <= LARGEST_ENTRY)) throw archive.fault('damaged tar archive: this size cannot be right', start);
  const short = textOf(block.subarray(0, 100));
  const isUstar = textOf(block.subarray(257, 263)).startsWith('ustar');
  const prefix = isUstar ? textOf(block.subarray(345, 500)) : '';
  return {
    name: prefix === '' ? short : `${prefix}/${short}`,
    size,
    type: String.fromCharCode(block[156]!),
  };
}

/** NaN when it is not an octal number. */
function octal(field: Uint8Array): number {
  const text = textOf(field).trim();
  return /^[0-7]*$/.test(text) ? Number.parseInt(`0${text}`, 8) : Number.NaN;
}

function binary(field: Uint8Array): number {
  return field.reduce((value, byte, i) => value * 256 + (i === 0 ? byte & 0x7f : byte), 0);
}

/** The fields of a pax header that matter here: lines `<bytes of the line> <key>=<value>`. */
function paxFields(bytes: Uint8Array, archive: ByteReader, start: number): Extension {
  let name: string | undefined;
  let size: number | undefined;
  for (let at = 0; at < bytes.length; ) {
    const line = /^(\d{1,6}) ([^=\n]+)=/.exec(new TextDecoder('latin1').decode(bytes.subarray(at, at + 300)));
    const length = Number(line?.[1]);
    if (line === null || length <= line[0].length || at + length > bytes.length)
      throw archive.fault('damaged tar archive: this pax header has no fields of its format', start);
    const value = new TextDecoder().decode(bytes.subarray(at + line[0].length, at + length - 1));
    if (line[2] === 'path') name = value;
    if (line[2] === 'size') {
      size = /^\d+$/.test(value) ? Number(value) : Number.NaN;
      if (!(size <= LARGEST_ENTRY))
        throw archive.fault('damaged tar archive: this size cannot be right', start);
    }
    at += length;
  }
  return { ...(name === undefined ? {} : { name }), ...(size === undefined ? {} : { size }) };
}
