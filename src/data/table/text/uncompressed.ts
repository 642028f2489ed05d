import { gunzip } from '../../import/decompress.js';
import { unzstd } from './unzstd.js';
import { isZstandard } from './zstdFrames.js';

/** Bytes by which compressed text is known. */
const HEAD_BYTES = 4;

/** Bytes as they come; gzip and Zstandard, which are known by how they begin, are undone. */
export async function* uncompressed(
  input: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<Uint8Array> {
  const chunks = input[Symbol.asyncIterator]();
  let head = new Uint8Array(0);
  while (head.length < HEAD_BYTES) {
    const { done, value } = await chunks.next();
    if (done === true) break;
    // Who gives something else is told so by the reader.
    if (!(value instanceof Uint8Array)) {
      yield value;
      return;
    }
    head = Buffer.concat([head, value]);
    // Text is handed on at once, however short: its reader may answer it.
    if (head.length > 0 && head[0] !== 0x1f && head[0] !== 0x28) break;
  }
  const all = { [Symbol.asyncIterator]: () => after(head, chunks) };
  if (head[0] === 0x1f && head[1] === 0x8b) yield* gunzip(all, name);
  else if (isZstandard(head)) yield* unzstd(all, name);
  else yield* all;
}

async function* after(head: Uint8Array, chunks: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (head.length > 0) yield head;
  for (;;) {
    const { done, value } = await chunks.next();
    if (done === true) return;
    yield value;
  }
}
