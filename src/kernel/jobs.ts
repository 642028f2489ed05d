import type { Dataset } from '../data/dataset.js';
import type { SparseDataset } from '../data/sparse/sparseDataset.js';
import type { Plan } from '../memory/plan.js';
import type { Evaluation } from '../ssgd/events.js';
import type { CheckpointOptions } from '../storage/checkpoint.js';
import type { Storage } from '../storage/storage.js';
import type { KernelListener } from './events.js';
import type { KernelFunction, TileDtype } from './functions/kernelFunction.js';
import type { KernelModel } from './kernelModel.js';
import type { GenerateOptions, KernelTrainOptions, SolverName } from './options.js';

/** What krr picked: a solver, and whether its kernel is stored. */
export interface KrrPick {
  readonly solver: 'cg' | 'closed' | 'bcd' | 'nystrom';
  readonly stored: boolean;
}

/** What every kernel job is given. */
export interface KernelContext {
  readonly storage: Storage;
  /** Folder for checkpoints and factors of jobs without a stored kernel. */
  readonly scratchFolder: string;
  readonly signal?: AbortSignal;
  readonly onEvent?: KernelListener;
  /** How often states are saved, and what is kept with them. Default: every 30 s. */
  readonly checkpoint?: Omit<CheckpointOptions, 'signal'>;
  /**
   * What krr takes, where it still fits, whatever speeds are measured this time: a job that is gone on with ends as it would
   * have ended.
   */
  readonly pick?: KrrPick;
  /** Told of what krr picks. */
  readonly onPick?: (pick: KrrPick) => void;
}

/** What making a stored kernel came to. */
export interface GenerateResult {
  readonly memId: string;
  readonly folder: string;
  readonly kernel: KernelFunction;
  readonly n: number;
  readonly tileSize: number;
  readonly dtype: TileDtype;
  readonly bytes: number;
  /** Tiles made now, and all. */
  readonly tilesMade: number;
  readonly tiles: number;
  readonly seconds: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly plan: Plan;
}

/** A stored kernel as `mlml kernels` lists it. */
export interface StoredKernel {
  readonly memId: string;
  readonly folder: string;
  readonly kernel: KernelFunction;
  readonly n: number;
  readonly tileSize: number;
  readonly dtype: TileDtype;
  readonly scale: string;
  readonly bytes: number;
  readonly tiles: number;
  readonly tilesDone: number;
  readonly complete: boolean;
  readonly dataset: {
    readonly name: string;
    readonly fingerprint: string;
    readonly subset: number;
    /** What the rows of the subset were drawn by; absent when they are the first ones. */
    readonly sampleSeed?: number;
  };
  /** A process is working on it now. */
  readonly busy: boolean;
}

/** One line of the table of `--reg=1,0.1,0.01`. */
export interface RegularizationResult {
  readonly regularization: number;
  readonly residual: number;
  /** Accuracy or rmse on held-out rows, or by leaving one out; absent when there was only one regularization. */
  readonly validation?: number;
}

/** What training a kernel model came to. */
export interface KernelTrainResult {
  readonly model: KernelModel;
  readonly plan: Plan;
  /** The solver that ran: for krr the one picked. */
  readonly solver: Exclude<SolverName, 'krr'>;
  /** Reasons of krr, one sentence each. */
  readonly reasons: readonly string[];
  readonly memId: string | undefined;
  readonly passes: number;
  /** True relative residual of the model kept. */
  readonly residual: number;
  readonly stopped: 'tolerance' | 'patience' | 'passes';
  /** One entry for each value of `--reg`, in the order given. */
  readonly regularizations: readonly RegularizationResult[];
  /** Accuracy or rmse by leaving one out (closed). */
  readonly leaveOneOut: number | undefined;
  readonly seconds: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly train: Evaluation | undefined;
  readonly test: Evaluation | undefined;
}

/** The functions behind the verbs. */
export interface KernelJobs {
  /** What `generate` would do. Reads a sample of rows when the lengthscale is to be found. */
  planGenerate(
    dataset: Dataset | SparseDataset,
    options: GenerateOptions,
    context: KernelContext,
  ): Promise<Plan>;
  /** Builds a kernel on disk; goes on where a killed run stopped; returns at once when it is complete. */
  generateKernel(
    dataset: Dataset | SparseDataset,
    options: GenerateOptions,
    context: KernelContext,
  ): Promise<GenerateResult>;
  /** What a kernel verb would do. Opens the stored kernel when `memId` is given, to know its tiles. */
  planKernelTraining(
    solver: SolverName,
    dataset: Dataset | SparseDataset,
    options: KernelTrainOptions,
    context: KernelContext,
  ): Promise<Plan>;
  /** See `trainKernel`. */
  trainKernel(
    solver: SolverName,
    dataset: Dataset | SparseDataset,
    options: KernelTrainOptions,
    context: KernelContext,
  ): Promise<KernelTrainResult>;
  /** See `listKernels`. */
  listKernels(storage: Storage, folder: string): Promise<StoredKernel[]>;
  /** One of them; the others may be damaged. */
  findKernel(storage: Storage, folder: string, memId: string): Promise<StoredKernel>;
  /** See `removeKernel`. */
  removeKernel(storage: Storage, folder: string, memId: string): Promise<void>;
  /**
   * Reads all tiles and compares them with their checksums. Those that are wrong are marked, so that the same generate
   * makes them again, and the error names them.
   */
  verifyKernel(
    storage: Storage,
    folder: string,
    memId: string,
    options: {
      readonly bufferBytes: number;
      readonly signal?: AbortSignal;
      readonly onEvent?: KernelListener;
    },
  ): Promise<StoredKernel>;
}
