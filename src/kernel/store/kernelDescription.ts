import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import { MlmlError } from '../../errors.js';
import { canonicalJson } from '../../storage/canonicalJson.js';
import type { Storage } from '../../storage/storage.js';
import { readJson } from '../../storage/textFile.js';
import { checkKernel } from '../functions/checkKernel.js';
import type { KernelFunction, TileDtype } from '../functions/kernelFunction.js';
import {
  badField,
  checkMatrixFields,
  MATRIX_VERSION,
  writeDescription,
} from '../memMatrix/matrixDescription.js';
import type { MatrixShape } from './tileLayout.js';

export const KERNEL_FILE = 'kernel.json';
/** Letters of what messages repeat. */
const LONGEST_NAME = 300;
const LONGEST_PATH = 4096;

/** The rows a kernel was made from. */
export interface KernelData {
  readonly name: string;
  /** Where they lay; for people. */
  readonly path: string;
  readonly fingerprint: string;
  /** How many of the training rows; 0 for all. */
  readonly subset: number;
  /** What they were drawn by; absent when they are the first ones. */
  readonly sampleSeed?: number;
}

/** What `kernel.json` holds. See docs/format.md. */
export interface KernelDescription extends MatrixShape {
  readonly format: 'mlml-kernel';
  readonly version: number;
  readonly memId: string;
  readonly symmetric: true;
  readonly kernel: KernelFunction;
  /** How features were scaled (`--scale`). */
  readonly scale: string;
  readonly data: KernelData;
  readonly state: 'incomplete' | 'complete';
  /** ISO 8601. */
  readonly created: string;
}

/** What decides every entry of a stored kernel. */
export interface KernelIdentity {
  readonly n: number;
  readonly dtype: TileDtype;
  readonly kernel: KernelFunction;
  readonly scale: string;
  readonly data: KernelData;
}

/**
 * The name of a stored kernel, `<data>-<kind>-<n>-<8 hexadecimal digits>`: the same for the same rows, scaling,
 * kernel and number type, so that a command given again goes on in the same folder. `content`: a hash of the entries where
 * nothing else decides them.
 */
export function memIdOf({ n, dtype, kernel, scale, data }: KernelIdentity, content?: string): string {
  const { fingerprint, sampleSeed } = data;
  const hash = createHash('sha256')
    .update(canonicalJson({ fingerprint, n, sampleSeed, scale, kernel, dtype, content }))
    .digest('hex');
  const name = data.name.replace(/[^A-Za-z0-9._]+/g, '-').replace(/^[-.]+|-+$/g, '') || 'data';
  return `${name}-${kernel.kind.replaceAll('_', '-')}-${n}-${hash.slice(0, 8)}`;
}

export function describeKernel(
  identity: KernelIdentity,
  tileSize: number,
  content?: string,
): KernelDescription {
  const { n, dtype, kernel, scale, data } = identity;
  return {
    format: 'mlml-kernel',
    version: MATRIX_VERSION,
    memId: memIdOf(identity, content),
    rows: n,
    columns: n,
    symmetric: true,
    tileSize,
    dtype,
    kernel,
    scale,
    data,
    state: 'incomplete',
    created: new Date().toISOString(),
  };
}

/** The folder of a memId; anything but a plain name is `MLML_USAGE`. */
export function kernelFolder(kernels: string, memId: string): string {
  if (memId === '' || memId.startsWith('.') || /[\\/]/.test(memId)) {
    throw new MlmlError(
      'MLML_USAGE',
      `--memId=${memId}: is not a name of a stored kernel; \`mlml kernels\` lists them`,
    );
  }
  return join(kernels, memId);
}

