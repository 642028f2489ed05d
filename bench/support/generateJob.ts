// As the command line does: settings that keep the engine small, before all else.
import '../../src/cli/leanRuntime.js';
import { type Dataset, openAnyDataset } from '../../src/data/dataset.js';
import type { ScalingName } from '../../src/data/scaling.js';
import { bandOrder } from '../../src/kernel/generate/bandOrder.js';
import { GENERATED_TILES } from '../../src/kernel/generate/generateTiles.js';
import { makeTiles } from '../../src/kernel/generate/makeTiles.js';
import { planGeneration } from '../../src/kernel/generate/planGeneration.js';
import {
  evaluationRegions,
  evaluatorOf,
  packedBytesOf,
  startEvaluation,
} from '../../src/kernel/job/evaluation.js';
import { geometryOf, kernelRows } from '../../src/kernel/rowGeometry.js';
import { Arena } from '../../src/memory/arena.js';
import { nodeStorage } from '../../src/storage/nodeStorage.js';
import { peakResidentBytes } from '../../src/storage/peakMemory.js';

export interface Figures {
  readonly seconds: number;
  readonly peakRssBytes: number;
  /** Of all processors, where they are told. */
  readonly processorSeconds?: number;
  /** K[i, 0] for some i, to see that all computed the same. */
  readonly entries?: readonly number[];
}

export interface Job {
  /** A data set folder. */
  readonly data: string;
  readonly n: number;
  readonly sigma: number;
  readonly threads: number;
  readonly bufferBytes: number;
  /** Default: unit for bytes, none for floats. */
  readonly scale?: ScalingName;
}

const sampled = (n: number) =>
  Array.from({ length: Math.ceil((n - 1) / Math.floor(n / 16)) }, (_, i) => 1 + i * Math.floor(n / 16));

/** All tiles, worked out and dropped. */
async function generate({ data, n, sigma, threads, bufferBytes, scale }: Job): Promise<Figures> {
  const dataset = await kernelRows(await openAnyDataset(nodeStorage, data), scale ?? 'auto');
  const start = performance.now();
  const used = process.cpuUsage();
  const { layout } = dataset;
  const kernel = { kind: 'rbf', lengthscale: sigma } as const;
  const dtype = 'float32' as const;
  const evaluation = { kernel, geometry: geometryOf(dataset, scale ?? scaleOf(dataset)), dtype };
  const plan = planGeneration({
    n,
    layout,
    dtype,
    threads,
    budgetBytes: bufferBytes,
    tile: 0,
    packedBytes: packedBytesOf(evaluation),
    otherRegions: () => evaluationRegions(evaluation, threads).slice(1),
  });
  const workspace = await startEvaluation(new Arena(plan.regions), evaluation, threads);
  const matrix = makeTiles(plan, {
    workspace,
    source: dataset.train.first(n),
    evaluator: evaluatorOf(workspace),
    rowBytes: layout.rowBytes,
    dtype,
  });
  const found = new Map<number, number>();
  const floats = new Float32Array(workspace.arena.buffer);
  const address = workspace.arena.address(GENERATED_TILES[0]);
  for await (const tile of matrix.tilesInto(bandOrder(n, plan.tileSize, plan.band), () => address)) {
    if (tile.column !== 0) continue;
    for (const i of sampled(n)) {
      const row = i - tile.firstRow;
      if (row >= 0 && row < tile.rows) found.set(i, floats[tile.address / 4 + row * tile.stride]!);
    }
  }
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(used);
  await workspace.threads.close();
  await dataset.close();
  return {
    seconds,
    processorSeconds: (user + system) / 1e6,
    peakRssBytes: peakResidentBytes(),
    entries: [...found.values()],
  };
}

/** Bytes are divided by 255; the floats are stored so. */
function scaleOf({ description }: Dataset) {
  return description.dtype === 'uint8' ? ('unit' as const) : ('none' as const);
}

// A process of its own: prints its figures.
console.log(JSON.stringify(await generate(JSON.parse(process.argv[2]!))));
