import { MlmlError } from '../errors.js';
import { checksumText, crc32c } from './crc32c.js';

/** CRC32C of the fields of a description, in their order, without `checksum`: 8 hexadecimal digits. */
function checksumOf(description: object): string {
  const { checksum: _, ...fields } = description as Record<string, unknown>;
  return checksumText(crc32c(new TextEncoder().encode(JSON.stringify(fields))));
}

/** The text of a description with a checksum of its own as its last field, so that a changed bit in it is found. */
export function sealedText(description: object): string {
  return `${JSON.stringify({ ...description, checksum: checksumOf(description) }, null, 1)}\n`;
}

/**
 * Throws `MLML_CHECKSUM` when a parsed description has a checksum and it is not that of its other fields. One without, written
 * by another program, is taken as it is.
 */
export function checkSeal(description: object, path: string): void {
  const { checksum } = description as { readonly checksum?: unknown };
  if (checksum === undefined) return;
  const found = checksumOf(description);
  if (found === checksum) return;
  throw new MlmlError(
    'MLML_CHECKSUM',
    `${path}: its fields have checksum ${found}, not ${shown(checksum)}: one of them was changed or is damaged; ` +
      "take another copy of the folder or make it anew (who changed it on purpose removes the field 'checksum')",
  );
}

/** Longest text of a value in a message. */
const LONGEST_SHOWN = 100;

/** A value of a file for a message, cut where it is long. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length <= LONGEST_SHOWN ? text : `${text.slice(0, LONGEST_SHOWN)}…`;
}
