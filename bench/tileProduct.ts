/**
 * Speed of the products of a tile with a block of vectors, one thread: GFLOP/s in both directions for each number type
 * and width, with sums of doubles and of floats.
 * `npm run bench -- tileProduct [--runs=5] [--tile=1008]`
 */
import { bestBuild, loadKernels } from '../src/arithmetic/kernels.js';
import { TILE_PRODUCT_SCRATCH, tileDtypeCodes } from '../src/arithmetic/tileProduct.js';
import { Arena } from '../src/memory/arena.js';
import { Random } from '../src/memory/random.js';
import { argument, median, printTable } from './support/report.js';

const runs = argument('runs', 5);
const size = argument('tile', 1008);
const widths = [2, 6, 8, 10, 12, 14, 20, 30, 40, 100];
const widest = Math.max(...widths);

const arena = new Arena([
  { name: 'tile', bytes: 8 * size * size },
  { name: 'v', bytes: 8 * size * widest },
  { name: 'target', bytes: 8 * size * widest },
  { name: 'scratch', bytes: TILE_PRODUCT_SCRATCH },
]);
const kernels = loadKernels(arena.memory);
const random = Random.of(1);
const v = arena.float64('v');
for (let i = 0; i < v.length; i++) v[i] = random.normal();
const [tile, vectors, target, scratch] = ['tile', 'v', 'target', 'scratch'].map((name) =>
  arena.address(name),
) as [number, number, number, number];

const table: string[][] = [['entries', 'columns', 'K·v GFLOP/s', 'Kᵀ·v', 'K·v, floats', 'Kᵀ·v, floats']];
for (const [code, dtype] of tileDtypeCodes.entries()) {
  for (const width of widths) {
    const speedOf = (product: typeof kernels.addTileProduct) => {
      const repeats = Math.ceil(1e9 / (2 * size * size * width));
      const once = () => {
        const start = performance.now();
        for (let i = 0; i < repeats; i++)
          product(tile, code, size, size, size, vectors, width, target, scratch);
        return (repeats * 2 * size * size * width) / ((performance.now() - start) * 1e6);
      };
      once();
      return median(runs, once).toFixed(1);
    };
    table.push([
      dtype,
      String(width),
      speedOf(kernels.addTileProduct),
      speedOf(kernels.addTransposedTileProduct),
      speedOf(kernels.addTileProduct32),
      speedOf(kernels.addTransposedTileProduct32),
    ]);
  }
}
printTable(`Tile products, ${size} x ${size}, ${bestBuild()} build, one thread, median of ${runs}`, table);
