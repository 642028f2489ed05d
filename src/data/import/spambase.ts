import { MlmlError } from '../../errors.js';
import type { SourceFile } from './sourceFiles.js';

const D = 57;
/** A file of 4601 lines has 0.7 MB; a much larger one is something else. */
const LARGEST_FILE = 16e6;
const LONGEST_LINE = 2000;
/** Number alone would take hexadecimal digits and other things that are no part of the format. */
const NUMBER = /^[ \t]*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[ \t]*$/;

/** All messages, in file order: `features[row · 57 + j]`, labels 0 (ham) or 1 (spam). */
export interface Messages {
  readonly features: Float64Array;
  readonly labels: Float64Array;
}

/** Reads UCI's spambase.data: 57 numbers and a label 0 or 1 on each line, separated by commas. */
export async function readSpambase(file: SourceFile): Promise<Messages> {
  const bad = (offset: number, line: number, message: string) =>
    new MlmlError('MLML_BAD_FILE', `${file.path}: byte ${offset} (line ${line}): ${message}`);
  if (file.byteLength > LARGEST_FILE)
    throw bad(0, 1, `the file has ${file.byteLength} bytes, far more than spambase.data`);
  // Every value takes two bytes at least, so this is room enough.
  const features = new Float64Array(Math.floor(file.byteLength / 2 / (D + 1) + 1) * D);
  const labels = new Float64Array(features.length / D);
  let rows = 0;
  let line = 1;
  let position = 0;
  const text = new Uint8Array(LONGEST_LINE);
  let length = 0;
  const endLine = () => {
    const content = Buffer.from(text.buffer, 0, length)
      .toString('latin1')
      .replace(/[ \t\r]+$/, '');
    const start = position - length;
    if (content !== '') {
      const values = content.split(',');
      if (values.length !== D + 1) throw bad(start, line, `${values.length} values; ${D + 1} are needed`);
      for (const [j, value] of values.entries()) {
        const number = NUMBER.test(value) ? Number(value) : NaN;
        if (!Number.isFinite(number)) throw bad(start, line, `value ${j + 1} is '${value}', not a number`);
        if (j < D) features[rows * D + j] = number;
        else labels[rows] = number;
      }
      if (labels[rows] !== 0 && labels[rows] !== 1) {
        throw new MlmlError(
          'MLML_BAD_DATA',
          `${file.path}: byte ${start} (line ${line}): label ${labels[rows]} is neither 0 nor 1`,
        );
      }
      rows++;
    }
    length = 0;
  };
  for await (const chunk of file.chunks()) {
    for (const byte of chunk) {
      if (byte === 0x0a) {
        endLine();
        line++;
      } else {
        if (length === LONGEST_LINE)
          throw bad(position - length, line, `a line longer than ${LONGEST_LINE} bytes`);
        text[length++] = byte;
      }
      position++;
    }
  }
  endLine();
  if (rows === 0) throw bad(0, 1, 'there is no line with values');
  return { features: features.subarray(0, rows * D), labels: labels.subarray(0, rows) };
}
