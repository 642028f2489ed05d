import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RecordView, recordWords, sparseDtypeCodes, sparseDtypes } from '../data/sparse/sparseRecord.js';
import { Arena } from '../memory/arena.js';
import { Random } from '../memory/random.js';
import { packedLength } from './gram.js';
import { bestBuild, type KernelBuild, loadKernels } from './kernels.js';
import { panelIndex } from './normalProduct.js';

const D = 30;
const FEATURES = 32;
const COUNT = 21;
const ROWS = 24;
const COLUMNS = 12;
const builds: KernelBuild[] = bestBuild() === 'relaxed' ? ['plain', 'simd', 'relaxed'] : ['plain', 'simd'];

for (const build of builds) {
  describe(`sparse rows times panels, ${build} build`, () => {
    for (const dtype of sparseDtypes) {
      for (const weighted of [false, true]) {
        test(`${dtype}${weighted ? ', weighted rows' : ''}`, () => {
          const rowBytes = 4 * recordWords(D, dtype);
          const arena = new Arena([
            { name: 'rows', bytes: COUNT * rowBytes },
            { name: 'factors', bytes: 8 * D },
            { name: 'roots', bytes: 8 * COUNT },
            { name: 'p', bytes: 8 * FEATURES * COLUMNS },
            { name: 'scores', bytes: 8 * ROWS * COLUMNS },
            { name: 'sums', bytes: 8 * FEATURES * COLUMNS },
            { name: 'gram', bytes: 8 * packedLength(D) },
          ]);
          const random = Random.of(5, sparseDtypeCodes[dtype]);
          for (const name of ['factors', 'roots', 'p', 'scores', 'sums', 'gram'])
            arena.float64(name).forEach((_, i, all) => {
              all[i] = random.normal();
            });
          const view = new RecordView(arena.uint8('rows'), dtype);
          const factors = arena.float64('factors').slice();
          const x: Float64Array[] = [];
          for (let r = 0; r < COUNT; r++) {
            const indices: number[] = [];
            for (let j = 0; j < D; j++)
              if (r !== 4 && random.uniform() < (r === 5 ? 1 : 0.3)) indices.push(j);
            const values = indices.map(() =>
              dtype === 'uint8' ? 1 + random.below(9) : Math.fround(random.normal()),
            );
            view.write(
              (r * rowBytes) / 4,
              0,
              indices.length,
              Uint32Array.from(indices),
              Float64Array.from(values),
            );
            const root = weighted ? arena.float64('roots')[r]! : 1;
            const dense = new Float64Array(D);
            for (const [i, j] of indices.entries()) dense[j] = root * values[i]! * factors[j]!;
            x.push(dense);
          }
          const before = (name: string) => arena.float64(name).slice();
          const [p, scores, sums, gram] = [before('p'), before('scores'), before('sums'), before('gram')];
          const kernels = loadKernels(arena.memory, build);
          const at = (name: string) => arena.address(name);
          const given = [
            at('rows'),
            rowBytes,
            COUNT,
            sparseDtypeCodes[dtype],
            at('factors'),
            weighted ? at('roots') : 0,
          ] as const;
          const near = (found: number, wanted: number) =>
            assert.ok(Math.abs(found - wanted) < 1e-10, `${found}, not ${wanted}`);
          // Panels 1 and 2 of three; the first stays as it is.
          kernels.addSlotScores(...given, at('p'), FEATURES, 1, 3, at('scores'), ROWS);
          for (let r = 0; r < ROWS; r++) {
            for (let c = 0; c < COLUMNS; c++) {
              const index = panelIndex(ROWS, r, c);
              let wanted = scores[index]!;
              for (let j = 0; r < COUNT && c >= 4 && j < D; j++)
                wanted += x[r]![j]! * p[panelIndex(FEATURES, j, c)]!;
              near(arena.float64('scores')[index]!, wanted);
            }
          }
          arena.float64('scores').set(scores);
          kernels.addSlotSums(...given, at('scores'), ROWS, 0, 2, at('sums'), FEATURES);
          for (let j = 0; j < FEATURES; j++) {
            for (let c = 0; c < COLUMNS; c++) {
              const index = panelIndex(FEATURES, j, c);
              let wanted = sums[index]!;
              for (let r = 0; j < D && c < 8 && r < COUNT; r++)
                wanted += x[r]![j]! * scores[panelIndex(ROWS, r, c)]!;
              near(arena.float64('sums')[index]!, wanted);
            }
          }
          kernels.addSlotGram(...given, 7, 25, at('gram'));
          for (let i = 0; i < D; i++) {
            for (let j = 0; j <= i; j++) {
              let wanted = gram[packedLength(i) + j]!;
              for (let r = 0; i >= 7 && i < 25 && r < COUNT; r++) wanted += x[r]![i]! * x[r]![j]!;
              near(arena.float64('gram')[packedLength(i) + j]!, wanted);
            }
          }
        });
      }
    }
  });
}
