import { MlmlError } from '../../../errors.js';
import { formatBytes } from '../../../memory/byteSize.js';
import type { TableText } from './tableText.js';

/** Lines given at once: as many as lie in a piece of a file, of about so many bytes. */
const BATCH_BYTES = 64 * 1024;

/** Some lines, without their breaks. */
export interface TextLines {
  /** Number of the first, from 1. */
  readonly first: number;
  readonly lines: readonly string[];
}

/** The lines of a text file, in memory bounded by `longest`, the bytes that a line may have. */
export async function* textLines(
  file: TableText,
  longest: number,
  signal?: AbortSignal,
): AsyncGenerator<TextLines> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let number = 1;
  let rest = new Uint8Array(0);
  const decode = (bytes: Uint8Array, line: number) => {
    try {
      return decoder.decode(bytes);
    } catch (error) {
      throw new MlmlError(
        'MLML_BAD_DATA',
        `${file.name}: line ${line}: is not UTF-8 text; convert the file, with iconv for one`,
        { cause: error },
      );
    }
  };
  const tooLong = () =>
    new MlmlError(
      'MLML_BAD_DATA',
      `${file.name}: line ${number}: is longer than ${formatBytes(longest)}; give a larger --buffer if it is to be`,
    );
  for await (const chunk of file.bytes(signal)) {
    let lines: string[] = [];
    let bytes = 0;
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      let line = chunk.subarray(from, end);
      if (rest.length > 0) {
        line = joined(rest, line);
        rest = new Uint8Array(0);
      }
      if (line.length > longest) throw tooLong();
      lines.push(decode(line.at(-1) === 13 ? line.subarray(0, -1) : line, number + lines.length));
      bytes += line.length;
      from = end + 1;
      if (bytes < BATCH_BYTES) continue;
      yield { first: number, lines };
      number += lines.length;
      lines = [];
      bytes = 0;
    }
    if (lines.length > 0) yield { first: number, lines };
    number += lines.length;
    rest = joined(rest, chunk.subarray(from));
    if (rest.length > longest) throw tooLong();
  }
  if (rest.length > 0) yield { first: number, lines: [decode(rest, number)] };
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
