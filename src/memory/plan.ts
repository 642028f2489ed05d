import { MlmlError } from '../errors.js';

/** One contiguous piece of the arena. */
export interface Region {
  readonly name: string;
  readonly bytes: number;
  /** Alignment of its first byte, a power of two. Default 64. */
  readonly align?: number;
}

/** What a job will use and do, known before it starts. A plan is pure data: it can be printed, tested and costed. */
export interface Plan {
  /** What the job does, for a person: `ssgd on 784 features x 10 classes`. */
  readonly job: string;
  readonly budgetBytes: number;
  readonly regions: readonly Region[];
  /** Bytes of the arena: all regions with their alignment. Never more than the budget. */
  readonly plannedPeakBytes: number;
  /** How often the training rows are read. */
  readonly passes: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Most disk space the scratch file takes. */
  readonly scratchBytes: number;
  /** What of it must be free before the start, or the job is refused. Default: nothing is asked for beforehand. */
  readonly neededScratchBytes?: number;
  /** Threads at work, the main thread included. Default 1. */
  readonly threads?: number;
  /** The choices made, one sentence each. */
  readonly notes: readonly string[];
  /** What a larger budget would save, where that is much: told when a run begins. One of the notes. */
  readonly hint?: string;
}

/** Address 0 stays unused, so that no region can be mistaken for a null pointer. */
export const FIRST_ADDRESS = 64;
const DEFAULT_ALIGN = 64;
/** Kernels read up to 15 bytes behind the last row. */
const TAIL = 16;

export function alignUp(value: number, align: number): number {
  return Math.ceil(value / align) * align;
}

/** Address of each region and the total size, in the order given. */
export function layOut(regions: readonly Region[]): { offsets: Map<string, number>; totalBytes: number } {
  const offsets = new Map<string, number>();
  let end = FIRST_ADDRESS;
  for (const region of regions) {
    if (offsets.has(region.name)) {
      throw new MlmlError('MLML_INTERNAL', `two regions of the plan are named '${region.name}'`);
    }
    const offset = alignUp(end, region.align ?? DEFAULT_ALIGN);
    offsets.set(region.name, offset);
    end = offset + region.bytes;
  }
  return { offsets, totalBytes: end + TAIL };
}

/** Throws `MLML_BUDGET_TOO_SMALL`, naming the smallest `--buffer` that works (rounded up to 10 kB). */
export function budgetTooSmall(
  job: string,
  neededBytes: number,
  budgetBytes: number,
  advice = '',
): MlmlError {
  const megabytes = (bytes: number) => String(Math.ceil(bytes / 1e4) / 100);
  const given = budgetBytes / 1e6;
  return new MlmlError(
    'MLML_BUDGET_TOO_SMALL',
    `${job} needs at least ${megabytes(neededBytes)} MB; --buffer is ${given} MB${advice === '' ? '' : `; ${advice}`}`,
  );
}
