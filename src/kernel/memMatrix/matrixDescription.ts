import { join } from 'node:path';
import { MlmlError } from '../../errors.js';
import { shown } from '../../storage/sealedJson.js';
import type { Storage } from '../../storage/storage.js';
import { readJson, replaceFile } from '../../storage/textFile.js';
import { type TileDtype, tileDtypes } from '../functions/kernelFunction.js';
import type { MatrixShape } from '../store/tileLayout.js';

export const MATRIX_VERSION = 1;
export const MATRIX_FILE = 'matrix.json';
/** Rows and columns of a tile beyond this are no tile: 8 bytes each would take 2 GiB. */
const LARGEST_TILE = 16384;

/** What `matrix.json` holds. See docs/format.md. */
export interface MatrixDescription extends MatrixShape {
  readonly format: 'mlml-matrix';
  readonly version: number;
  readonly created: string;
}

/** Checks what any description of a matrix on disk has; anything unexpected names the field. */
export function checkMatrixFields(value: unknown, path: string, format: string): Record<string, unknown> {
  const given = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  if (given['format'] !== format) badField(path, 'format', given['format'], JSON.stringify(format));
  const version = given['version'];
  if (typeof version === 'number' && version > MATRIX_VERSION) {
    throw new MlmlError(
      'MLML_VERSION',
      `${path}: format version ${version} is newer than this mlml understands (${MATRIX_VERSION}); update mlml`,
    );
  }
  if (version !== MATRIX_VERSION) badField(path, 'version', version, String(MATRIX_VERSION));
  for (const field of ['rows', 'columns', 'tileSize']) {
    const number = given[field];
    const most = field === 'tileSize' ? LARGEST_TILE : 2 ** 32;
    if (!Number.isSafeInteger(number) || (number as number) < 1 || (number as number) > most)
      badField(path, field, number, `a whole number from 1 to ${most}`);
  }
  if (typeof given['symmetric'] !== 'boolean')
    badField(path, 'symmetric', given['symmetric'], 'true or false');
  if (given['symmetric'] && given['rows'] !== given['columns'])
    badField(path, 'columns', given['columns'], `${given['rows']}, as many as rows`);
  if (!tileDtypes.includes(given['dtype'] as TileDtype))
    badField(path, 'dtype', given['dtype'], `one of ${tileDtypes.join(', ')}`);
  return given;
}

export function badField(path: string, field: string, found: unknown, wanted: string): never {
  throw new MlmlError('MLML_BAD_FILE', `${path}: field '${field}' is ${shown(found)}; expected ${wanted}`);
}

export async function readMatrixDescription(storage: Storage, folder: string): Promise<MatrixDescription> {
  const path = join(folder, MATRIX_FILE);
  return checkMatrixFields(
    await readJson(storage, path),
    path,
    'mlml-matrix',
  ) as unknown as MatrixDescription;
}

export async function writeDescription(storage: Storage, path: string, description: object): Promise<void> {
  await replaceFile(storage, path, `${JSON.stringify(description, undefined, 2)}\n`);
}
