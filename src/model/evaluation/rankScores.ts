import { MlmlError } from '../../errors.js';
import { Scratch } from '../../storage/scratch.js';
import type { Storage } from '../../storage/storage.js';
import type { RankingNote } from './evaluationReport.js';
import { RankCurve, type Ranking } from './rankCurve.js';
import type { RankPlan } from './rankPlan.js';
import { ScoreHistogram } from './scoreHistogram.js';
import { ScoreRuns } from './scoreRuns.js';

/** Ranks rows by the scores of each class, in the way a plan says. `close` when done, also after a failure. */
export class RankScores {
  readonly #plan: RankPlan;
  readonly #histogram: ScoreHistogram | undefined;
  #runs: ScoreRuns | undefined;
  #scratch: Scratch | undefined;

  /**
   * `scratchFolder`: where a plan with scratch puts it.
   *
   * @throws MlmlError `MLML_DISK_FULL` later, when there is no room there
   */
  constructor(storage: Storage, scratchFolder: string | undefined, plan: RankPlan) {
    this.#plan = plan;
    if (plan.bins > 0) this.#histogram = new ScoreHistogram(plan.columns, plan.bins);
    if (plan.runRows > 0) {
      this.#runs = new ScoreRuns(plan, async () => {
        if (scratchFolder === undefined)
          throw new MlmlError('MLML_INTERNAL', 'a plan with scratch has no folder');
        this.#scratch = await Scratch.open(storage, scratchFolder, plan.scratchBytes);
        return await this.#scratch.create('scores', {});
      });
    }
  }

  /**
   * The score of the next row for a class. `spread`: the same order on a scale on which scores lie apart, for bins. A row ends
   * with `endRow`.
   */
  add(column: number, score: number, spread: number, positive: boolean): void {
    this.#runs?.add(column, score, positive);
    this.#histogram?.add(column, spread, positive);
  }

  /** A promise when the caller must wait before the next row. */
  endRow(): Promise<void> | undefined {
    const runs = this.#runs;
    if (runs === undefined) return undefined;
    runs.endRow();
    if (!runs.full) return undefined;
    if (!runs.exhausted) return runs.spill();
    // Of a known number of rows this was the last. Of an unknown one, more may come: from here on they are only counted.
    if (this.#histogram === undefined) return undefined;
    this.#runs = undefined;
    return this.close();
  }

  async rankings(signal?: AbortSignal): Promise<{ rankings: (Ranking | undefined)[]; note: RankingNote }> {
    const { columns, exactBytes, bins, method } = this.#plan;
    const runs = this.#runs;
    if (runs !== undefined) {
      const rankings = await rankingsOf(runs, columns, signal);
      const used = runs.scratchBytes > 0 ? 'scratch' : 'memory';
      return { rankings, note: { ...exact, method: used, scratchBytes: runs.scratchBytes } };
    }
    const histogram = this.#histogram;
    const rankings = Array.from({ length: columns }, (_, c) => histogram?.ranking(c));
    const worst = (figure: 'rocAucError' | 'averagePrecisionError') =>
      rankings.reduce((most, ranking) => Math.max(most, ranking?.[figure] ?? 0), 0);
    return {
      rankings,
      note: {
        method: method === 'none' ? 'none' : 'histogram',
        rocAucError: worst('rocAucError'),
        averagePrecisionError: worst('averagePrecisionError'),
        scratchBytes: 0,
        bins,
        exactBufferBytes: exactBytes,
      },
    };
  }

  async close(): Promise<void> {
    const scratch = this.#scratch;
    this.#scratch = undefined;
    await scratch?.close();
  }
}

const exact = { rocAucError: 0, averagePrecisionError: 0, bins: 0, exactBufferBytes: 0 } as const;

async function rankingsOf(
  runs: ScoreRuns,
  columns: number,
  signal?: AbortSignal,
): Promise<(Ranking | undefined)[]> {
  await runs.sort();
  const rankings: (Ranking | undefined)[] = [];
  for (let column = 0; column < columns; column++) {
    signal?.throwIfAborted();
    const curve = new RankCurve();
    await runs.merge(column, (_score, positives, negatives) => curve.step(positives, negatives));
    rankings.push(curve.result());
  }
  return rankings;
}