/** Reads `kernel.json`; undefined when there is none. Damage is `MLML_BAD_FILE` naming the field. */
export async function readKernelDescription(
  storage: Storage,
  folder: string,
): Promise<KernelDescription | undefined> {
  const path = join(folder, KERNEL_FILE);
  if ((await storage.status(path)) === undefined) return undefined;
  const given = checkMatrixFields(await readJson(storage, path), path, 'mlml-kernel');
  if (given['symmetric'] !== true) badField(path, 'symmetric', given['symmetric'], 'true');
  for (const field of ['memId', 'scale', 'created'])
    if (typeof given[field] !== 'string' || given[field].length > LONGEST_NAME)
      badField(path, field, given[field], 'a short string');
  if (given['state'] !== 'incomplete' && given['state'] !== 'complete')
    badField(path, 'state', given['state'], '"incomplete" or "complete"');
  const kernel = checkKernel(given['kernel'], path);
  const data = given['data'] as Record<string, unknown> | undefined;
  for (const field of ['name', 'path', 'fingerprint'])
    if (
      typeof data?.[field] !== 'string' ||
      data[field].length > (field === 'path' ? LONGEST_PATH : LONGEST_NAME)
    )
      badField(path, `data.${field}`, data?.[field], 'a string');
  if (!Number.isSafeInteger(data?.['subset']) || (data!['subset'] as number) < 0)
    badField(path, 'data.subset', data?.['subset'], 'a whole number of at least 0');
  const seed = data!['sampleSeed'];
  if (seed !== undefined && (!Number.isSafeInteger(seed) || (seed as number) < 0))
    badField(path, 'data.sampleSeed', seed, 'a whole number of at least 0');
  const found = { ...given, kernel } as unknown as KernelDescription;
  // The name tells what decides the entries: one changed field would give other results without a word. That of a matrix
  // that was given tells of its entries too.
  const expected = memIdOf({ ...found, n: found.rows });
  if (found.memId !== expected && found.kernel.kind !== 'precomputed')
    badField(
      path,
      'memId',
      found.memId,
      `"${expected}", the name for its other fields: one of them was changed; ` +
        `remove the kernel (\`mlml kernels rm ${basename(folder)}\`) and generate it anew`,
    );
  return found;
}

/**
 * Reads the description of a stored kernel, under the name of its folder, which somebody may have changed. A missing one is
 * `MLML_NOT_FOUND`.
 */
export async function requireKernelDescription(
  storage: Storage,
  kernels: string,
  memId: string,
): Promise<KernelDescription> {
  const folder = kernelFolder(kernels, memId);
  const description = await readKernelDescription(storage, folder);
  if (description !== undefined) return { ...description, memId };
  throw new MlmlError(
    'MLML_NOT_FOUND',
    `${folder}: there is no stored kernel; \`mlml kernels\` lists them, \`mlml generate\` makes them`,
  );
}

export async function writeKernelDescription(
  storage: Storage,
  folder: string,
  description: KernelDescription,
): Promise<void> {
  await writeDescription(storage, join(folder, KERNEL_FILE), description);
}

/** What to do about a damaged or unfinished kernel, for messages. */
export function kernelAdvice(memId: string): string {
  return (
    `\`mlml kernels verify ${memId}\` finds and marks what is damaged, and the same generate command then makes only that again; ` +
    `or \`mlml kernels rm ${memId}\` and generate anew`
  );
}

/** Throws `MLML_MISMATCH` unless the kernel was made from these rows, as they are scaled now. */
export function checkKernelFits(
  kernel: KernelDescription,
  folder: string,
  given: {
    readonly name: string;
    readonly fingerprint: string;
    readonly n: number;
    readonly sampleSeed?: number | undefined;
    readonly scale: string;
  },
): void {
  const wrong = (what: string) => {
    throw new MlmlError(
      'MLML_MISMATCH',
      `${folder}: the kernel was made from other rows: ${what}; give the data it was made from, or generate a kernel from these ` +
        `(fingerprints: kernel ${kernel.data.fingerprint}, data ${given.fingerprint})`,
    );
  };
  if (kernel.data.fingerprint !== given.fingerprint)
    wrong(
      `its data set is ${kernel.data.name} with fingerprint ${kernel.data.fingerprint}, not ${given.name} with ${given.fingerprint}`,
    );
  if (kernel.rows !== given.n) wrong(`it has ${kernel.rows} rows (--subset), not ${given.n}`);
  if (kernel.data.sampleSeed !== given.sampleSeed)
    wrong(
      `its rows are ${sampleText(kernel.data.sampleSeed)}, not ${sampleText(given.sampleSeed)} (--sample, --seed)`,
    );
  if (kernel.scale !== given.scale) wrong(`its features have --scale=${kernel.scale}, not ${given.scale}`);
}

function sampleText(seed: number | undefined): string {
  return seed === undefined ? 'the first' : `drawn by seed ${seed}`;
}
