import { crc32 } from 'node:zlib';
import { MlmlError } from '../../errors.js';
import { checksumText } from '../../storage/crc32c.js';
import { ByteReader } from '../import/byteReader.js';
import { inflateRaw, MOST_INFLATED } from '../import/decompress.js';
import type { SourceFile } from '../import/sourceFiles.js';
import { type ByteSource, bytesOfFile } from './byteSource.js';

/** A file inside a zip archive, as the directory at its end tells of it. */
export interface ZipEntry {
  readonly name: string;
  readonly method: number;
  readonly isEncrypted: boolean;
  readonly crc: number;
  readonly packedBytes: number;
  readonly byteLength: number;
  /** Of the header before its bytes. */
  readonly offset: number;
}

const END_BYTES = 22;
const LONGEST_COMMENT = 0xffff;
const LOCATOR_BYTES = 20;
const END64_BYTES = 56;
const HEADER_BYTES = 46;
const LOCAL_BYTES = 30;
const MOST_ENTRIES = 10_000;
const LONGEST_NAME = 1000;
const STORED = 0;
const DEFLATED = 8;
const UNKNOWN32 = 0xffffffff;

const bad = (file: SourceFile, offset: number, what: string) =>
  new MlmlError('MLML_BAD_FILE', `${file.path}: byte ${offset}: zip archive: ${what}`);

function read64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}

interface Directory {
  readonly offset: number;
  readonly byteLength: number;
  readonly entries: number;
}

/** Reads `length` bytes at an offset that has been checked. */
async function bytesAt(file: SourceFile, offset: number, length: number): Promise<DataView> {
  const bytes = new Uint8Array(length);
  await file.readInto(bytes, offset);
  return new DataView(bytes.buffer);
}

async function findDirectory(file: SourceFile): Promise<Directory> {
  const from = Math.max(0, file.byteLength - END_BYTES - LONGEST_COMMENT);
  const tail = await bytesAt(file, from, file.byteLength - from);
  let at = tail.byteLength - END_BYTES;
  const isEnd = (place: number) =>
    tail.getUint32(place, true) === 0x06054b50 &&
    place + END_BYTES + tail.getUint16(place + 20, true) === tail.byteLength;
  while (at >= 0 && !isEnd(at)) at--;
  if (at < 0)
    throw bad(file, file.byteLength, 'it does not end as one; the file is cut short or something else');
  const short = {
    entries: tail.getUint16(at + 10, true),
    byteLength: tail.getUint32(at + 12, true),
    offset: tail.getUint32(at + 16, true),
  };
  if (tail.getUint16(at + 4, true) !== 0 && tail.getUint16(at + 4, true) !== 0xffff)
    throw bad(file, from + at, 'it is one of several parts');
  const locator = at - LOCATOR_BYTES;
  const is64 = locator >= 0 && tail.getUint32(locator, true) === 0x07064b50;
  const found = is64 ? await readEnd64(file, read64(tail, locator + 8), from + locator) : short;
  if (!(found.offset + found.byteLength <= from + at))
    throw bad(
      file,
      from + at,
      `its directory (${found.byteLength} bytes from ${found.offset}) is not before its end`,
    );
  if (!(found.entries <= MOST_ENTRIES))
    throw bad(file, from + at, `${found.entries} files in it; at most ${MOST_ENTRIES}`);
  return found;
}

async function readEnd64(file: SourceFile, offset: number, locator: number): Promise<Directory> {
  if (!(offset + END64_BYTES <= locator))
    throw bad(file, locator, `its 64-bit end record is said to be at byte ${offset}`);
  const end = await bytesAt(file, offset, END64_BYTES);
  if (end.getUint32(0, true) !== 0x06064b50) throw bad(file, offset, 'there is no 64-bit end record here');
  return { entries: read64(end, 32), byteLength: read64(end, 40), offset: read64(end, 48) };
}

