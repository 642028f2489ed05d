import { formatBytes } from '../memory/byteSize.js';
import type { Plan } from '../memory/plan.js';
import type { Storage } from '../storage/storage.js';
import type { Dataset } from './dataset.js';
import type { DatasetDescription } from './format.js';
import { RowSample } from './rowSample.js';
import { copySparseSample } from './sparse/copySparseSample.js';
import { longestBytes } from './sparse/scanSparse.js';
import { isSparse, type SparseDataset } from './sparse/sparseDataset.js';
import type { SparseDtype } from './sparse/sparseRecord.js';

/** Ways of choosing the rows of a subset. */
export const sampleNames = ['random', 'first'] as const;
/** How the rows of a subset are chosen: a random sample, by seed, or the first ones. */
export type SampleName = (typeof sampleNames)[number];

/** What decides which training rows a job uses. */
export interface SubsetOptions {
  /** How many; 0 for all. */
  readonly subset: number;
  readonly sample: SampleName;
  readonly seed: number;
  /** Default: `seed`. */
  readonly sampleSeed?: number;
}

/** The sample that options ask for; undefined when all rows are used, or the first ones. */
export function sampleOf(
  { parts }: Pick<DatasetDescription, 'parts'>,
  { subset, sample, seed, sampleSeed = seed }: SubsetOptions,
): RowSample | undefined {
  const { n } = parts.train;
  return sample === 'first' || subset === 0 || subset >= n ? undefined : new RowSample(n, subset, sampleSeed);
}

/**
 * The description of a data set whose training rows are a sample. Statistics and counts of classes stay those of all training rows.
 * Of sparse rows the bytes are what they are at most.
 */
export function sampledDescription(
  description: DatasetDescription,
  { size, rows }: RowSample,
): DatasetDescription {
  const { parts, sparse, dtype } = description;
  const train = { ...parts.train, n: size };
  const sampled = { ...description, parts: { ...parts, train } };
  if (sparse === undefined) return sampled;
  const { bytes, nonzeros, longestRow } = sparse.train;
  const most = size * longestBytes(longestRow, dtype as SparseDtype);
  const sizes = { longestRow, bytes: Math.min(bytes, most), nonzeros: Math.round((nonzeros * size) / rows) };
  return { ...sampled, sparse: { ...sparse, train: sizes } };
}

/** Bytes read and written to copy a sample: dense rows are read where they lie. */
export function copiedBytes(description: DatasetDescription, sample: RowSample): number {
  const { sparse } = description;
  return sparse === undefined ? 0 : sampledDescription(description, sample).sparse!.train.bytes;
}

/** The plan of a job on sampled rows, with what sampling adds. */
export function sampledPlan<P extends Plan>(plan: P, description: DatasetDescription, sample: RowSample): P {
  const { size, rows } = sample;
  const copied = copiedBytes(description, sample);
  const how =
    copied > 0
      ? `copied to scratch (at most ${formatBytes(copied)})`
      : 'read where they lie; what is read over between them is not counted';
  return {
    ...plan,
    bytesRead: plan.bytesRead + copied,
    bytesWritten: plan.bytesWritten + copied,
    scratchBytes: plan.scratchBytes + copied,
    ...(plan.neededScratchBytes === undefined
      ? {}
      : { neededScratchBytes: plan.neededScratchBytes + copied }),
    notes: [...plan.notes, `${size} of ${rows} rows drawn at random, ${how}`],
  };
}

/** A data set whose training rows are a sample. */
export interface Sampled<D extends Dataset | SparseDataset> {
  readonly dataset: D;
  /** Removes what was copied; the data set that was sampled stays open. */
  release(): Promise<void>;
}

/**
 * Opens a sample of the training rows. Dense rows are read where they lie; sparse ones, whose places no formula gives, are copied to
 * scratch first, in one pass.
 */
export async function openSample<D extends Dataset | SparseDataset>(
  dataset: D,
  sample: RowSample,
  context: { readonly storage: Storage; readonly scratchFolder: string; readonly signal?: AbortSignal },
): Promise<Sampled<D>>;
export async function openSample(
  dataset: Dataset | SparseDataset,
  sample: RowSample,
  context: { readonly storage: Storage; readonly scratchFolder: string; readonly signal?: AbortSignal },
): Promise<Sampled<Dataset | SparseDataset>> {
  const description = sampledDescription(dataset.description, sample);
  if (!isSparse(dataset)) return { dataset: sampledRows(dataset, sample), release: async () => {} };
  const { file, release } = await copySparseSample(dataset.train, sample, description.sparse!.train, context);
  return { dataset: { ...dataset, description, train: file }, release };
}

/** Dense rows of which the training part is a sample. Shares the open files. */
export function sampledRows(dataset: Dataset, sample: RowSample): Dataset {
  const description = sampledDescription(dataset.description, sample);
  return { ...dataset, description, train: dataset.train.sampled(sample), sample };
}
