import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { columnsOf } from '../data/columns/columnMapping.js';
import { labelCount, type RowLayout, rowLayout } from '../data/rowLayout.js';
import { slotLayout } from '../data/sparse/slotFile.js';
import type { SparseDtype } from '../data/sparse/sparseRecord.js';
import { MlmlError } from '../errors.js';
import type { KernelModel, ModelRows } from '../kernel/kernelModel.js';
import { sharedFigures } from '../kernel/sparseGeometry.js';
import { calibrationOf } from '../ssgd/scoreCalibration.js';
import type { Storage } from '../storage/storage.js';
import { type KernelModelDescription, kernelWeightBytes, type RowsDescription } from './kernelModelFormat.js';
import { openModelRows } from './kernelRows.js';
import { modelVersion } from './modelFormat.js';
import type { SaveOptions } from './saveModel.js';
import { readNumbers, WEIGHTS_FILE, writeWeights } from './weightsFile.js';

const ROWS_FILE = 'rows.bin';
const COPY_BYTES = 1 << 20;

/** Writes the files of a kernel model into a folder, except the description, which it returns. */
export async function writeKernelModel(
  storage: Storage,
  folder: string,
  model: KernelModel,
  options: SaveOptions,
): Promise<KernelModelDescription> {
  const { n, d, k, geometry, rows } = model;
  const copy = options.copyRows === true || rows.kind === 'file';
  const indices = copy ? undefined : rows.indices;
  const sha256 = await writeWeights(storage, folder, [
    model.coefficients,
    geometry.multiply,
    geometry.add,
    geometry.mean,
    Float64Array.from(indices ?? []),
  ]);
  const stored: RowsDescription = copy
    ? {
        kind: 'file',
        path: ROWS_FILE,
        selected: false,
        sha256: await copyRows(storage, model, join(folder, ROWS_FILE), options.signal),
      }
    : { kind: 'dataset', path: resolve(rows.path), selected: indices !== undefined };
  return {
    format: 'mlml-model',
    version: modelVersion(model),
    kind: 'kernel',
    task: model.task,
    kernel: model.kernel,
    n,
    d,
    k,
    regularization: model.regularization,
    dtype: geometry.layout.dtype,
    labelDtype: geometry.layout.labelDtype,
    scaling: model.scaling,
    maxNorm: geometry.maxNorm,
    maxCentredNorm: geometry.maxCentredNorm,
    ...(geometry.layout.longest === undefined ? {} : { longest: geometry.layout.longest }),
    rows: stored,
    classNames: model.classNames,
    fingerprint: model.fingerprint,
    ...columnsOf(model),
    ...calibrationOf(model),
    weights: {
      file: WEIGHTS_FILE,
      bytes: kernelWeightBytes(n, d, k, stored.selected),
      sha256,
    },
  };
}

/** Streams the model's rows into a file; returns their sha256. */
async function copyRows(
  storage: Storage,
  model: KernelModel,
  path: string,
  signal?: AbortSignal,
): Promise<string> {
  const { rowBytes } = model.geometry.layout;
  const source = await openModelRows(storage, model);
  try {
    const file = await storage.create(path);
    try {
      const most = Math.max(1, Math.floor(COPY_BYTES / rowBytes));
      const buffer = new Uint8Array(most * rowBytes);
      const hash = createHash('sha256');
      for (let row = 0; row < model.n; row += most) {
        signal?.throwIfAborted();
        const bytes = buffer.subarray(0, Math.min(most, model.n - row) * rowBytes);
        await source.rows.readRows(bytes, row, bytes.length / rowBytes);
        hash.update(bytes);
        await file.write(bytes, row * rowBytes);
      }
      await file.sync();
      return hash.digest('hex');
    } finally {
      await file.close();
    }
  } finally {
    await source.close();
  }
}

/** Loads a kernel model from its folder. Its rows are opened when it is used, and their size is checked then. */
export async function readKernelModel(
  storage: Storage,
  folder: string,
  description: KernelModelDescription,
): Promise<KernelModel> {
  const { n, d, k, weights: stored } = description;
  const file = await storage.openRead(join(folder, stored.file));
  try {
    if (file.byteLength !== stored.bytes) {
      throw new MlmlError(
        'MLML_BAD_FILE',
        `${file.path}: has ${file.byteLength} bytes; ${n} x ${k} coefficients and the scaling of ${d} features are ${stored.bytes} bytes`,
      );
    }
    // Only now is it known that there are so many numbers.
    const asStored = description.scaling === 'none' && description.longest !== undefined;
    const [multiply, add] = [sharedFigures(d), sharedFigures(d)];
    // Both are 0 where rows are compared as they are stored.
    const mean = asStored ? add : sharedFigures(d);
    const numbers = new Float64Array(description.rows.selected ? n : 0);
    const coefficients = new Float64Array(n * k);
    await readNumbers(file, [coefficients, multiply, add, mean, numbers], stored.sha256);
    const unscaled = asStored && multiply.every((x) => x === 1) && add.every((x) => x === 0);
    return {
      task: description.task,
      loss: 'ridge',
      kernel: description.kernel,
      d,
      k,
      n,
      regularization: description.regularization,
      scaling: description.scaling,
      geometry: {
        layout: layoutOf(description),
        multiply,
        add,
        mean,
        ...(unscaled ? { unscaled } : {}),
        maxNorm: description.maxNorm,
        maxCentredNorm: description.maxCentredNorm,
      },
      coefficients,
      rows: rowsOf(folder, description, numbers),
      classNames: description.classNames,
      fingerprint: description.fingerprint,
      ...columnsOf(description),
      ...calibrationOf(description),
    };
  } finally {
    await file.close();
  }
}

function layoutOf(description: KernelModelDescription): RowLayout {
  const { d, dtype, labelDtype, longest } = description;
  if (longest === undefined) return rowLayout(d, dtype, labelDtype, labelCount(description));
  return slotLayout(d, dtype as SparseDtype, longest);
}

function rowsOf(folder: string, { rows }: KernelModelDescription, numbers: Float64Array): ModelRows {
  if (rows.kind === 'file') return { kind: 'file', path: join(folder, rows.path) };
  const from = { kind: 'dataset', path: rows.path } as const;
  return rows.selected ? { ...from, indices: Uint32Array.from(numbers) } : from;
}

/** Reads the copied rows of a model whole and compares their sha256; other models have none. */
export async function verifyModelRows(
  storage: Storage,
  folder: string,
  description: KernelModelDescription,
): Promise<void> {
  const { rows } = description;
  if (rows.kind !== 'file') return;
  const path = join(folder, rows.path);
  const file = await storage.openRead(path);
  try {
    const hash = createHash('sha256');
    const buffer = new Uint8Array(COPY_BYTES);
    for (let position = 0; position < file.byteLength; position += COPY_BYTES) {
      const bytes = buffer.subarray(0, Math.min(COPY_BYTES, file.byteLength - position));
      await file.readInto(bytes, position);
      hash.update(bytes);
    }
    const found = hash.digest('hex');
    if (found !== rows.sha256) {
      throw new MlmlError(
        'MLML_CHECKSUM',
        `${path}: the sha256 of its bytes is ${found}, not ${rows.sha256}; the file is damaged, take another copy`,
      );
    }
  } finally {
    await file.close();
  }
}
