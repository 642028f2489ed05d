import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Random } from '../../memory/random.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import type { Ranking } from './rankCurve.js';
import { planRanks } from './rankPlan.js';
import { RankScores } from './rankScores.js';

/** By the definitions, from all pairs. */
function plainRanking(scores: readonly number[], positive: readonly boolean[]): Ranking {
  const own = scores.filter((_, i) => positive[i]);
  const rest = scores.filter((_, i) => !positive[i]);
  let area = 0;
  for (const a of own) for (const b of rest) area += a > b ? 1 : a === b ? 0.5 : 0;
  let precision = 0;
  for (const a of own) {
    const hits = own.filter((other) => other >= a).length;
    precision += hits / (hits + rest.filter((other) => other >= a).length);
  }
  return {
    rocAuc: area / own.length / rest.length,
    averagePrecision: precision / own.length,
    rocAucError: 0,
    averagePrecisionError: 0,
  };
}

function assertNear(found: Ranking, wanted: Ranking, slack = 1e-12): void {
  assert.ok(
    Math.abs(found.rocAuc - wanted.rocAuc) <= found.rocAucError + slack,
    `roc auc ${found.rocAuc} ± ${found.rocAucError} is not ${wanted.rocAuc}`,
  );
  assert.ok(
    Math.abs(found.averagePrecision - wanted.averagePrecision) <= found.averagePrecisionError + slack,
    `average precision ${found.averagePrecision} ± ${found.averagePrecisionError} is not ${wanted.averagePrecision}`,
  );
}

interface Rows {
  readonly scores: readonly number[][];
  readonly labels: readonly number[];
}

/** Scores of which many are equal when `levels` is small. */
function randomRows(rows: number, columns: number, levels: number, seed: number): Rows {
  const random = Random.of(seed, 1);
  const labels = Array.from({ length: rows }, () => random.below(Math.max(columns, 2)));
  const scores = labels.map((label) =>
    Array.from({ length: columns }, (_, c) => {
      const own = columns === 1 ? label === 1 : label === c;
      return (Math.floor((random.below(1e6) / 1e6 + (own ? 0.2 : 0)) * levels) / levels - 0.5) * 6;
    }),
  );
  return { scores, labels };
}

const isOwn = (label: number, c: number, columns: number) => label === (columns === 1 ? 1 : c);

async function rank({ scores, labels }: Rows, known: boolean, bytes: number, mayUseScratch = true) {
  const columns = scores[0]!.length;
  const plan = planRanks(known ? labels.length : undefined, columns, bytes, mayUseScratch);
  assert.ok(plan.bytes <= bytes, `${plan.bytes} of ${bytes}`);
  const storage = new MemoryStorage();
  const ranks = new RankScores(storage, '/scratch', plan);
  let waits = 0;
  for (const [i, row] of scores.entries()) {
    for (const [c, score] of row.entries()) ranks.add(c, score, score, isOwn(labels[i]!, c, columns));
    const wait = ranks.endRow();
    if (wait !== undefined) waits++;
    await wait;
  }
  const result = await ranks.rankings();
  await ranks.close();
  assert.deepEqual(await storage.list('/scratch'), []);
  return { ...result, plan, waits };
}

describe('ranks', () => {
  for (const columns of [1, 3]) {
    for (const levels of [2, 50, 1e9]) {
      const rows = randomRows(3000, columns, levels, levels + columns);
      const wanted = Array.from({ length: columns }, (_, c) =>
        plainRanking(
          rows.scores.map((row) => row[c]!),
          rows.labels.map((label) => isOwn(label, c, columns)),
        ),
      );
      for (const [bytes, method] of [
        [8 * columns * 3000 + 16 * columns, 'memory'],
        [12_000 + 9500 * columns, 'scratch'],
        [4096 * columns, 'histogram'],
      ] as const) {
        test(`${columns} classes, ${levels} levels, ${method}: the definitions`, async () => {
          const { rankings, note } = await rank(rows, true, bytes, method !== 'histogram');
          assert.equal(note.method, method);
          for (const [c, ranking] of rankings.entries()) assertNear(ranking!, wanted[c]!);
          if (method === 'histogram') assert.ok(note.exactBufferBytes > bytes);
          else assert.equal(note.rocAucError, 0);
          if (method === 'histogram' && levels > 2) assert.ok(note.rocAucError < 0.1, `${note.rocAucError}`);
        });
      }
      test(`${columns} classes, ${levels} levels, of rows without an end: sorted while they fit, then counted`, async () => {
        const sorted = await rank(rows, false, 60_000);
        assert.equal(sorted.note.method, columns === 1 ? 'memory' : 'scratch');
        for (const [c, ranking] of sorted.rankings.entries()) assertNear(ranking!, wanted[c]!);
        const counted = await rank(rows, false, 60_000 / 4);
        assert.equal(counted.note.method, 'histogram');
        for (const [c, ranking] of counted.rankings.entries()) assertNear(ranking!, wanted[c]!);
      });
    }
  }

  test('rows that are all of one class have no rank', async () => {
    const rows = { scores: [[1], [2], [3]], labels: [1, 1, 1] };
    assert.deepEqual((await rank(rows, true, 1000)).rankings, [undefined]);
    assert.deepEqual((await rank({ ...rows, labels: [0, 0, 0] }, true, 1000)).rankings, [undefined]);
  });

  test('without room for a histogram there are no ranks', async () => {
    const { rankings, note } = await rank(randomRows(100, 1, 10, 1), true, 100);
    assert.equal(note.method, 'none');
    assert.deepEqual(rankings, [undefined]);
  });

  test('the budget that is named as enough is enough, and little more than needed', () => {
    for (const columns of [1, 2, 10, 1000]) {
      for (const rows of [1e5, 1e7, 1e9]) {
        const { exactBytes, method } = planRanks(rows, columns, 1024 * columns, true);
        assert.equal(method, 'histogram', `${rows} x ${columns}`);
        assert.equal(planRanks(rows, columns, exactBytes, true).method, 'scratch', `${rows} x ${columns}`);
        assert.equal(
          planRanks(rows, columns, exactBytes / 2, true).method,
          'histogram',
          `${rows} x ${columns}`,
        );
      }
    }
  });

  test('a full disk is told before anything is written', async () => {
    class SmallDisk extends MemoryStorage {
      override async freeBytes(): Promise<number> {
        return 1000;
      }
    }
    const plan = planRanks(10_000, 1, 30_000, true);
    const ranks = new RankScores(new SmallDisk(), '/scratch', plan);
    await assert.rejects(
      async () => {
        for (let i = 0; i < 10_000; i++) {
          ranks.add(0, i, i, i % 2 === 0);
          await ranks.endRow();
        }
      },
      { code: 'MLML_DISK_FULL' },
    );
    await ranks.close();
  });
});