/** The files of a zip archive (with 64-bit sizes or without), from its directory. Nothing is kept that is not in it. */
export async function zipEntries(file: SourceFile): Promise<ZipEntry[]> {
  const directory = await findDirectory(file);
  const bytes = bytesOfFile(file, directory.offset, directory.byteLength);
  const reader = new ByteReader(bytes.chunks(), file.path, '', directory.offset);
  const found: ZipEntry[] = [];
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  for (let i = 0; i < directory.entries; i++) {
    const at = reader.position;
    await reader.read(header, 'the directory of a zip archive');
    if (view.getUint32(0, true) !== 0x02014b50) throw bad(file, at, 'this is no entry of its directory');
    const nameLength = view.getUint16(28, true);
    if (nameLength > LONGEST_NAME) throw bad(file, at, `a name of ${nameLength} bytes`);
    const name = new Uint8Array(nameLength);
    await reader.read(name, 'the name of a file in a zip archive');
    const extra = new Uint8Array(view.getUint16(30, true));
    await reader.read(extra, 'the directory of a zip archive');
    await reader.skip(view.getUint16(32, true), 'a comment in a zip archive');
    const sizes = wideSizes(
      [view.getUint32(24, true), view.getUint32(20, true), view.getUint32(42, true)],
      new DataView(extra.buffer),
    );
    if (sizes === undefined) throw bad(file, at, 'the 64-bit sizes of this entry are missing');
    const [byteLength, packedBytes, offset] = sizes;
    found.push({
      name: new TextDecoder().decode(name),
      method: view.getUint16(10, true),
      isEncrypted: (view.getUint16(8, true) & 1) !== 0,
      crc: view.getUint32(16, true),
      packedBytes,
      byteLength,
      offset,
    });
  }
  return found;
}

/** Sizes that do not fit 32 bits follow in the extra field number 1, in this order. */
function wideSizes(sizes: [number, number, number], extra: DataView): [number, number, number] | undefined {
  if (!sizes.includes(UNKNOWN32)) return sizes;
  for (let at = 0; at + 4 <= extra.byteLength; at += 4 + extra.getUint16(at + 2, true)) {
    if (extra.getUint16(at, true) !== 1) continue;
    const end = Math.min(extra.byteLength, at + 4 + extra.getUint16(at + 2, true));
    let next = at + 4;
    const wide = sizes.map((size) => {
      if (size !== UNKNOWN32) return size;
      next += 8;
      return next <= end ? read64(extra, next - 8) : Number.NaN;
    });
    return wide.some(Number.isNaN) ? undefined : (wide as [number, number, number]);
  }
  return undefined;
}

/** The bytes of a file in the archive, once the header before it has been compared with the directory; where they are read in order, their checksum is compared. */
export async function entryBytes(file: SourceFile, entry: ZipEntry): Promise<ByteSource> {
  const { name, offset, packedBytes, byteLength, method } = entry;
  const title = `${file.path} (${name})`;
  const wrong = (what: string) => bad(file, offset, `${name}: ${what}`);
  if (entry.isEncrypted) throw wrong('it is encrypted; save the archive without a password');
  if (method !== STORED && method !== DEFLATED)
    throw wrong(`compression method ${method}; stored or deflated is needed`);
  if (!(offset + LOCAL_BYTES <= file.byteLength))
    throw wrong('its header would lie behind the end of the file');
  const local = await bytesAt(file, offset, LOCAL_BYTES);
  const length = local.getUint16(26, true);
  if (local.getUint32(0, true) !== 0x04034b50) throw wrong('there is no header of a file here');
  if (length > LONGEST_NAME || !(offset + LOCAL_BYTES + length <= file.byteLength))
    throw wrong(`a name of ${length} bytes`);
  const own = new TextDecoder().decode(await bytesAt(file, offset + LOCAL_BYTES, length));
  if (own !== name) throw wrong(`it is called ${JSON.stringify(own.slice(0, 100))} in its own header`);
  const start = offset + LOCAL_BYTES + length + local.getUint16(28, true);
  if (!(start + packedBytes <= file.byteLength))
    throw wrong(`it is said to have ${packedBytes} bytes, but the file ends before`);
  if (method === STORED ? byteLength !== packedBytes : !(byteLength <= packedBytes * MOST_INFLATED))
    throw wrong(`it is said to have ${byteLength} bytes, stored in ${packedBytes}`);
  const packed = bytesOfFile(file, start, packedBytes);
  const unpacked = () => (method === STORED ? packed.chunks() : inflateRaw(packed.chunks(), title));
  const checked = async function* () {
    let sum = 0;
    let done = 0;
    for await (const chunk of unpacked()) {
      sum = crc32(chunk, sum);
      done += chunk.length;
      if (done > byteLength) throw wrong(`it has more than the ${byteLength} bytes it is said to have`);
      yield chunk;
    }
    if (sum !== entry.crc)
      throw new MlmlError(
        'MLML_BAD_FILE',
        `${title}: has CRC32 ${checksumText(sum)} instead of ${checksumText(entry.crc)}; the file is damaged, get it anew`,
      );
  };
  return {
    name: title,
    unit: 'of that entry',
    origin: 0,
    byteLength,
    hasChecksum: true,
    chunks: checked,
    ...(method === STORED ? { readInto: packed.readInto! } : {}),
  };
}
