import { MlmlError } from '../../errors.js';
import { formatBytes } from '../../memory/byteSize.js';

/** Rows encoded at once need not be more than this many bytes. */
const BLOCK_BYTES = 256 * 1024;
/** Bytes that the description of a feature takes: its figures, and their text. */
const FEATURE_BYTES = 160;
const MOST_BLOCK_ROWS = 1024;
/** What is known of a column while its table is looked through: its name in several places, its profile, its feature. */
const COLUMN_BYTES = 1200;

export interface TableImportPlan {
  /** Rows encoded at once. */
  readonly blockRows: number;
  /** Encoded rows written at once, of each part. */
  readonly stagedRows: number;
}

/** Refuses, before it is looked through, a table with more columns than the budget has room for: `MLML_BUDGET_TOO_SMALL`. */
export function requireRoomForColumns(columns: number, bufferBytes: number, name: string): void {
  const least = columns * COLUMN_BYTES;
  if (least > bufferBytes)
    throw new MlmlError(
      'MLML_BUDGET_TOO_SMALL',
      `importing the ${columns} columns of ${name} needs at least ${formatBytes(least)}; --buffer is ${formatBytes(bufferBytes)}`,
    );
}

/**
 * How rows of `d` features and some labels are encoded inside a budget, of which a quarter is for names of categories and a quarter for the reader
 * of the table. `MLML_BUDGET_TOO_SMALL` names the smallest budget.
 */
export function planTableImport(
  d: number,
  labels: number,
  rowBytes: number,
  bufferBytes: number,
  name: string,
): TableImportPlan {
  const half = bufferBytes / 2 - d * FEATURE_BYTES;
  // One row as doubles, and one staged of each part.
  const row = 8 * (d + labels) + 2 * rowBytes;
  if (half < row) {
    const least = 2 * (d * FEATURE_BYTES + row);
    throw new MlmlError(
      'MLML_BUDGET_TOO_SMALL',
      `importing ${name} as rows of ${d} features needs at least ${formatBytes(least)}; --buffer is ${formatBytes(bufferBytes)}; ` +
        '--hash-bits, --categories and --drop make fewer features',
    );
  }
  const rows = (bytes: number, size: number) =>
    Math.max(1, Math.floor(Math.min(bytes, (half * size) / row) / size));
  return {
    blockRows: Math.min(MOST_BLOCK_ROWS, rows(BLOCK_BYTES, 8 * (d + labels))),
    stagedRows: rows(BLOCK_BYTES, rowBytes),
  };
}
