import { MlmlError } from '../../errors.js';
import { formatBytes } from '../../memory/byteSize.js';

/** The share of the budget that a row of a database may take. */
const ROW_SHARE = 1 / 4;
/** Room for a row, whatever the budget. */
const LEAST_ROW = 256 * 1024;

/** Bytes that a row of a database may take. `bufferBytes`: memory for what grows with the length of rows. */
export const longestRow = (bufferBytes = 64e6) => Math.max(LEAST_ROW, Math.floor(bufferBytes * ROW_SHARE));

/** Row `row` of the table `name`, counted from 0, takes more than `longest` bytes. */
export function longRow(name: string, row: number, bytes: number, longest: number): MlmlError {
  return new MlmlError(
    'MLML_BAD_DATA',
    `${name}: row ${row + 1}: takes ${formatBytes(bytes)}, more than ${formatBytes(longest)}, a quarter of --buffer`,
  );
}
