import type { ClassFigures, ClassReport } from './evaluationReport.js';
import type { Ranking } from './rankCurve.js';

/** Larger tables of errors are no longer read by anyone, and take memory by the square. */
export const MOST_CONFUSED = 1000;

/** Bytes of the counts of so many classes. */
export function countBytes(classes: number): number {
  return 8 * (3 * classes + (classes <= MOST_CONFUSED ? classes ** 2 : 0));
}

/** Rows by their class and the class predicted. */
export class ClassCounts {
  readonly #classes: number;
  readonly #rows: Float64Array;
  readonly #predicted: Float64Array;
  readonly #right: Float64Array;
  readonly #confusion: Float64Array | undefined;

  constructor(classes: number) {
    this.#classes = classes;
    this.#rows = new Float64Array(classes);
    this.#predicted = new Float64Array(classes);
    this.#right = new Float64Array(classes);
    if (classes <= MOST_CONFUSED) this.#confusion = new Float64Array(classes ** 2);
  }

  add(label: number, predicted: number): void {
    this.#rows[label]!++;
    this.#predicted[predicted]!++;
    if (label === predicted) this.#right[label]!++;
    if (this.#confusion !== undefined) this.#confusion[label * this.#classes + predicted]!++;
  }

  confusion(): number[][] | null {
    const counts = this.#confusion;
    if (counts === undefined) return null;
    return Array.from({ length: this.#classes }, (_, c) => [
      ...counts.subarray(c * this.#classes, (c + 1) * this.#classes),
    ]);
  }

  /** Figures of each class; `rankings` of each, or of class 1 alone when there are two. */
  reports(classNames: readonly string[], rankings: readonly (Ranking | undefined)[]): ClassReport[] {
    return Array.from({ length: this.#classes }, (_, c) => {
      const [rows, predicted, right] = [this.#rows[c]!, this.#predicted[c]!, this.#right[c]!];
      const ranking = rankings.length === 1 ? (c === 1 ? rankings[0] : undefined) : rankings[c];
      const name = classNames[c];
      return {
        class: c,
        ...(name === undefined ? {} : { name }),
        rows,
        predicted,
        precision: predicted > 0 ? right / predicted : 0,
        recall: rows > 0 ? right / rows : 0,
        f1: rows + predicted > 0 ? (2 * right) / (rows + predicted) : 0,
        rocAuc: ranking?.rocAuc ?? null,
        averagePrecision: ranking?.averagePrecision ?? null,
      };
    });
  }
}

/** Means of the figures of the classes that occur, each counting alike or by its rows. Figures of rank: of classes that have them. */
export function meanFigures(reports: readonly ClassReport[], weighted: boolean): ClassFigures {
  const occurring = reports.filter(({ rows, predicted }) => rows + predicted > 0);
  const mean = (figure: keyof ClassFigures) => {
    let [sum, weights] = [0, 0];
    for (const report of occurring) {
      const value = report[figure];
      if (value === null) continue;
      const weight = weighted ? report.rows : 1;
      sum += weight * value;
      weights += weight;
    }
    return weights > 0 ? sum / weights : undefined;
  };
  return {
    precision: mean('precision') ?? 0,
    recall: mean('recall') ?? 0,
    f1: mean('f1') ?? 0,
    rocAuc: mean('rocAuc') ?? null,
    averagePrecision: mean('averagePrecision') ?? null,
  };
}
