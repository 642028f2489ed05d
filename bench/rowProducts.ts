/**
 * Speed of the products of rows, the arithmetic of kernel matrices, one thread: 10^9 multiplications and additions a
 * second for each kind of rows and each build. The tile is worked out in parts of 32 x 256 sums, as kernels do.
 * "In cache" is 16 x 16 rows of 256 features again and again: what the innermost loop gives when memory costs nothing.
 * `npm run bench -- rowProducts [--runs=5] [--size=1024] [--seconds=0.2]`
 */
import { bestBuild, type KernelBuild, type Kernels, loadKernels } from '../src/arithmetic/kernels.js';
import { type ProductKind, packedRowsBytes } from '../src/arithmetic/rowProducts.js';
import { Arena } from '../src/memory/arena.js';
import { Random } from '../src/memory/random.js';
import { argument, median, printTable } from './support/report.js';

const runs = argument('runs', 5);
const size = argument('size', 1024);
const seconds = argument('seconds', 0.2);
const PART_ROWS = 32;
const PART_COLUMNS = 256;

const elementBytes = { bytes: 1, float32: 4, float64: 8 };

interface Job {
  readonly kernels: Kernels;
  readonly kind: ProductKind;
  readonly d: number;
  /** Rows on each side. */
  readonly count: number;
  readonly source: number;
  readonly packed: number;
  readonly sums: number;
}

function prepare(build: KernelBuild, kind: ProductKind, d: number, count: number): Job {
  const arena = new Arena([
    { name: 'source', bytes: count * d * elementBytes[kind] },
    { name: 'packed', bytes: packedRowsBytes(kind, d, count) + 16 },
    { name: 'sums', bytes: PART_ROWS * PART_COLUMNS * 8 },
  ]);
  const random = Random.of(1);
  const values =
    kind === 'bytes'
      ? arena.uint8('source')
      : kind === 'float32'
        ? arena.float32('source')
        : arena.float64('source');
  for (let i = 0; i < values.length; i++) values[i] = random.below(256);
  const address = (name: string) => arena.address(name);
  const job = {
    kernels: loadKernels(arena.memory, build),
    kind,
    d,
    count,
    source: address('source'),
    packed: address('packed'),
    sums: address('sums'),
  };
  pack(job);
  return job;
}

function pack({ kernels, kind, d, count, source, packed }: Job): void {
  if (kind === 'bytes') kernels.packByteRows(source, d, 0, count, d, 0, packed, count);
  else if (kind === 'float32') kernels.packFloatRows32(source, 0, count, d, packed, count);
  else kernels.packFloatRows64(source, 0, count, d, packed, count);
}

function multiply({ kernels, kind, d, count, packed, sums }: Job): void {
  const name = { bytes: 'byteProducts', float32: 'floatProducts32', float64: 'floatProducts64' } as const;
  const product = kernels[name[kind]];
  for (let c = 0; c < count; c += PART_COLUMNS) {
    const columns = Math.min(PART_COLUMNS, count - c);
    for (let r = 0; r < count; r += PART_ROWS) {
      const rows = Math.min(PART_ROWS, count - r);
      product(packed, count, r, rows, packed, count, c, columns, d, sums, PART_COLUMNS);
    }
  }
}

/** Calls a second, after as much time to warm up as a run takes: the engine first runs unoptimised code. */
function rate(work: () => void): number {
  const callsIn = (milliseconds: number): number => {
    const start = performance.now();
    let calls = 0;
    while (performance.now() - start < milliseconds) {
      work();
      calls++;
    }
    return calls;
  };
  const calls = Math.max(1, callsIn(1000 * seconds));
  return median(runs, () => {
    const start = performance.now();
    for (let i = 0; i < calls; i++) work();
    return (1000 * calls) / (performance.now() - start);
  });
}

const gigaOps = (job: Job) => (rate(() => multiply(job)) * 2 * job.count ** 2 * job.d) / 1e9;

const table = [['kernels', 'rows', 'd', 'Gop/s', 'Gop/s in cache', 'packing, MB/s']];
const builds: KernelBuild[] = bestBuild() === 'relaxed' ? ['plain', 'simd', 'relaxed'] : ['plain', 'simd'];
for (const build of builds) {
  for (const kind of ['bytes', 'float32', 'float64'] as const) {
    const inCache = gigaOps(prepare(build, kind, 256, 16));
    for (const d of [784, 3072]) {
      const job = prepare(build, kind, d, build === 'plain' ? 64 : size);
      const speed = gigaOps(job);
      const packing = (rate(() => pack(job)) * job.count * d * elementBytes[kind]) / 1e6;
      const cells = [speed.toFixed(1), inCache.toFixed(1), packing.toFixed(0)];
      table.push([build, kind, String(d), ...cells]);
    }
  }
}
printTable(`Products of rows, ${size} x ${size} (plain: 64 x 64), one thread, median of ${runs}`, table);
