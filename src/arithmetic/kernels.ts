import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { type ChecksumKernels, plainChecksum } from './checksum.js';
import { type CholeskyKernels, plainCholesky } from './cholesky.js';
import { type DelimitedRowKernels, plainDelimitedRows } from './delimitedRows.js';
import { type DelimitedValueKernels, plainDelimitedValues } from './delimitedValues.js';
import { type EpilogueKernels, plainEpilogue } from './epilogue.js';
import { type FloatProductKernels, plainFloatProduct } from './floatProduct.js';
import { type GatherKernels, plainGather } from './gather.js';
import { type GramKernels, plainGram } from './gram.js';
import { type GramRowKernels, plainGramRows } from './gramRows.js';
import { type LibsvmRowKernels, plainLibsvmRows } from './libsvmRows.js';
import { type NormalProductKernels, plainNormalProduct } from './normalProduct.js';
import { type PackedFactorKernels, plainPackedFactor } from './packedFactor.js';
import { type PackScaledKernels, plainPackScaled } from './packScaled.js';
import { plainRowNorms, type RowNormKernels } from './rowNorms.js';
import { plainRowProducts, type RowProductKernels } from './rowProducts.js';
import { plainRowSquares, type RowSquareKernels } from './rowSquares.js';
import { plainRowStep, type RowStepKernels } from './rowStep.js';
import type { ScatterKernels } from './scatter.js';
import { plainScatter } from './scatter.js';
import { plainScores, type ScoreKernels } from './scores.js';
import { plainSlotPanels, type SlotPanelKernels } from './slotPanels.js';
import { plainSoftmax, type SoftmaxKernels } from './softmax.js';
import { plainSparse, type SparseKernels } from './sparse.js';
import { plainSparseProducts, type SparseProductKernels } from './sparseProducts.js';
import { plainSteps, type StepKernels } from './step.js';
import { plainTileFactor, type TileFactorKernels } from './tileFactor.js';
import { plainTileProduct, type TileProductKernels } from './tileProduct.js';
import { plainTileProduct32, type TileProduct32Kernels } from './tileProduct32.js';

/**
 * The hot loops. Every argument named an address is a byte offset into the arena's memory.
 * `plainKernels` is the TypeScript reference; `loadKernels` gives the WebAssembly build; both pass one suite.
 */
export interface Kernels
  extends ChecksumKernels,
    CholeskyKernels,
    DelimitedRowKernels,
    DelimitedValueKernels,
    EpilogueKernels,
    GatherKernels,
    GramKernels,
    GramRowKernels,
    LibsvmRowKernels,
    NormalProductKernels,
    PackedFactorKernels,
    FloatProductKernels,
    PackScaledKernels,
    RowNormKernels,
    RowProductKernels,
    RowSquareKernels,
    RowStepKernels,
    ScoreKernels,
    SlotPanelKernels,
    SoftmaxKernels,
    SparseKernels,
    SparseProductKernels,
    StepKernels,
    TileFactorKernels,
    TileProductKernels,
    TileProduct32Kernels,
    ScatterKernels {}

export type KernelBuild = 'plain' | 'simd' | 'relaxed';

/** The reference implementation in plain TypeScript. */
export function plainKernels(memory: WebAssembly.Memory): Kernels {
  const buffer = memory.buffer as unknown as SharedArrayBuffer;
  return {
    ...plainGather(buffer),
    ...plainScatter(buffer),
    ...plainScores(buffer),
    ...plainSlotPanels(buffer),
    ...plainSoftmax(buffer),
    ...plainSparse(buffer),
    ...plainSparseProducts(buffer),
    ...plainSteps(buffer),
    ...plainGram(buffer),
    ...plainGramRows(buffer),
    ...plainCholesky(buffer),
    ...plainLibsvmRows(buffer),
    ...plainNormalProduct(buffer),
    ...plainPackedFactor(buffer),
    ...plainFloatProduct(buffer),
    ...plainPackScaled(buffer),
    ...plainRowNorms(buffer),
    ...plainRowProducts(buffer),
    ...plainRowSquares(buffer),
    ...plainRowStep(buffer),
    ...plainEpilogue(buffer),
    ...plainTileProduct(buffer),
    ...plainTileProduct32(buffer),
    ...plainChecksum(buffer),
    ...plainDelimitedRows(buffer),
    ...plainDelimitedValues(buffer),
    ...plainTileFactor(buffer),
  };
}

// (func (param v128 v128 v128) (result v128) (f32x4.relaxed_madd (local.get 0) (local.get 1) (local.get 2)))
const RELAXED_PROBE = Uint8Array.of(
  0,
  97,
  115,
  109,
  1,
  0,
  0,
  0,
  1,
  8,
  1,
  96,
  3,
  123,
  123,
  123,
  1,
  123,
  3,
  2,
  1,
  0,
  10,
  13,
  1,
  11,
  0,
  32,
  0,
  32,
  1,
  32,
  2,
  253,
  0x85,
  0x02,
  11,
);

/** Whether this engine has fused multiply-add; Node 20 has it behind a flag that can be set while running. */
function hasRelaxedSimd(): boolean {
  if (WebAssembly.validate(RELAXED_PROBE)) return true;
  if (!process.versions.node.startsWith('20.')) return false;
  setFlagsFromString('--experimental-wasm-relaxed-simd');
  return WebAssembly.validate(RELAXED_PROBE);
}

let best: KernelBuild | undefined;
const modules = new Map<KernelBuild, WebAssembly.Module>();

/** The fastest build this engine can run. `MLML_KERNELS=plain|simd|relaxed` overrides it. */
export function bestBuild(): KernelBuild {
  const wanted = process.env['MLML_KERNELS'];
  if (wanted === 'plain' || wanted === 'simd' || wanted === 'relaxed') return wanted;
  best ??= hasRelaxedSimd() ? 'relaxed' : 'simd';
  return best;
}

/** Compiles a build, unless that is done. A command does it before it takes its memory baseline. */
export function compileKernels(build: KernelBuild = bestBuild()): WebAssembly.Module | undefined {
  if (build === 'plain') return undefined;
  if (build === 'relaxed') hasRelaxedSimd();
  let module = modules.get(build);
  if (module === undefined) {
    module = new WebAssembly.Module(
      readFileSync(new URL(`../../assembly/kernels.${build}.wasm`, import.meta.url)),
    );
    modules.set(build, module);
  }
  return module;
}

/** Binds a build of the kernels to an arena's memory. */
export function loadKernels(memory: WebAssembly.Memory, build: KernelBuild = bestBuild()): Kernels {
  return bindKernels(memory, compileKernels(build));
}

/** Binds a compiled build, or the reference where there is none. Threads do it with the main thread's module. */
export function bindKernels(memory: WebAssembly.Memory, module: WebAssembly.Module | undefined): Kernels {
  if (module === undefined) return plainKernels(memory);
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernels;
}
