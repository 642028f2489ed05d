import type { Dataset } from '../../data/dataset.js';
import { MlmlError } from '../../errors.js';
import { layOut, type Plan } from '../../memory/plan.js';
import type { GenerateResult, KernelContext } from '../jobs.js';
import { importKernel } from '../memMatrix/importKernel.js';
import { planImport } from '../memMatrix/importTiles.js';
import { type MatrixSource, npyMatrix } from '../memMatrix/matrixSource.js';
import type { GenerateOptions } from '../options.js';
import { tileFileBytes, tilesOf } from '../store/tileLayout.js';
import { kernelIdentity, trainingRows } from './kernelData.js';

/** The matrix that `--matrix` names; one that does not have a row for each training row is `MLML_MISMATCH`. */
async function openMatrix(
  dataset: Dataset,
  options: GenerateOptions,
  { storage }: KernelContext,
): Promise<MatrixSource> {
  if (options.matrix === undefined) {
    throw new MlmlError('MLML_USAGE', '--kernel=precomputed: give the matrix too, with --matrix=<file.npy>');
  }
  const source = await npyMatrix(storage, options.matrix);
  const n = trainingRows(dataset.description, options);
  if (source.rows !== n) {
    throw new MlmlError(
      'MLML_MISMATCH',
      `${options.matrix}: has ${source.rows} rows, there are ${n} training rows; give the first rows it was made from with --subset`,
    );
  }
  return source;
}

function planOf(source: MatrixSource, options: GenerateOptions): Plan {
  const { rows, columns } = source;
  const size = { rows, columns, symmetric: true, dtype: options.dtype };
  const { shape, regions } = planImport(size, options.bufferBytes, options.nthreads);
  return {
    job: `generate by storing the ${rows} x ${columns} matrix of ${source.name}`,
    budgetBytes: options.bufferBytes,
    regions,
    plannedPeakBytes: layOut(regions).totalBytes,
    passes: 1,
    bytesRead: 0,
    bytesWritten: tileFileBytes(shape),
    scratchBytes: 0,
    threads: options.nthreads,
    notes: [`${tilesOf(shape)} tiles of ${shape.tileSize} x ${shape.tileSize} entries`],
  };
}

/** What storing a given matrix would use and do. */
export async function planGivenMatrix(
  dataset: Dataset,
  options: GenerateOptions,
  context: KernelContext,
): Promise<Plan> {
  return planOf(await openMatrix(dataset, options, context), options);
}

/** Stores a kernel matrix that was worked out elsewhere, for the labels of these training rows. */
export async function storeGivenMatrix(
  dataset: Dataset,
  options: GenerateOptions,
  context: KernelContext,
): Promise<GenerateResult> {
  const start = performance.now();
  const { storage, signal, onEvent } = context;
  const source = await openMatrix(dataset, options, context);
  const plan = planOf(source, options);
  onEvent?.({ type: 'plan', plan });
  const kernel = { kind: 'precomputed' } as const;
  const { data, scale } = kernelIdentity(dataset, kernel, options.dtype, options);
  const { bufferBytes, nthreads, dtype } = options;
  const limits = { bufferBytes, nthreads, ...(signal === undefined ? {} : { signal }) };
  const made = await importKernel(storage, options.kernels, source, { data, scale, dtype }, limits);
  const tiles = tilesOf(made);
  return {
    memId: made.memId,
    folder: `${options.kernels}/${made.memId}`,
    kernel,
    n: source.rows,
    tileSize: made.tileSize,
    dtype,
    bytes: tileFileBytes(made),
    tilesMade: tiles,
    tiles,
    seconds: (performance.now() - start) / 1000,
    bytesRead: 0,
    bytesWritten: tileFileBytes(made),
    plan,
  };
}
